// Metadata is remembered, kept through an outage, and handed to the discovery that replaces this
// one.

import { describe, expect, it } from "vitest";
import { type Keep, keepNothing } from "../../src/core/ports.ts";
import { TransportError } from "../../src/core/transport.ts";
import { createDiscovery, type DiscoverySettings, METADATA_LIFETIME_MS } from "../../src/oauth/discovery.ts";
import { fakeClock, fakeProvider, response, thrownBy } from "../support/fakes.ts";

const ISSUER = "https://idp.example";
const [FIRST, SECOND] = [`${ISSUER}/first`, `${ISSUER}/second`];
const ELSEWHERE = "https://other.example:8443/token";
const naming = (token_endpoint: string) => () => response(200, { issuer: ISSUER, token_endpoint });

const SETTINGS: DiscoverySettings = { issuer: ISSUER, discovery: "oidc", byTls: false };

function setUp(changes: Partial<DiscoverySettings> = {}, clock = fakeClock(), keep = keepNothing) {
  const provider = fakeProvider(naming(FIRST));
  const moves: unknown[] = [];
  const discovery = createDiscovery({ ...SETTINGS, ...changes }, "providers.main", {
    transport: provider.createTransport({ connect_timeout: 1, connections: 1 }),
    clock,
    keep,
    log: (_level, _event, { host, moved_to } = {}) => moves.push([host, moved_to]),
  });
  return { clock, provider, discovery, moves, endpoint: async () => (await discovery.metadata(1_000)).token_endpoint };
}

const down = () => {
  throw new TransportError("unreachable");
};

describe("metadata", () => {
  it("is looked up by the first call, and again after its lifetime", async () => {
    const { clock, provider, discovery, endpoint } = setUp();
    expect(discovery.state()).toEqual({ ready: false, problem: "no discovery yet" });
    expect(await endpoint()).toBe(FIRST);
    provider.answer = naming(SECOND);
    clock.advance(METADATA_LIFETIME_MS - 1);
    expect(await endpoint()).toBe(FIRST);
    expect(provider.requests).toHaveLength(1);
    expect(discovery.state()).toMatchObject({ ready: true });

    clock.advance(1);
    expect(await endpoint()).toBe(SECOND);
    expect(await endpoint()).toBe(SECOND);
    expect(provider.requests).toHaveLength(2);
  });

  it("is looked up by each call while there is none, because calls share no promise", async () => {
    const { provider, endpoint } = setUp();
    await Promise.all([endpoint(), endpoint()]);
    expect(provider.requests).toHaveLength(2);
  });
});

describe("a refresh", () => {
  it("looks the metadata up, and begins a new lifetime", async () => {
    const { clock, provider, discovery, endpoint } = setUp();
    await endpoint();
    clock.advance(METADATA_LIFETIME_MS / 2);
    provider.answer = naming(SECOND);
    expect((await discovery.refresh(2_000)).token_endpoint).toBe(SECOND);
    expect(provider.requests.map(({ timeout }) => timeout)).toEqual([1_000, 2_000]);
    clock.advance(METADATA_LIFETIME_MS - 1);
    expect(await endpoint()).toBe(SECOND);
    expect(provider.requests).toHaveLength(2);
  });

  it("that fails throws and keeps the old metadata, and the next one asks the provider again", async () => {
    const { provider, discovery, endpoint } = setUp();
    await endpoint();
    provider.answer = down;
    expect(await thrownBy(() => discovery.refresh(1_000))).toMatchObject({ code: "provider_unreachable" });
    expect(await endpoint()).toBe(FIRST);
    provider.answer = naming(SECOND);
    expect((await discovery.refresh(1_000)).token_endpoint).toBe(SECOND);
  });
});

describe("an endpoint that moves to another host", () => {
  it("is not adopted by a refresh, which reports it, until the document names the old host again", async () => {
    const { clock, provider, discovery, moves, endpoint } = setUp();
    await endpoint();
    provider.answer = naming(ELSEWHERE);
    clock.advance(METADATA_LIFETIME_MS);
    expect(await endpoint()).toBe(FIRST);
    expect((await discovery.refresh(1_000)).token_endpoint).toBe(FIRST);
    expect(await endpoint()).toBe(FIRST);
    expect(moves).toEqual(Array(2).fill(["idp.example", "other.example:8443"]));
    expect(discovery.state()).toMatchObject({ ready: true, movedTo: "other.example:8443" });

    provider.answer = naming(SECOND);
    await discovery.refresh(1_000);
    expect(await endpoint()).toBe(SECOND);
    expect(discovery.state()).toMatchObject({ movedTo: undefined });
  });

  it("is asked for once in a lifetime, as any other", async () => {
    const { clock, provider, endpoint } = setUp();
    await endpoint();
    provider.answer = naming(ELSEWHERE);
    clock.advance(METADATA_LIFETIME_MS);
    await endpoint();
    clock.advance(METADATA_LIFETIME_MS - 1);
    await endpoint();
    expect(provider.requests).toHaveLength(2);
  });

  it.each([
    ["another port", "https://idp.example:8443/token", undefined],
    ["a subdomain", "https://a.idp.example/token", undefined],
    ["another spelling of the host", "https://IDP.example:443/token", "https://IDP.example:443/token"],
  ])("counts as moved by its host and port: %s", async (_, written, adopted = FIRST) => {
    const { provider, discovery, endpoint } = setUp();
    await endpoint();
    provider.answer = naming(written);
    await discovery.refresh(1_000);
    expect(await endpoint()).toBe(adopted);
  });

  it("is not adopted either if two first look-ups differ", async () => {
    const { provider, endpoint } = setUp();
    const answers = [naming(FIRST), naming(ELSEWHERE)];
    provider.answer = () => (answers.shift() as (typeof answers)[0])();
    expect(await Promise.all([endpoint(), endpoint()])).toEqual([FIRST, FIRST]);
  });
});

