// A peer that sends one response twice on a connection that stays open: every later answer on it
// belongs to the call before. SOAK=1 makes the random runs long.

import { Agent } from "node:http";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { APIKEY, callGetToken, NONCE } from "../support/call.ts";
import { fileConfig, providerConfig, SECRETS } from "../support/config.ts";
import { unsignedJwt } from "../support/fakes.ts";
import { type Host, startHost } from "../support/host.ts";
import { type Authority, makeAuthority, type TestCertificate } from "../support/keys.ts";
import { NEXTAUTH_APIKEY } from "../support/nextauth-server.ts";
import { startShiftingHttp2 } from "../support/shifting-http2.ts";
import { type Faults, type PeerRequest, type ShiftingPeer, startShiftingPeer } from "../support/shifting-peer.ts";

const RANDOM_CALLS = process.env.SOAK === "1" ? 20_000 : 400;
const AT_ONCE = 32;
/** Of 1,000 responses. */
const DUPLICATES = 20;

let authority: Authority;
let certificate: TestCertificate;
beforeAll(async () => {
  authority = await makeAuthority();
  certificate = await authority.issue("127.0.0.1", { ips: ["127.0.0.1"] });
});

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const userOf = ({ body }: PeerRequest) => new URLSearchParams(body).get("userid") ?? "";
const tokenOf = (user: string) => JSON.stringify({ access_token: unsignedJwt({ sub: user }) });

async function startPeer(faults: Faults, http2 = false, answer = (r: PeerRequest) => tokenOf(userOf(r))) {
  const tls = { cert: certificate.certificate, key: certificate.private_key };
  const peer = http2 ? await startShiftingHttp2(answer, { ...faults, tls }) : await startShiftingPeer(answer, faults);
  closers.push(peer.close);
  return peer;
}

async function startProxy(providers: object, file: object = {}): Promise<Host> {
  const secrets = { ...SECRETS, NEXTAUTH_APIKEY, CA: authority.certificate };
  const host = await startHost(fileConfig("", { file: { providers, ...file } }), secrets, { runtime: "node" });
  closers.push(host.close);
  return host;
}

const endpointOf = ({ port }: ShiftingPeer, scheme = "http") => `${scheme}://127.0.0.1:${port}/token`;

interface Outcome {
  right: number;
  /** Tokens of another user. */
  wrong: number;
  /** By error_code. */
  errors: Record<string, number>;
}

async function callAll(
  host: Host,
  calls: number,
  atOnce: number,
  nonceOf?: (user: string) => string,
): Promise<Outcome> {
  const outcome: Outcome = { right: 0, wrong: 0, errors: {} };
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  let begun = 0;
  const caller = async () => {
    for (;;) {
      begun += 1;
      if (begun > calls) return;
      const user = `user-${begun}`;
      const body = { serverid: "c2VydmVyLTE=", userid: user };
      const headers = { "X-apikey": APIKEY, "X-nonce": nonceOf?.(user) ?? NONCE };
      const answer = await callGetToken(host.url, { body, headers, agent });
      if (answer.status !== 200) {
        const code = String(answer.json().error_code);
        outcome.errors[code] = (outcome.errors[code] ?? 0) + 1;
      } else if (answer.text === tokenOf(user)) outcome.right += 1;
      else outcome.wrong += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, caller));
  agent.destroy();
  return outcome;
}

describe("a provider that sends its first response twice, so that each later one is late by one call", () => {
  const CALLS = 50;

  async function run(provider: object) {
    const peer = await startPeer({ duplicate: [1], shifts: true });
    const host = await startProxy({ main: providerConfig(endpointOf(peer), provider) });
    return { ...(await callAll(host, CALLS, 1)), connections: peer.connections };
  }

  it("gives every later user the token of the one before: this is what the settings below are for", async () => {
    expect(await run({})).toEqual({ right: 1, wrong: CALLS - 1, errors: {}, connections: 1 });
  });

  it("gives each user their own token without reuse of connections", async () => {
    expect(await run({ reuse_connections: false })).toEqual({ right: CALLS, wrong: 0, errors: {}, connections: CALLS });
  });

  it("fails one call with expect_subject: its connection is closed", async () => {
    const errors = { provider_wrong_subject: 1 };
    expect(await run({ expect_subject: "access_token.sub" })).toEqual({
      right: CALLS - 1,
      wrong: 0,
      errors,
      connections: 2,
    });
  });
});

