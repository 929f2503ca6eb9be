// No secret, token or user gets into the log (at level debug) or into an error, in any encoding.
// Of the provider's words, only those of a fault get into the log.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callGetToken } from "../support/call.ts";
import { canaryOf, FORMS, makeCanary, search } from "../support/canaries.ts";
import { type Host, startHost } from "../support/host.ts";
import { arrange, delivered, SCENARIOS } from "../support/leak-scenarios.ts";
import { CANARIES, SECRETS, startWorld, WORDS, type World } from "../support/leak-world.ts";

const ALL = Object.values(CANARIES);

let world: World;
let host: Host;

beforeAll(async () => {
  world = await startWorld();
  const rateLimits = { WEBNONCE_EXCHANGE_PER_ADDRESS: 1_000, WEBNONCE_EXCHANGE_PER_WEBNONCE: 4 };
  host = await startHost(world.file, SECRETS, { rateLimits });
});
afterAll(async () => {
  await host?.close();
  await world?.close();
});

describe("the search finds a canary", () => {
  const canary = makeCanary("x");
  const encoded: Record<(typeof FORMS)[number], (bytes: Buffer) => string[]> = {
    plain: (bytes) => [bytes.toString(), JSON.stringify(bytes.toString()), encodeURIComponent(bytes.toString())],
    base64: (bytes) => [bytes.toString("base64")],
    base64url: (bytes) => [bytes.toString("base64url")],
    hex: (bytes) => [
      bytes.toString("hex"),
      bytes.toString("hex").toUpperCase(),
      bytes.toString("hex").replaceAll(/..(?!$)/g, "$& "),
    ],
    "percent-encoded": (bytes) => [bytes.toString("hex").replaceAll(/../g, "%$&").toUpperCase()],
    "JSON-escaped": (bytes) => [bytes.toString("hex").replaceAll(/../g, "\\u00$&")],
  };

  it.each(FORMS)("as %s, at any place in the encoded text", (form) => {
    for (const before of ["", "a", "ab", "id:", "id:æ"]) {
      for (const text of encoded[form](Buffer.from(`${before}${canary.text} behind`))) {
        expect(search(`{"msg":"${text}"}`, [canary])).toContain(`x as ${form}`);
      }
    }
  });

  it("in one of many lines, and no other", () => {
    const lines = Array.from({ length: 1_000 }, (_, i) => JSON.stringify({ i, text: makeCanary("").text }));
    expect(search(lines.join("\n"), ALL)).toEqual([]);
    expect(search([...lines, CANARIES.signingKey.text, ...lines].join("\n"), ALL)).toContain(
      "the signing key as plain",
    );
  });
});

describe("no canary is found", () => {
  it.each(SCENARIOS)("in the response to $what ($code)", async (scenario) => {
    arrange(world, scenario);
    let answer = await callGetToken(host.url, scenario.call);
    for (let i = 1; i < (scenario.times ?? 1); i++) answer = await callGetToken(host.url, scenario.call);
    const relayed = scenario.code === "token" || scenario.code === "refused";
    const told = relayed ? { status: answer.status } : answer.json();
    expect(told).toMatchObject(
      relayed
        ? { status: scenario.code === "token" ? 200 : 403 }
        : { error_code: expect.stringMatching(new RegExp(`^(${scenario.code})$`)) },
    );
    const allowed = delivered(scenario);
    const body = search(
      answer.text,
      [...ALL, WORDS].filter((canary) => !allowed.includes(canary)),
    );
    expect([...search(JSON.stringify(answer.rawHeaders), ALL), ...body]).toEqual([]);
    // What may be relayed was there.
    for (const canary of allowed) if (relayed) expect(search(answer.text, [canary])).not.toEqual([]);
  });

  it("though the canaries were sent to the provider", () => {
    const sent = JSON.stringify(world.provider.requests) + JSON.stringify(world.nextauth.requests);
    const { userid, nonce, userToken, clientSecret, param, header, attribute, nextauthApikey } = CANARIES;
    for (const canary of [userid, nonce, userToken, clientSecret, param, header, attribute, nextauthApikey]) {
      expect(search(sent, [canary]), canary.name).not.toEqual([]);
    }
    expect(sent).toMatch(/client_assertion=ey/);
  });

  it("in health, metrics and published documents", async () => {
    const paths = "/ /healthz /readyz /metrics /.well-known/jwks.json /.well-known/openid-configuration".split(" ");
    for (const base of [host.url, host.adminUrl].filter((url) => url !== undefined)) {
      for (const path of paths) {
        const response = await fetch(base + path);
        const text = JSON.stringify([...response.headers]) + (await response.text());
        expect(search(text, [...ALL, WORDS]), path).toEqual([]);
      }
    }
  });

  it("in the log at level debug, which has a line for every call", async () => {
    const calls = SCENARIOS.reduce((sum, { times = 1 }) => sum + times, 0);
    await expect.poll(() => host.output().match(/"request_id"/g)?.length ?? 0).toBeGreaterThanOrEqual(calls);
    const sent = JSON.stringify(world.provider.requests);
    const signatures = [...sent.matchAll(/ey[\w-]+\.[\w-]+\.([\w-]{40,})/g)].map(([, text = ""]) => text);
    expect(signatures.length).toBeGreaterThan(3);
    const assertions = signatures.map((text) => canaryOf("an assertion", text, text));
    expect(search(host.output(), [...ALL, ...assertions])).toEqual([]);
    expect(search(host.output(), [WORDS])).not.toEqual([]);
    for (const { code } of SCENARIOS) expect(host.output()).toMatch(new RegExp(`"(${code})"`));
  });
});
