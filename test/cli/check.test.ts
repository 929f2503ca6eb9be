// The check command: what an operator reads before anything is deployed.

import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { APIKEY } from "../support/call.ts";
import { fileConfig } from "../support/config.ts";
import { makeAuthority, makeKey } from "../support/keys.ts";
import {
  type AuthorizationServer,
  POST_CLIENT,
  startAuthorizationServer,
  USER_GRANT,
} from "../support/oidc-provider.ts";
import { freePort } from "../support/port.ts";
import { type Run, runCli } from "../support/process.ts";
import { type RecordingProvider, respond, startRecordingProvider } from "../support/recording-provider.ts";

let server: AuthorizationServer;
let recording: RecordingProvider;
let folder: string;
let run: Run | undefined;

beforeAll(async () => {
  server = await startAuthorizationServer();
  recording = await startRecordingProvider();
  folder = await mkdtemp(join(tmpdir(), "token-proxy-check-"));
});
afterEach(() => {
  run?.process.kill("SIGKILL");
});
afterAll(async () => {
  await server?.close();
  await recording?.close();
  await rm(folder, { recursive: true, force: true });
});

/** jose makes no key this weak; Node does. */
function weakRsa(): string {
  return generateKeyPairSync("rsa", { modulusLength: 1024 })
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();
}

const SECRETS = { APIKEY, CLIENT_SECRET: POST_CLIENT.client_secret };

/** A file whose provider is the real authorization server, found by discovery. */
function discovered(changes: object = {}, file: object = {}): object {
  const provider = {
    token_endpoint: undefined,
    issuer: server.issuer,
    client_id: POST_CLIENT.client_id,
    token_endpoint_auth_method: "client_secret_post",
    grant_type: USER_GRANT,
    params: { userid: "{{userid}}" },
    scope: "accounts",
    ...changes,
  };
  return fileConfig("", { provider, file });
}

async function check(file: object, args: string[] = [], env: Record<string, string> = SECRETS) {
  const path = join(folder, "token-proxy.yaml");
  await writeFile(path, JSON.stringify(file));
  run = runCli(["check", "--config", path, ...args], { env });
  const status = await run.exit();
  return { status, out: run.stdout(), err: run.stderr() };
}

describe("check", () => {
  it("tells what it found and ends with 0", async () => {
    const { status, out, err } = await check(discovered());
    expect(err).toBe("");
    expect(status).toBe(0);
    expect(out).toContain("no faults");
    expect(out).toMatch(/caller +nextauth-server: 1 API key\(s\), any serverid/);
    expect(out).toMatch(/getToken +POST \/getToken/);
    expect(out).toMatch(/client +post-client, client_secret_post/);
    expect(out).toContain(`${server.issuer}/token (discovered in `);
    expect(out).not.toContain("warning");
  });

  it("asks for one token with --live, and says about it without showing it", async () => {
    const { status, out } = await check(discovered(), ["--live", "--userid", "alice"]);
    expect(status).toBe(0);
    expect(out).toMatch(/live +main answered 200 in \d+ ms, \d+ bytes/);
    expect(out).toMatch(/members +access_token, token_type, expires_in, scope/);
    expect(out).toContain('"sub":"alice"');
    const { access_token } = JSON.parse((server.sent.at(-1) as Buffer).toString("utf8"));
    expect(out).not.toContain(access_token.split(".")[2]);
    expect(out).not.toContain(POST_CLIENT.client_secret);
  });

  it("ends with 1 when the provider says no for the user, and when it rejects this proxy", async () => {
    const refused = await check(discovered(), ["--live", "--userid", "mallory"]);
    expect(refused.status).toBe(1);
    expect(refused.out).toContain("FAILED: it says no for this user: invalid_grant");
    const rejected = await check(discovered(), ["--live", "--userid", "alice"], { ...SECRETS, CLIENT_SECRET: "wrong" });
    expect(rejected.status).toBe(1);
    expect(rejected.out).toContain("provider_rejected_proxy");
    expect(rejected.out).toContain("provider_error invalid_client");
  });

  it("warns of what the provider does not list", async () => {
    const { status, out } = await check(discovered({ grant_type: "urn:example:other" }));
    expect(status).toBe(0);
    expect(out).toContain("the provider's grant_types_supported does not have urn:example:other");
  });

  it.each([
    ["another issuer", () => ({ issuer: `${server.issuer}/` }), "copy the provider's"],
    ["nothing listening", async () => ({ issuer: `http://127.0.0.1:${await freePort()}` }), "provider_unreachable"],
    ["HTML", () => ({ issuer: recording.url }), "not a JSON object"],
  ])("ends with 1 when discovery finds %s", async (_, changes, expected) => {
    recording.answer = respond({ headers: { "Content-Type": "text/html" }, body: "<!doctype html><title>Hi</title>" });
    const { status, out } = await check(discovered(await changes()));
    expect(status).toBe(1);
    expect(out).toContain("FAILED");
    expect(out).toContain(expected);
  });

  it("ends with 2 for a faulty file, a missing one, and --live without --userid", async () => {
    const faulty = await check(discovered({ cleint_id: "x" }));
    expect(faulty.status).toBe(2);
    expect(faulty.err).toContain('"providers.main.cleint_id" unknown key; did you mean "client_id"?');
    const live = await check(discovered(), ["--live"]);
    expect(live.status).toBe(2);
    expect(live.err).toContain("--live needs --userid");
    run = runCli(["check"], { cwd: folder, env: { TOKEN_PROXY_CONFIG: "nowhere.yaml" } });
    expect(await run.exit()).toBe(2);
  });
});

