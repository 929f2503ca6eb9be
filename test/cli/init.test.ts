// The command `init`: for every provider in docs/providers.md it writes what `check` accepts.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Server } from "node:net";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { base64url } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { TOKEN_ENDPOINT_AUTH_METHODS } from "../../src/oauth/settings.ts";
import { itWhere, versionOf } from "../deploy/it-where.ts";
import { ASSERTION_EXAMPLES } from "../examples/examples-assertion.ts";
import { OTHER_EXAMPLES } from "../examples/examples-other.ts";
import { makeCertifiedRsaKey } from "../support/examples.ts";
import { makeAuthority } from "../support/keys.ts";
import { listenLocally } from "../support/port.ts";
import { CLI, runCli } from "../support/process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { runCommand } from "./run-command.ts";

const folder = temporaryFolder();
const EXAMPLES = { ...ASSERTION_EXAMPLES, ...OTHER_EXAMPLES };

/** By path. Another path is 404, or like the metadata of some issuer. */
const published = new Map<string, string>();
let answersAll = false;
const answer: RequestListener = (request, response) => {
  const { url = "" } = request;
  const issuer = `${base}${url.replace("/.well-known/openid-configuration", "")}`;
  const usual = answersAll ? JSON.stringify({ issuer, token_endpoint: `${issuer}/token` }) : undefined;
  const body = published.get(url) ?? usual;
  response.writeHead(body === undefined ? 404 : 200).end(body);
};
const server = createServer(answer);
let base: string;

const listen = async (listener: Server) => `127.0.0.1:${await listenLocally(listener)}`;
beforeAll(async () => {
  base = `http://${await listen(server)}`;
});
afterAll(() => void server.close());
beforeEach(() => {
  published.clear();
  answersAll = false;
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
});

const cli = (...args: string[]) => runCommand(args, { cwd: folder });
const read = (name: string) => readFileSync(join(folder, name), "utf8");
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
const config = () => parse(read("token-proxy.yaml"));