describe("a gateway on HTTP/2 whose own connections to the provider shift", () => {
  const CALLS = 20;

  async function run(provider: object) {
    let before: string | undefined;
    const late = (request: PeerRequest) => {
      const token = before ?? tokenOf(userOf(request));
      before = tokenOf(userOf(request));
      return token;
    };
    const peer = await startPeer({}, true, late);
    const tls = { ca: { env: "CA" } };
    const host = await startProxy({ main: providerConfig(endpointOf(peer, "https"), { tls, ...provider }) });
    return callAll(host, CALLS, 1);
  }

  it("gives users the tokens of others: no setting of connections helps", async () => {
    expect(await run({})).toEqual({ right: 1, wrong: CALLS - 1, errors: {} });
  });

  it("gives nobody a token of another user with expect_subject", async () => {
    const errors = { provider_wrong_subject: CALLS - 1 };
    expect(await run({ expect_subject: "access_token.sub" })).toEqual({ right: 1, wrong: 0, errors });
  });
});

describe("a nextAuth Server that sends its first response twice", () => {
  const nonceOf = (user: string) => `nonce-of-${user}`;
  const session = ({ headers }: PeerRequest) =>
    JSON.stringify({ loggedin: true, userid: /nonce-of-(user-\d+)/.exec(headers)?.[1] });

  async function run(nextauth: object, named: boolean) {
    const provider = await startPeer({});
    const server = await startPeer({ duplicate: [1], shifts: true }, false, session);
    const values = {
      serverid: ["body:/serverid"],
      nonce: ["header:X-nonce"],
      ...(named ? { userid: ["body:/userid"] } : {}),
    };
    const params = { params: { userid: "{{userid}}" } };
    const host = await startProxy(
      { main: providerConfig(endpointOf(provider), params) },
      {
        get_token: { values },
        nextauth: { url: `http://127.0.0.1:${server.port}`, apikey: { env: "NEXTAUTH_APIKEY" }, ...nextauth },
      },
    );
    const first = await callAll(host, 5, 1, nonceOf);
    const again = await callAll(host, 5, 1, nonceOf);
    return [first, again];
  }
  const allRight = { right: 5, wrong: 0, errors: {} };

  it("fails one call that names its user, whose answer is not remembered: its connection is closed", async () => {
    expect(await run({ session_cache: "1m" }, true)).toEqual([
      { right: 4, wrong: 0, errors: { session_mismatch: 1 } },
      allRight,
    ]);
  });

  it("is not noticed by calls that name no user", async () => {
    expect((await run({}, false))[0]).toEqual({ right: 1, wrong: 4, errors: {} });
  });

  it("does nothing to them without reuse of connections", async () => {
    expect(await run({ reuse_connections: false, session_cache: "1m" }, false)).toEqual([allRight, allRight]);
  });
});

describe(`${RANDOM_CALLS} calls to a provider that sends responses twice, late and in pieces`, () => {
  const runs: [string, object, Faults, boolean][] = [
    ["HTTP/2", { tls: { ca: { env: "CA" } } }, {}, true],
    ["without reuse of connections", { reuse_connections: false }, {}, false],
    ["without reuse, shifted", { reuse_connections: false }, { shifts: true }, false],
    ["with expect_subject", { expect_subject: "access_token.sub" }, {}, false],
    ["with expect_subject, shifted", { expect_subject: "access_token.sub" }, { shifts: true }, false],
  ];

  async function run(provider: object, faults: Faults, http2: boolean) {
    const peer = await startPeer({ duplicate: DUPLICATES, delay: 10, split: true, ...faults }, http2);
    const host = await startProxy({ main: providerConfig(endpointOf(peer, http2 ? "https" : "http"), provider) });
    const outcome = await callAll(host, RANDOM_CALLS, AT_ONCE);
    const { right, wrong, errors } = outcome;
    const { duplicates, connections } = peer;
    const counts = `${duplicates} twice, ${connections} connections; ${right} right, ${wrong} wrong`;
    console.log(`${JSON.stringify({ ...provider, ...faults, http2 })}: ${counts}, ${JSON.stringify(errors)}`);
    return { ...outcome, duplicates };
  }

  it.each(runs)("relay no token of another user: %s", async (_name, provider, faults, http2) => {
    const { right, wrong, duplicates } = await run(provider, faults, http2);
    expect(wrong).toBe(0);
    expect(duplicates).toBeGreaterThan(0);
    expect(right).toBeGreaterThan(RANDOM_CALLS * 0.5);
  });

  it("relay many on kept HTTP/1.1 connections, where the settings are missing and responses shift", async () => {
    expect((await run({}, { shifts: true }, false)).wrong).toBeGreaterThan(0);
  });

  it.runIf(process.env.SOAK === "1")("on kept HTTP/1.1 connections where no response shifts: measured", async () => {
    await run({}, {}, false);
  });
});