describe("keys and certificates", () => {
  const signing = (key: object) => ({
    signing: { issuer: "https://tokens.bank.example", keys: [{ kid: "k", ...key }] },
  });
  const keyFault = async (key: object, env: Record<string, string>) => {
    const { status, err } = await check(discovered({}, signing(key)), [], { ...SECRETS, ...env });
    expect(status).toBe(2);
    expect(Object.values(env).some((text) => text.length > 40 && err.includes(text.slice(30, 60)))).toBe(false);
    return err;
  };

  it.each<[string, object, () => Promise<Record<string, string>>, string]>([
    [
      "of another algorithm",
      { alg: "ES256" },
      async () => ({ K: (await makeKey("RS256")).pem }),
      "is not a key for ES256, which needs an EC key on P-256",
    ],
    ["on another curve", { alg: "ES256" }, async () => ({ K: (await makeKey("ES384")).pem }), "is not a key for ES256"],
    [
      "that is a public JWK",
      { alg: "ES256" },
      async () => ({ K: JSON.stringify({ ...(await makeKey("ES256")).jwk, d: undefined }) }),
      'is a public JWK (it has no "d")',
    ],
    [
      "that is a certificate",
      { alg: "ES256" },
      async () => ({ K: (await makeAuthority()).certificate }),
      "is a public key (CERTIFICATE)",
    ],
    ["that is symmetric", { alg: "ES256" }, async () => ({ K: '{"kty":"oct","k":"c2VjcmV0"}' }), "is a symmetric key"],
    [
      "that is damaged",
      { alg: "ES256" },
      async () => ({ K: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----" }),
      "or is damaged",
    ],
    [
      "in the old form",
      { alg: "RS256" },
      async () => ({ K: "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----" }),
      "openssl pkcs8 -topk8",
    ],
    [
      "that is encrypted",
      { alg: "ES256" },
      async () => ({ K: "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----" }),
      "is encrypted",
    ],
    ["that is no key at all", { alg: "ES256" }, async () => ({ K: "hello" }), "is neither PEM nor a JWK"],
    ["that is weak", { alg: "RS256" }, async () => ({ K: weakRsa() }), "is an RSA key of 1024 bits"],
  ])("stop with a clear fault for a key %s", async (_, key, env, expected) => {
    const err = await keyFault({ ...key, private_key: { env: "K" } }, await env());
    expect(err).toContain('"signing.keys[0].private_key"');
    expect(err).toContain(expected);
  });

  it("stop for an unknown algorithm, naming those there are", async () => {
    const err = await keyFault({ alg: "HS256", private_key: { env: "K" } }, {});
    expect(err).toContain('"signing.keys[0].alg" must be one of ES256, ES384, PS256, RS256, EdDSA');
  });

  it("stop for a file that cannot be read", async () => {
    const err = await keyFault({ alg: "ES256", private_key: { file: "keys/nowhere.pem" } }, {});
    expect(err).toContain('"signing.keys[0].private_key" names a file that cannot be read (ENOENT): keys/nowhere.pem');
  });

  it("stop for a certificate of another key, and for an expired one", async () => {
    const authority = await makeAuthority();
    const [one, other] = await Promise.all([authority.issue("one"), authority.issue("other")]);
    const key = { alg: "ES256", private_key: { env: "K" }, certificate: { env: "C" } };
    expect(await keyFault(key, { K: one.private_key, C: other.certificate })).toContain(
      "is a certificate of another key",
    );
    const expired = await authority.issue("expired", { notAfter: new Date("2020-01-01") });
    expect(await keyFault(key, { K: expired.private_key, C: expired.certificate })).toMatch(
      /"signing.keys\[0\].certificate" is a certificate that expired on Jan +1 /,
    );
  });

  it("stop for a client certificate whose key is another's", async () => {
    const authority = await makeAuthority();
    const [one, other] = await Promise.all([authority.issue("one"), authority.issue("other")]);
    const changes = {
      token_endpoint_auth_method: "tls_client_auth",
      client_secret: undefined,
      tls: { certificate: { env: "C" }, private_key: { env: "K" } },
    };
    const { status, err } = await check(discovered(changes), [], {
      ...SECRETS,
      K: one.private_key,
      C: other.certificate,
    });
    expect(status).toBe(2);
    expect(err).toContain('"providers.main.tls" has a private_key that does not belong to its certificate');
  });
});
