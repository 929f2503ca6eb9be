// Metadata is remembered, kept through an outage, and a failure is remembered too, but not for long.

import { describe, expect, it } from "vitest";
import { TransportError } from "../../src/core/transport.ts";
import { createDiscovery, type DiscoverySettings, METADATA_LIFETIME_MS } from "../../src/oauth/discovery.ts";
import { fakeClock, fakeProvider, response, thrownBy } from "../support/fakes.ts";

const ISSUER = "https://idp.example";
const documentWith = (path: string) => response(200, { issuer: ISSUER, token_endpoint: `${ISSUER}/${path}` });

const SETTINGS: DiscoverySettings = { issuer: ISSUER, discovery: "oidc", byTls: false };

function setUp(changes: Partial<DiscoverySettings> = {}, clock = fakeClock()) {
  const provider = fakeProvider(() => documentWith("first"));
  const discovery = createDiscovery({ ...SETTINGS, ...changes }, "providers.main", {
    transport: provider.createTransport({ connect_timeout: 1, connections: 1 }),
    clock,
  });
  return { clock, provider, discovery, endpoint: async () => (await discovery.metadata(1_000)).token_endpoint };
}

const down = () => {
  throw new TransportError("unreachable");
};

describe("metadata", () => {
  it("is not known before somebody asks", () => {
    const { discovery, provider } = setUp();
    expect(discovery.state()).toEqual({ ready: false, problem: "no discovery yet" });
    expect(provider.requests).toHaveLength(0);
  });

  it("is looked up once in its lifetime", async () => {
    const { clock, provider, discovery, endpoint } = setUp();
    expect(await endpoint()).toBe(`${ISSUER}/first`);
    provider.answer = () => documentWith("second");
    clock.advance(METADATA_LIFETIME_MS - 1);
    expect(await endpoint()).toBe(`${ISSUER}/first`);
    expect(provider.requests).toHaveLength(1);
    expect(discovery.state()).toMatchObject({ ready: true });
  });

  it("is looked up again when its lifetime is over", async () => {
    const { clock, provider, endpoint } = setUp();
    await endpoint();
    provider.answer = () => documentWith("second");
    clock.advance(METADATA_LIFETIME_MS);
    expect(await endpoint()).toBe(`${ISSUER}/second`);
    expect(await endpoint()).toBe(`${ISSUER}/second`);
    expect(provider.requests).toHaveLength(2);
  });

  it("is looked up by each call that comes while there is none: nothing in flight is shared", async () => {
    const { provider, endpoint } = setUp();
    await Promise.all([endpoint(), endpoint()]);
    expect(provider.requests).toHaveLength(2);
  });
});

describe("a refresh", () => {
  it("looks up whatever is known and starts a lifetime of its own", async () => {
    const { clock, provider, discovery, endpoint } = setUp();
    await endpoint();
    clock.advance(METADATA_LIFETIME_MS / 2);
    provider.answer = () => documentWith("second");
    expect((await discovery.refresh(2_000)).token_endpoint).toBe(`${ISSUER}/second`);
    expect(provider.requests.map(({ timeout }) => timeout)).toEqual([1_000, 2_000]);
    clock.advance(METADATA_LIFETIME_MS - 1);
    expect(await endpoint()).toBe(`${ISSUER}/second`);
    expect(provider.requests).toHaveLength(2);
  });

  it("that fails throws, and leaves what is known in use", async () => {
    const { provider, discovery, endpoint } = setUp();
    await endpoint();
    provider.answer = down;
    expect(await thrownBy(() => discovery.refresh(1_000))).toMatchObject({ code: "provider_unreachable" });
    expect(discovery.state()).toMatchObject({ ready: true });
    expect(await endpoint()).toBe(`${ISSUER}/first`);
  });

  it("is not held up by a failure that is remembered", async () => {
    const { provider, discovery } = setUp();
    provider.answer = down;
    await thrownBy(() => discovery.metadata(1_000));
    provider.answer = () => documentWith("first");
    expect((await discovery.refresh(1_000)).token_endpoint).toBe(`${ISSUER}/first`);
    expect(discovery.state()).toMatchObject({ ready: true });
  });
});

describe("a failure", () => {
  it("is told at once to calls of the next second, and then tried again", async () => {
    const { clock, provider, discovery, endpoint } = setUp();
    provider.answer = down;
    expect(await thrownBy(endpoint)).toMatchObject({ code: "provider_unreachable" });
    clock.advance(999);
    expect(await thrownBy(endpoint)).toMatchObject({ code: "provider_unreachable" });
    expect(provider.requests).toHaveLength(1);
    expect(discovery.state()).toEqual({ ready: false, problem: 'the provider "providers.main" cannot be reached' });

    clock.advance(1);
    provider.answer = () => documentWith("first");
    expect(await endpoint()).toBe(`${ISSUER}/first`);
    expect(provider.requests).toHaveLength(2);
  });

  it("is remembered from when it came, not from when the look-up began", async () => {
    const { clock, provider, endpoint } = setUp();
    provider.answer = () => {
      clock.advance(5_000);
      throw new TransportError("timeout");
    };
    await thrownBy(endpoint);
    clock.advance(999);
    await thrownBy(endpoint);
    expect(provider.requests).toHaveLength(1);
  });

  it("that is a bug is thrown as it is and not remembered", async () => {
    const { provider, discovery, endpoint } = setUp();
    const bug = new TypeError("a bug");
    provider.answer = () => {
      throw bug;
    };
    expect(await thrownBy(endpoint)).toBe(bug);
    provider.answer = () => documentWith("first");
    expect(await endpoint()).toBe(`${ISSUER}/first`);
    expect(discovery.state()).toMatchObject({ ready: true });
  });
});