/** Publishes an example's metadata at a server of the test. @returns the option with its issuer */
function publish(file: string, at = base): string[] {
  const { discovery } = EXAMPLES[file] ?? {};
  const example = parse(readFileSync(`examples/${file}`, "utf8"));
  const { issuer } = example.providers[example.get_token.provider ?? Object.keys(example.providers)[0]];
  if (issuer === undefined) return [];
  const onServer = (text: string) => text.replaceAll(/https:\/\/[^/"]+/g, at);
  if (discovery) published.set(new URL(discovery.url).pathname, onServer(JSON.stringify(discovery.metadata)));
  answersAll = true;
  return ["--issuer", onServer(issuer)];
}

/** Publishes metadata with these members. */
function publishOwn(members: object, path = "/.well-known/openid-configuration"): string {
  published.set(path, JSON.stringify({ issuer: base, token_endpoint: `${base}/token`, ...members }));
  return base;
}

const set = (...pairs: string[]) => pairs.flatMap((pair) => ["--set", pair]);

/** What else each provider needs to know. */
const ANSWERS: Readonly<Record<string, string[]>> = {
  "auth0.yaml": [
    ...["--client-id", "abc"],
    ...set("providers.auth0.params.audience=https://api.acme.test"),
    ...set("providers.auth0.params.subject_token_type=urn:acme.test:user"),
  ],
  "entra-on-behalf-of.yaml": [
    ...["--client-id", "3f2c"],
    ...set("providers.entra.token_endpoint=https://login.microsoftonline.com/acme/oauth2/v2.0/token"),
    ...set(
      "providers.entra.client_key.private_key.file=client.key",
      "providers.entra.client_key.certificate.file=client.crt",
    ),
  ],
  "google.yaml": [
    ...set("signing.keys.0.kid=4711", "signing.keys.0.private_key.file=client.key"),
    ...set("providers.google.jwt.user.claims.iss=proxy@acme.iam.gserviceaccount.com"),
    ...set("providers.google.jwt.user.claims.sub={{userid}}@acme.test"),
  ],
  "id-jag.yaml": set("providers.login.issuer=BASE/home", "providers.id_jag.issuer=BASE/home"),
  "identity-chaining.yaml": set("providers.home.issuer=BASE/home"),
  "keycloak-external-exchange.yaml": set("providers.home.issuer=BASE/home"),
  "kubernetes-workload-identity.yaml": set("providers.keycloak.client_assertion.file=token"),
  "hydra.yaml": set("providers.hydra.jwt.user.claims.aud.1=https://api.acme.test"),
  "oidc-provider.yaml": [
    ...set(
      "providers.op.grant_type=urn:acme.test:user",
      "providers.op.params.resource.0=https://api.acme.test",
      "providers.op.params.resource.1=https://b.acme.test",
    ),
  ],
  "okta-id-jag.yaml": ["--client-id", "abc"],
  "other.yaml": ["--grant-type", "client_credentials"],
  "pingfederate.yaml": set(
    "providers.pingfederate.tls.certificate.file=client.crt",
    "providers.pingfederate.tls.private_key.file=client.key",
  ),
  "salesforce.yaml": set("providers.salesforce.jwt.user.claims.iss=abc"),
  "zitadel.yaml": ["--client-id", "abc"],
};

const rows = [...readFileSync("docs/providers.md", "utf8").matchAll(/^\| .*?\(\.\.\/examples\/([\w.-]+)\)/gm)];
const files = rows.map(([, file]) => file as string).filter((file) => file !== "pingfederate.yaml");
const providerOf = (file: string) => ["--provider", file.replace(".yaml", "")];

describe("for each provider of docs/providers.md", () => {
  let client: Awaited<ReturnType<typeof makeCertifiedRsaKey>>;
  beforeAll(async () => {
    client = await makeCertifiedRsaKey();
  });

  it("knows them", () => expect(files.length).toBeGreaterThan(20));

  it.each(files)("init writes a file for %s that check accepts", async (file) => {
    write("client.key", client.pem);
    write("client.crt", client.certificate);
    const issuer = publish(file);
    const platformToken = { aud: issuer[1], exp: Math.floor(Date.now() / 1000) + 600 };
    write(
      "token",
      [{ alg: "ES256" }, platformToken, "signature"].map((part) => base64url.encode(JSON.stringify(part))).join("."),
    );
    const answers = (ANSWERS[file] ?? []).map((text) => text.replace("BASE", base));
    const made = await cli("init", ...providerOf(file), ...issuer, ...answers);
    expect(made).toMatchObject({ status: 0, err: "" });
    const checked = await cli("check", "--env-file", ".env");
    expect(checked, checked.out).toMatchObject({ status: 0, err: "" });
    expect(read("token-proxy.yaml")).not.toContain("/run/secrets");
    expect(read("token-proxy.yaml").split("\nversion: 1\n")[1]).not.toMatch(/\bbank\b/);
  });

  // A client certificate needs https, and only a process of its own trusts another authority.
  it("init writes a file for pingfederate.yaml that check accepts", async () => {
    const authority = await makeAuthority();
    const { certificate, private_key } = await authority.issue("token-proxy", { ips: ["127.0.0.1"] });
    write("ca.crt", authority.certificate);
    write("client.key", private_key);
    write("client.crt", certificate);
    const tls = createTlsServer({ cert: certificate, key: private_key }, answer);
    const issuer = publish("pingfederate.yaml", `https://${await listen(tls)}`);
    const file = "pingfederate.yaml";
    const signing = ["--signing-issuer", "http://127.0.0.1:8080"];
    const env = { NODE_EXTRA_CA_CERTS: join(folder, "ca.crt") };
    const made = runCli(["init", ...providerOf(file), ...issuer, ...signing, ...(ANSWERS[file] as string[])], {
      cwd: folder,
      env,
    });
    expect(await made.exit(), made.stderr()).toBe(0);
    const checked = runCli(["check", "--env-file", ".env"], { cwd: folder, env });
    expect(await checked.exit(), checked.stdout() + checked.stderr()).toBe(0);
    tls.close();
  });
});

const HYDRA = [
  "--provider",
  "hydra",
  "--no-discovery",
  "--issuer",
  "https://sso.acme.test/",
  ...(ANSWERS["hydra.yaml"] as string[]),
];
const SIGNING = ["--signing-issuer", "https://tokens.acme.test"];

describe("init", () => {
  it("writes the answers also into the commands for the provider, in the file and on standard output", async () => {
    const issuer = "https://sso.acme.test/auth/realms/shop";
    const flags = ["--client-id", "proxy-7", "--scope", "payments", "--auth-method", "client_secret_post"];
    const { out } = await cli(
      "init",
      "--provider",
      "keycloak",
      "--no-discovery",
      "--issuer",
      issuer,
      ...SIGNING,
      ...flags,
    );
    const steps = read("token-proxy.yaml");
    for (const command of [
      "--server https://sso.acme.test/auth --realm master",
      "kcadm.sh create clients -r shop -i -s clientId=proxy-7",
      "-s config.issuer=https://tokens.acme.test ",
      "config.jwksUrl=https://tokens.acme.test/.well-known/jwks.json",
      "client-scopes -r shop -i -s name=payments ",
    ]) {
      expect(steps).toContain(command);
      expect(out).toContain(command);
    }
    expect(steps).not.toMatch(/retail|bank\.example|accounts/);
    expect(out).toMatch(/client_id +proxy-7\n.*jwks_uri +https:\/\/tokens\.acme\.test\/\.well-known\/jwks\.json\n/s);
    expect(config().providers.keycloak).toMatchObject({
      ...{ issuer, client_id: "proxy-7", scope: "payments", token_endpoint_auth_method: "client_secret_post" },
      ...{ kind: "keycloak", expect_subject: { claim: "preferred_username" } },
    });
    const commands = [...out.matchAll(/^ {4}\S.* --config token-proxy\.yaml --env-file \.env.*$/gm)].map(
      ([line]) => line,
    );
    expect(commands.map((line) => line.replace(/^.*(?:launch\.js|proxy) (\S+) .* \.env/, "$1"))).toEqual([
      ...["check", "start", "check --live --userid alice", "get-token --userid alice"],
    ]);
    for (const text of [out, steps]) {
      const load = text.indexOf(`set -a; . ${join(folder, ".env")}; set +a\n`);
      const unload = text.indexOf("    unset GETTOKEN_APIKEY KEYCLOAK_CLIENT_SECRET\n");
      const commands = ["kcadm.sh create clients", "kcadm.sh create users"].map((command) => text.indexOf(command));
      expect([load, ...commands, unload].toSorted((a, b) => a - b)).toEqual([load, ...commands, unload]);
      expect(load).toBeGreaterThan(0);
    }
    expect(out).toContain("- the realm shop, its user alice and the admin must exist;");
  });

  it("makes a key, its JWK and an API key that only the owner can read, and prints no secret", async () => {
    const { out } = await cli("init", ...HYDRA, ...SIGNING, "--alg", "PS256");
    const [{ kid, alg, private_key, created }] = config().signing.keys;
    expect([alg, private_key.file]).toEqual(["PS256", `${kid}.pem`]);
    expect(kid).toMatch(new RegExp(`^${created}-`));
    expect(JSON.parse(read(`${kid}.jwk`))).toMatchObject({ kid, alg, kty: "RSA" });
    expect(read("token-proxy.yaml")).toContain(`$(cat ${kid}.jwk)`);
    for (const name of [".env", `${kid}.pem`]) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    const secrets = [...read(".env").matchAll(/^(\w+)=([0-9a-f]{64})$/gm)].map(([, name, secret]) => [name, secret]);
    expect(secrets.map(([name]) => name)).toEqual(["GETTOKEN_APIKEY", "HYDRA_CLIENT_SECRET"]);
    for (const [, secret] of secrets) expect(out + read("token-proxy.yaml")).not.toContain(secret);
    // In a checkout, Git ignores them.
    expect(readFileSync(".gitignore", "utf8").split("\n")).toEqual(expect.arrayContaining([".env", "*.pem", "*.jwk"]));
  });

  it.each(["token-proxy.yaml", ".env"])("replaces no %s, and else writes nothing either", async (name) => {
    write(name, "mine");
    const refused = await cli("init", ...HYDRA, ...SIGNING);
    expect(refused).toMatchObject({ status: 2, out: "" });
    expect(refused.err).toMatch(/ exists: name another with --(?:config|env-file)\n$/);
    expect([readdirSync(folder), read(name)]).toEqual([[name], "mine"]);
  });

  it.each([
    ["a link", { status: 2, err: expect.stringMatching(/^token-proxy\.yaml exists: .*\n$/) }, []],
    [
      "a missing folder",
      { status: 2, err: expect.stringContaining("ENOENT") },
      ["--config", "gone/a", "--env-file", "e"],
    ],
  ])("leaves nothing behind if it cannot write: %s", async (_, result, args) => {
    symlinkSync("elsewhere", join(folder, "token-proxy.yaml"));
    expect(await cli("init", ...HYDRA, ...SIGNING, ...args)).toMatchObject(result);
    expect(readdirSync(folder)).toEqual(["token-proxy.yaml"]);
  });

  it("puts everything next to --config, and --env-file where it says", async () => {
    mkdirSync(join(folder, "etc"));
    const { out } = await cli("init", ...HYDRA, ...SIGNING, "--config", "etc/proxy.yaml", "--env-file", "proxy.env");
    const [pem] = readdirSync(join(folder, "etc")).filter((name) => name.endsWith(".pem"));
    expect(parse(read("etc/proxy.yaml")).signing.keys[0].private_key).toEqual({ file: pem });
    expect(out).toContain(`$(cat etc/${pem?.replace("pem", "jwk")})`);
    expect(out).toContain(" start --config etc/proxy.yaml --env-file proxy.env\n");
  });

  it("prints commands that a shell understands, whatever the folder's name", async () => {
    mkdirSync(join(folder, "it's $(mine)"));
    const { out } = await cli("init", ...HYDRA, ...SIGNING, "--config", "it's $(mine)/proxy.yaml");
    const [, start = ""] = / start (--config .*)/.exec(out) ?? [];
    const [, source = ""] = /set -a; \. (.*); set/.exec(out) ?? [];
    const [, key = ""] = /\$\((cat .*\.jwk)\)/.exec(out) ?? [];
    const env = join(folder, "it's $(mine)/.env");
    expect(
      execFileSync("sh", ["-c", `printf '%s\n' ${start} ${source}; ${key}`], { cwd: folder, encoding: "utf8" }),
    ).toMatch(`--config\nit's $(mine)/proxy.yaml\n--env-file\nit's $(mine)/.env\n${env}\n{"kty"`);
  });

  it("takes an answer that looks like a placeholder, if an option gives it", async () => {
    const given = ["--issuer", "https://sso.bank.example", "--grant-type", "urn:bank.example:grant-type:nextauth"];
    const made = await cli("init", "--provider", "other", "--no-discovery", ...given, "--client-id", "proxy");
    expect(made).toMatchObject({ status: 0, err: "" });
    expect(parse(read("token-proxy.yaml")).providers.main).toMatchObject({ issuer: given[1], grant_type: given[3] });
    // dev refuses a provider on another machine.
    expect(made.out).not.toMatch(/ dev --config/);
  });

  it("prints the error as JSON with --json", async () => {
    const { status, out, err } = await cli("init", "--provider", "keycloak", "--json");
    expect([status, err]).toEqual([2, expect.stringMatching(/^--issuer is missing: /)]);
    expect(JSON.parse(out)).toEqual({ succeeded: false, error: err.trimEnd() });
    const faulty = await cli("init", ...HYDRA, ...SIGNING, "--scope", "a{{b", "--json");
    expect([faulty.status, JSON.parse(faulty.out)]).toEqual([
      2,
      { succeeded: false, error: expect.stringMatching(/^token-proxy\.yaml:\d+:\d+ "providers\.hydra\.scope" /) },
    ]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("prints JSON with --json", async () => {
    const { status, out } = await cli("init", ...HYDRA, ...SIGNING, "--json");
    expect(status).toBe(0);
    const { succeeded, written, values, steps, next } = JSON.parse(out);
    expect(succeeded).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(written.sort());
    expect(values).toMatchObject({
      client_id: "token-proxy",
      issuer: "https://tokens.acme.test",
      redirect_uris: "none",
    });
    expect(steps).toMatch(/^At the provider:\n- .*hydra create oauth2-client/s);
    expect(next[0]).toMatch(/ check --config token-proxy\.yaml --env-file \.env$/);
  });

  it.each(TOKEN_ENDPOINT_AUTH_METHODS)("makes a valid file for --auth-method %s", async (method) => {
    const tls = [
      "--set",
      "providers.zitadel.tls.certificate.file=a",
      "--set",
      "providers.zitadel.tls.private_key.file=b",
    ];
    const flags = [
      "--provider",
      "zitadel",
      "--no-discovery",
      "--issuer",
      "https://sso.acme.test",
      "--client-id",
      "abc",
    ];
    const made = await cli("init", ...flags, "--auth-method", method, ...(method.includes("tls") ? tls : []));
    expect(made).toMatchObject({ status: 0, err: "" });
    const { client_id: _, ...client } = config().providers.zitadel;
    expect(client.token_endpoint_auth_method ?? "client_secret_basic").toBe(method);
    expect("client_secret" in client).toBe(method.startsWith("client_secret"));
    expect("client_key" in client).toBe(method === "private_key_jwt");
  });
});

describe("--provider other", () => {
  it.each([
    ["urn:ietf:params:oauth:grant-type:jwt-bearer", undefined, true],
    ["urn:ietf:params:oauth:grant-type:token-exchange", undefined, true],
    ["authorization_code", undefined, false],
    ["password", { username: "{{userid}}", password: { env: "TECHNICAL_PASSWORD" } }, false],
    ["client_credentials", { userid: "{{userid}}" }, false],
    ["urn:acme.test:grant-type:user", { userid: "{{userid}}" }, false],
  ])("makes a file for the grant %s that check accepts", async (grant, params, signs) => {
    const issuer = publishOwn({});
    const made = await cli("init", "--provider", "other", "--issuer", issuer, "--grant-type", grant);
    expect(made).toMatchObject({ status: 0, err: "" });
    expect([config().providers.main.params, "signing" in config()]).toEqual([params, signs]);
    expect(made.out).toMatch(/\nOr, .*:\n {4}.* dev --config token-proxy\.yaml --env-file \.env\n/);
    expect(made.out + read(".env")).not.toContain("undefined");
    expect(await cli("check", "--env-file", ".env")).toMatchObject({ status: 0, err: "" });
  });

  it("finds metadata where RFC 8414 says", async () => {
    const path = "/.well-known/oauth-authorization-server";
    const issuer = publishOwn({}, path);
    await cli("init", "--provider", "other", "--issuer", issuer, "--grant-type", "client_credentials");
    expect(config().providers.main).toMatchObject({ issuer: base, discovery: "oauth" });
    expect(await cli("check", "--env-file", ".env")).toMatchObject({ status: 0, err: "" });
  });
});

describe("without a terminal", () => {
  it.each<[string, string[], RegExp]>([
    ["no provider", [], /^--provider is missing: Your provider .*: one of auth0, .*zitadel, zitadel-actor-token\n$/],
    ["a misspelt provider", ["--provider", "keyclaok"], /^--provider is unknown; did you mean "keycloak"\?\n$/],
    [
      "an unknown provider",
      ["--provider", "frobnicate"],
      /^--provider is unknown; use one of auth0, .*zitadel, zitadel-actor-token\n$/,
    ],
    [
      "no issuer",
      ["--provider", "keycloak"],
      /^--issuer is missing: Its issuer, like https:\/\/sso\.bank\.example\/realms/,
    ],
    [
      "a wrong issuer",
      ["--provider", "keycloak", "--issuer", "http://sso.acme.test"],
      /^--issuer must be an https URL/,
    ],
    [
      "no grant",
      ["--provider", "other", "--no-discovery", "--issuer", "https://a.test"],
      /^--grant-type is missing: .*password/,
    ],
    [
      "a wrong URL of this proxy",
      [...HYDRA, "--signing-issuer", "http://tokens.acme.test"],
      /^--signing-issuer must be an https URL/,
    ],
    ["no URL of this proxy", HYDRA, /^--signing-issuer is missing: URL of this proxy/],
    [
      "no text of its own",
      HYDRA.slice(0, -2),
      /^--signing-issuer|--set providers\.hydra\.jwt\.user\.claims\.aud\.1 is missing: /,
    ],
    ["an unknown method", [...HYDRA, "--auth-method", "basic"], /^--auth-method must be one of client_secret_basic, /],
    ["an unknown algorithm", [...HYDRA, "--alg", "HS256"], /^--alg must be one of ES256, /],
    ["a control character", [...HYDRA, ...SIGNING, "--scope", "a\x1b[31m"], /^--scope must not have control char/],
    ["an empty answer", [...HYDRA, ...SIGNING, "--client-id", ""], /^--client-id needs a value\n$/],
    [
      "a useless option",
      [...HYDRA, ...SIGNING, "--set", "providers.hydra.timout=1s"],
      /^--set providers\.hydra\.timout changes nothing/,
    ],
    [
      "a faulty answer",
      [...HYDRA, ...SIGNING, "--scope", "a{{b"],
      /^token-proxy\.yaml:\d+:\d+ "providers\.hydra\.scope" /,
    ],
  ])("%s ends with status 2, and nothing is written", async (_, args, expected) => {
    const { status, out, err } = await cli("init", ...args);
    expect({ status, out }).toEqual({ status: 2, out: "" });
    expect(err).toMatch(expected);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("a failed discovery says why and names --no-discovery", async () => {
    publishOwn({ issuer: `${base}/` });
    const slash = await cli("init", "--provider", "other", "--issuer", base, "--grant-type", "client_credentials");
    expect(slash.status).toBe(2);
    expect(slash.err).toMatch(
      /only the slash at the end differs.*provider_issuer http:\/\/127.*\nCorrect --issuer, or add --no-discovery\.\n$/s,
    );
    const silent = await cli("init", "--provider", "keycloak", "--issuer", "http://127.0.0.1:9/realms/a");
    expect(silent).toMatchObject({ status: 2, out: "" });
    expect(silent.err).toMatch(/cannot be reached \(ECONNREFUSED\): nothing listens on 127\.0\.0\.1:9: /);
    expect(readdirSync(folder)).toEqual([]);
    const { issue } = await makeAuthority("\u202eTest");
    const { certificate: cert, private_key: key } = await issue("proxy", { ips: ["127.0.0.1"] });
    const strange = createTlsServer({ cert, key });
    const reversed = await cli("init", "--provider", "keycloak", "--issuer", `https://${await listen(strange)}`);
    strange.close();
    expect(reversed.err).toContain("issued by CN=\\u{202e}Test:");
    const gone = await cli(
      "init",
      "--provider",
      "keycloak",
      "--issuer",
      "http://127.0.0.1:9/realms/a",
      "--no-discovery",
    );
    expect(gone).toMatchObject({ status: 0, err: "" });
  });
});

/** Runs init on a terminal of script(1), and types each answer after its question. */
async function onTerminal(steps: readonly [question: RegExp, keys: string][]) {
  const command = `stty rows 40 cols 100; '${process.execPath}' '${CLI}' init`;
  const child = spawn("script", ["-qec", command, "/dev/null"], { cwd: folder });
  let shown = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    shown += text;
  });
  const ended = once(child, "close");
  let at = 0;
  for (const [question, keys] of steps) {
    await expect.poll(() => shown.slice(at), { timeout: 30_000 }).toMatch(question);
    at = shown.length;
    child.stdin.write(keys);
  }
  const [status] = await ended;
  return { status, shown: stripVTControlCharacters(shown) };
}

const isHere = (await versionOf("script", "--version")) !== "";

describe("on a terminal", () => {
  itWhere(isHere, "no script(1)")("asks what is missing, and offers what the server lists", async () => {
    const issuer = publishOwn({
      grant_types_supported: ["implicit", "\x1b[31mred", "client_credentials"],
      token_endpoint_auth_methods_supported: ["client_secret_post", "private_key_jwt"],
    });
    const { status, shown } = await onTerminal([
      [/Your provider/, "any other"],
      [/1 match/, "\r"],
      [/Its issuer/, "http://127.0.0.1:9\r"],
      [/ECONNREFUSED.*Correct the issuer/s, `\x15${issuer}\r`],
      [/The grant/, "\r"],
      [/authenticates/, "\x1b[B\r"],
      [/client_id/, "\r"],
      [/scope/, "\r"],
    ]);
    expect(status, shown).toBe(0);
    expect(shown).not.toMatch(/implicit|red\b/);
    expect(shown).toMatch(/Written: .*token-proxy\.yaml/);
    expect(config().providers.main).toMatchObject({
      ...{ issuer, grant_type: "client_credentials", client_id: "token-proxy", scope: "accounts" },
      ...{ token_endpoint_auth_method: "client_secret_post" },
    });
  });

  itWhere(isHere, "no script(1)")("preselects what the name of a product means to --provider", async () => {
    const { status, shown } = await onTerminal([
      [/Your provider/, "keycloak"],
      [/\d matches/, "\r"],
      [/Its issuer/, "\x03"],
    ]);
    expect(status).toBe(1);
    expect(shown).toMatch(/◇ +Your provider \(type to search\)\s+│ +Keycloak, JWT authorization grant\s/);
  });

  itWhere(isHere, "no script(1)")("writes nothing after Ctrl-C", async () => {
    const { status, shown } = await onTerminal([
      [/Your provider/, "\r"],
      [/Its issuer/, "\x03"],
    ]);
    expect(status).toBe(1);
    expect(shown).toContain("Nothing was written.");
    expect(readdirSync(folder)).toEqual([]);
  });

  itWhere(isHere, "no script(1)")("fails if Ctrl-D ends it", async () => {
    expect(await onTerminal([[/Your provider/, "\x04"]])).toMatchObject({ status: 1 });
    expect(readdirSync(folder)).toEqual([]);
  });
});