describe("a failed look-up", () => {
  it("fails the calls of the next second at once, counted from its end", async () => {
    const { clock, provider, discovery, endpoint } = setUp();
    provider.answer = () => {
      clock.advance(5_000);
      return down();
    };
    const error = await thrownBy(endpoint);
    expect(error).toMatchObject({ code: "provider_unreachable" });
    clock.advance(999);
    expect(await thrownBy(endpoint)).toBe(error);
    expect(provider.requests).toHaveLength(1);
    expect(discovery.state()).toEqual({ ready: false, problem: 'the provider "providers.main" cannot be reached' });

    clock.advance(1);
    provider.answer = naming(FIRST);
    expect(await endpoint()).toBe(FIRST);
  });

  it("at which the egress proxy refuses is remembered too", async () => {
    const { provider, discovery, endpoint } = setUp();
    provider.answer = () => {
      throw new TransportError("proxy_refused");
    };
    const error = await thrownBy(endpoint);
    expect(error).toMatchObject({ code: "proxy_refused" });
    expect(await thrownBy(endpoint)).toBe(error);
    expect(provider.requests).toHaveLength(1);
    expect(discovery.state().problem).toBe((error as Error).message);
  });

  it("is the problem together with the cause's code", async () => {
    const { provider, discovery, endpoint } = setUp();
    provider.answer = () => {
      throw new TransportError("unreachable", Object.assign(new Error("connect"), { code: "ECONNREFUSED" }));
    };
    await thrownBy(endpoint);
    expect(discovery.state().problem).toBe('the provider "providers.main" cannot be reached (ECONNREFUSED)');
  });

  it("that is a bug is thrown unchanged and not remembered", async () => {
    const { provider, endpoint } = setUp();
    const bug = new TypeError("a bug");
    provider.answer = () => Promise.reject(bug);
    expect(await thrownBy(endpoint)).toBe(bug);
    provider.answer = naming(FIRST);
    expect(await endpoint()).toBe(FIRST);
  });
});

describe("during an outage", () => {
  it("old metadata stays in use for days, and is refreshed once a minute", async () => {
    const { clock, provider, discovery, endpoint } = setUp();
    await endpoint();
    provider.answer = () => response(503, "");
    clock.advance(METADATA_LIFETIME_MS * 72);
    expect(await endpoint()).toBe(FIRST);
    clock.advance(59_999);
    expect(await endpoint()).toBe(FIRST);
    expect(provider.requests).toHaveLength(2);

    clock.advance(1);
    expect(await endpoint()).toBe(FIRST);
    expect(provider.requests).toHaveLength(3);
    expect(discovery.state()).toMatchObject({ ready: true });

    clock.advance(60_000);
    provider.answer = naming(SECOND);
    expect(await endpoint()).toBe(SECOND);
  });

  it("one call waits for a fifth of its time, and the others not at all", async () => {
    const { clock, provider, endpoint } = setUp();
    await endpoint();
    clock.advance(METADATA_LIFETIME_MS);
    let fail = () => {};
    provider.answer = () => new Promise((_, reject) => (fail = () => reject(new TransportError("timeout"))));
    const waiting = endpoint();
    expect(await endpoint()).toBe(FIRST);
    expect(provider.requests.slice(1).map(({ timeout }) => timeout)).toEqual([200]);
    fail();
    expect(await waiting).toBe(FIRST);
  });
});

it("a refresh that may move the endpoint adopts one on another host", async () => {
  const { provider, discovery, moves, endpoint } = setUp();
  await endpoint();
  provider.answer = naming(ELSEWHERE);
  await discovery.refresh(1_000, undefined, true);
  expect([await endpoint(), moves, discovery.state().movedTo]).toEqual([ELSEWHERE, [], undefined]);
});

describe("the memory of another discovery", () => {
  async function handOver(changes: Partial<DiscoverySettings> = {}) {
    const memories = new Map<string, unknown>();
    const keep: Keep = (key, create) => {
      memories.set(key, memories.get(key) ?? create());
      return memories.get(key) as ReturnType<typeof create>;
    };
    const old = setUp({}, fakeClock(), keep);
    await old.endpoint();
    const next = setUp(changes, old.clock, keep);
    next.provider.answer = down;
    return { old, next };
  }

  it("is used, even if the provider is down", async () => {
    const { next } = await handOver();
    await thrownBy(() => next.discovery.refresh(1_000));
    expect(await next.endpoint()).toBe(FIRST);
  });

  it("keeps its age", async () => {
    const { old, next } = await handOver();
    old.clock.advance(METADATA_LIFETIME_MS - 1);
    await next.endpoint();
    expect(next.provider.requests).toHaveLength(0);
    old.clock.advance(1);
    await next.endpoint();
    expect(next.provider.requests).toHaveLength(1);
  });

  it.each<Partial<DiscoverySettings>>([{ issuer: `${ISSUER}/other` }, { discovery: "oauth" }, { byTls: true }])(
    "is not used with other settings: %j",
    async (changes) => {
      const { next } = await handOver(changes);
      expect(next.discovery.state()).toMatchObject({ ready: false });
    },
  );
});