describe("an outage", () => {
  it("leaves old metadata in use, tried again only every minute", async () => {
    const { clock, provider, discovery, endpoint } = setUp();
    await endpoint();
    provider.answer = down;
    clock.advance(METADATA_LIFETIME_MS);
    expect(await endpoint()).toBe(`${ISSUER}/first`);
    expect(await endpoint()).toBe(`${ISSUER}/first`);
    expect(provider.requests).toHaveLength(2);

    clock.advance(59_999);
    expect(await endpoint()).toBe(`${ISSUER}/first`);
    expect(provider.requests).toHaveLength(2);

    clock.advance(1);
    expect(await endpoint()).toBe(`${ISSUER}/first`);
    expect(provider.requests).toHaveLength(3);
    expect(discovery.state()).toMatchObject({ ready: true });

    clock.advance(60_000);
    provider.answer = () => documentWith("second");
    expect(await endpoint()).toBe(`${ISSUER}/second`);
  });

  it("costs one call a fifth of its time, and the calls beside it nothing", async () => {
    const { clock, provider, endpoint } = setUp();
    await endpoint();
    clock.advance(METADATA_LIFETIME_MS);
    let fail = () => {};
    provider.answer = () => new Promise((_, reject) => (fail = () => reject(new TransportError("timeout"))));
    const waiting = endpoint();
    expect(await endpoint()).toBe(`${ISSUER}/first`);
    expect(provider.requests.slice(1).map(({ timeout }) => timeout)).toEqual([200]);
    fail();
    expect(await waiting).toBe(`${ISSUER}/first`);
  });

  it("of days still leaves it in use", async () => {
    const { clock, provider, endpoint } = setUp();
    await endpoint();
    provider.answer = () => response(503, "");
    clock.advance(METADATA_LIFETIME_MS * 72);
    expect(await endpoint()).toBe(`${ISSUER}/first`);
  });

  it("is not ended by another issuer's document", async () => {
    const { clock, provider, endpoint } = setUp();
    await endpoint();
    clock.advance(METADATA_LIFETIME_MS);
    provider.answer = () => response(200, { issuer: "https://evil.example", token_endpoint: "https://evil.example/t" });
    expect(await endpoint()).toBe(`${ISSUER}/first`);
  });
});

describe("what another discovery remembers", () => {
  async function handOver(changes: Partial<DiscoverySettings> = {}) {
    const old = setUp();
    await old.endpoint();
    const next = setUp(changes, old.clock);
    next.provider.answer = down;
    return { old, next };
  }

  it("is gone on from, also where the provider is down", async () => {
    const { old, next } = await handOver();
    next.discovery.adopt(old.discovery.remembered());
    expect(next.discovery.state()).toMatchObject({ ready: true });
    await thrownBy(() => next.discovery.refresh(1_000));
    expect(await next.endpoint()).toBe(`${ISSUER}/first`);
  });

  it("keeps its age, and makes the other one no older by what happens to this one", async () => {
    const { old, next } = await handOver();
    old.clock.advance(METADATA_LIFETIME_MS - 1);
    next.discovery.adopt(old.discovery.remembered());
    await next.endpoint();
    expect(next.provider.requests).toHaveLength(0);
    old.clock.advance(1);
    await next.endpoint();
    expect(next.provider.requests).toHaveLength(1);
    await old.endpoint();
    expect(old.provider.requests).toHaveLength(2);
  });

  it.each<Partial<DiscoverySettings>>([{ issuer: `${ISSUER}/other` }, { discovery: "oauth" }, { byTls: true }])(
    "is left where it was looked up otherwise: %j",
    async (changes) => {
      const { old, next } = await handOver(changes);
      next.discovery.adopt(old.discovery.remembered());
      expect(next.discovery.state()).toMatchObject({ ready: false });
    },
  );

  it("takes the place of nothing that is known, and may be nothing", async () => {
    const { old, next } = await handOver();
    next.discovery.adopt(undefined);
    expect(next.discovery.state()).toMatchObject({ ready: false });
    next.provider.answer = () => documentWith("second");
    await next.endpoint();
    next.discovery.adopt(old.discovery.remembered());
    expect(await next.endpoint()).toBe(`${ISSUER}/second`);
  });
});
