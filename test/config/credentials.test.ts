// Credentials are loaded before the first call; every fault is reported, and no secret repeated.

import { sign as signWith } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type CredentialHost, loadCredentials } from "../../src/config/credentials.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { ConfigError } from "../../src/core/errors.ts";
import { fakeCredentialHost, thrownBy } from "../support/fakes.ts";
import { makeKey, makeSelfSigned } from "../support/keys.ts";
import { FILE, faultLine, replacing, trusting, withKeys, withProvider, withProviderKeys } from "./file.ts";

const APIKEY = "0123456789abcdef";
const CERTIFIED = await makeSelfSigned("certified");
const GOOD: Record<string, string> = {
  APIKEY,
  CLIENT_SECRET: "s",
  N: "nextauth-key",
  EC: (await makeKey("ES256")).pem,
  EC2: (await makeKey("ES256")).pem,
  RSA: (await makeKey("PS256")).pem,
  CERT: CERTIFIED.certificate,
  CERT_KEY: CERTIFIED.private_key,
  CA: "authority",
  NONE: "no key",
};

const load = (text: string, secrets: Record<string, string> = {}, host: Partial<CredentialHost> = {}) =>
  loadCredentials(parseConfig(trusting(text), "f.yaml"), fakeCredentialHost({ ...GOOD, ...secrets }, host));

async function faultsOf(...given: Parameters<typeof load>): Promise<string[]> {
  const error = await thrownBy(() => load(...given));
  expect(error).toBeInstanceOf(ConfigError);
  return (error as ConfigError).message.split("\n");
}

const providerOf = async (...given: Parameters<typeof load>) => (await load(...given)).providers.get("main");
const secretsOf = async (...given: Parameters<typeof load>) =>
  (await providerOf(...given))?.secrets.map((secret) => secret.reveal());

const EMPTY = "refers to an empty secret; give it a value";
const NO_HEADER =
  "refers to a secret that no header can carry; use visible ASCII, without spaces or line breaks at its ends";
const CONTROL = "refers to a secret with a line break or control character; remove it";

describe("a client assertion in a file", () => {
  const text = withProvider(
    "token_endpoint: https://idp.example/token",
    "token_endpoint_auth_method: private_key_jwt",
    "client_assertion: { file: token, aud: a }",
    "grant_type: client_credentials",
  );

  it("is read when it is used, with no key of ours, so it may appear after the start", async () => {
    const provider = await providerOf(`${text}signing: { keys: [{ kid: k, alg: ES256, private_key: { env: EC } }] }\n`);
    expect(provider?.clientKeys).toEqual([]);
    const error = await thrownBy(() => provider?.assertionFile?.read(0));
    expect(error).toMatchObject({
      code: "client_assertion_unusable",
      message: '"providers.main.client_assertion.file" names a file that cannot be read',
    });
    const found = await providerOf(text, { "file:token": "no JWT" });
    expect(await thrownBy(() => found?.assertionFile?.read(0))).toMatchObject({
      message: expect.stringContaining("names a file that is not a JWT"),
    });
  });

  it("is a fault where there are no files, as on Workers", async () => {
    expect(await faultsOf(text, {}, { readFile: undefined })).toEqual([
      'f.yaml:9:31 "providers.main.client_assertion.file" is for Node, because Workers have no files: use client_key',
    ]);
  });
});

describe("a Signer", () => {
  const text = withKeys("signing: { keys: [{ kid: k, alg: ES256, private_key: signer }] }");

  it("takes the place of the key with its kid", async () => {
    const { pem, jwk } = await makeKey("ES256");
    const sign = async (bytes: Uint8Array) => signWith("sha256", bytes, { key: pem, dsaEncoding: "ieee-p1363" });
    const { signingKeys } = await load(text, {}, { signers: [{ alg: "ES256", kid: "k", publicJwk: jwk, sign }] });
    expect(signingKeys).toMatchObject([{ kid: "k", isRemote: true, publicJwk: { x: jwk.x } }]);
  });

  it("is a fault if no program supplies one, as on the command line", async () => {
    expect(await faultsOf(text)).toEqual([
      'f.yaml:11:54 "signing.keys[0].private_key" is signer, but no Signer has this kid and alg: pass one to createApp or createWorker, or use { env: NAME } or { file: PATH }',
    ]);
  });
});

describe("egress proxies", () => {
  const ofEnvironment = { url: "http://env.bank.example:3128" };
  const environmentProxy = async () => (url: URL) => (url.hostname === "direct.example" ? undefined : ofEnvironment);
  const NEXTAUTH = "nextauth: { url: https://ns.example, apikey: { env: N } }";
  /** What a provider's, and the nextAuth Server's, connections go through. */
  async function proxiesOf(...given: Parameters<typeof load>) {
    const [text, secrets, host] = given;
    const { providers, nextauth, proxied } = await load(text, secrets, { environmentProxy, ...host });
    const [main, ns] = [providers.get("main")?.proxyFor, nextauth[0]?.proxyFor];
    return { main: main?.(new URL("https://a.example")), ns: ns?.(new URL("https://b.example")), main2: main, proxied };
  }

  it("are those of the environment, for each URL, unless env_proxy is false", async () => {
    const { main, ns, main2, proxied } = await proxiesOf(withKeys(NEXTAUTH));
    expect([main, ns]).toEqual([ofEnvironment, ofEnvironment]);
    expect(main2?.(new URL("https://direct.example"))).toBeUndefined();
    expect(proxied).toEqual(["ns.example through env.bank.example:3128", "idp.example through env.bank.example:3128"]);
    const off = await proxiesOf(withKeys(NEXTAUTH, "server: { env_proxy: false }"));
    expect(off).toEqual({ main: undefined, ns: undefined, main2: undefined, proxied: [] });
  });

  it("can be named for a server, with user and password; none is no proxy", async () => {
    const proxy = "{ url: https://egress.bank.example, authorization: { env: P } }";
    const nextauth = `nextauth: { url: https://ns.example, apikey: { env: N }, proxy: ${proxy} }`;
    const text = replacing("    client_id", "    proxy: none\n    client_id", withKeys(nextauth));
    const { main, ns, proxied } = await proxiesOf(text, { P: "token-proxy:a:b c" });
    expect([main, ns?.url, ns?.authorization?.reveal()]).toEqual([
      undefined,
      "https://egress.bank.example",
      "token-proxy:a:b c",
    ]);
    expect(proxied).toEqual(["ns.example through egress.bank.example"]);
  });

  it.each(["token", ":x", "a:b\nc"])("need user:password, not %j", async (P) => {
    const text = withProviderKeys("proxy: { url: http://egress.example, authorization: { env: P } }");
    expect(await faultsOf(text, { P })).toEqual([
      'f.yaml:11:57 "providers.main.proxy.authorization" refers to a secret that is not user:password; write both',
    ]);
  });

  it("need a port up to 65535", async () => {
    const text = withProviderKeys("proxy: { url: http://egress.example:70000 }");
    expect((await faultsOf(text))[0]).toContain('"providers.main.proxy.url" must be a URL like http://');
  });

  it("cannot be used over http, or with a variable that is no URL", async () => {
    const text = replacing(
      "https://idp",
      "http://localhost",
      withProviderKeys("proxy: { url: http://a.example }"),
    ).replace("localhost.example", "localhost");
    expect((await faultsOf(text))[0]).toContain('"providers.main.proxy" needs an https URL; http is only for loopback');
    const faulty = async (report: (problem: string) => void) => void report("is true, but …");
    expect(await faultsOf(FILE, {}, { environmentProxy: faulty })).toEqual([
      expect.stringContaining('"server.env_proxy" is true, but …'),
    ]);
  });
});

describe("usable secrets", () => {
  it("are loaded by their references, in the order of the file", async () => {
    const text = replacing("[{ env: APIKEY }]", "[{ env: APIKEY }, { file: APIKEY }]\n    serverids: [a]").replace(
      "client_secret: { env: CLIENT_SECRET }",
      "client_secret: [{ env: CLIENT_SECRET }, { file: b }]",
    );
    const { callers, providers, signingKeys } = await load(text, { "file:APIKEY": "fedcba9876543210", "file:b": "b" });
    const caller = callers.get("nextauth-server");
    expect(caller?.apikeys.map((apikey) => apikey.reveal())).toEqual([APIKEY, "fedcba9876543210"]);
    expect(caller?.serverids).toEqual(["a"]);
    expect(providers.get("main")?.secrets.map((secret) => secret.reveal())).toEqual(["s", "b"]);
    expect(signingKeys).toEqual([]);
  });

  it("can be read asynchronously", async () => {
    const { read } = fakeCredentialHost(GOOD);
    expect(await secretsOf(FILE, {}, { read: async (reference) => read(reference) })).toEqual(["s"]);
  });

  it.each(["% + : & é", "日本語", "x".repeat(65_536)])("can be any text for a client: %.20s", async (secret) => {
    expect(await secretsOf(FILE, { CLIENT_SECRET: secret })).toEqual([secret]);
  });

  it("can occur twice among one caller's keys", async () => {
    const text = replacing("{ env: APIKEY }", "{ env: APIKEY }, { env: N }");
    await expect(load(text, { N: APIKEY })).resolves.toBeDefined();
  });

  it("can be in params and headers", async () => {
    const text = withProviderKeys("params: { a: { env: A }, b: x, c: [y] }", "headers: { X-Key: { file: k } }");
    const placed = (await providerOf(text, { A: "{{a}} é", "file:k": "b c" }))?.placed;
    expect([...(placed ?? [])].map(([place, secret]) => [place, secret.reveal()])).toEqual([
      ["params.a", "{{a}} é"],
      ["headers.X-Key", "b c"],
    ]);
  });
});

describe("an unusable secret is reported", () => {
  const APIKEY_AT = '4:15 "callers.nextauth-server.apikeys[0]"';
  const VISIBLE =
    'refers to an API key that is not 16 or more visible ASCII characters; create one with "openssl rand -hex 32"';
  const nextauth = withKeys("nextauth: { url: https://ns.example, apikey: { env: N } }");
  const placed = withProviderKeys("params: { a: { env: A } }", "headers: { X-A: { env: B } }");
  const SECRET_AT = '9:20 "providers.main.client_secret"';
  it.each<[string, Record<string, string>, string]>([
    [FILE, { APIKEY: "" }, `${APIKEY_AT} ${EMPTY}`],
    [FILE, { APIKEY: APIKEY.slice(1) }, `${APIKEY_AT} ${VISIBLE}`],
    [FILE, { APIKEY: "0123456789 abcdef" }, `${APIKEY_AT} ${VISIBLE}`],
    [FILE, { APIKEY: "0123456789abcdéf" }, `${APIKEY_AT} ${VISIBLE}`],
    [FILE, { APIKEY: `${APIKEY}\n` }, `${APIKEY_AT} ${VISIBLE}`],
    [FILE, { CLIENT_SECRET: "  " }, `${SECRET_AT} ${EMPTY}`],
    [FILE, { CLIENT_SECRET: "s\r\n" }, `${SECRET_AT} ${CONTROL}`],
    [FILE, { CLIENT_SECRET: "a\u0000" }, `${SECRET_AT} ${CONTROL}`],
    [FILE, { CLIENT_SECRET: "a\u007f" }, `${SECRET_AT} ${CONTROL}`],
    [nextauth, { N: "" }, `11:46 "nextauth.apikey" ${EMPTY}`],
    [nextauth, { N: "key\n" }, `11:46 "nextauth.apikey" ${NO_HEADER}`],
    [nextauth, { N: "key " }, `11:46 "nextauth.apikey" ${NO_HEADER}`],
    [nextauth, { N: "kéy" }, `11:46 "nextauth.apikey" ${NO_HEADER}`],
    [placed, { A: "a\nb", B: "b" }, `11:18 "providers.main.params.a" ${CONTROL}`],
    [placed, { A: "a", B: " b" }, `12:21 "providers.main.headers.X-A" ${NO_HEADER}`],
  ])("at its place: case %#", async (text, secrets, fault) => {
    expect(await faultsOf(text, secrets)).toEqual([`f.yaml:${fault}`]);
  });
});

describe("unusable secrets", () => {
  const TWO = FILE.replace("providers:", "  other:\n    apikeys: [{ env: NEXT }, { env: OTHER }]\nproviders:");

  it("are all reported at once, in the order of the file", async () => {
    const text = `${TWO.replace("env: CLIENT_SECRET", "env: NOWHERE")}log: { identities_key: { env: K } }
nextauth:
  - { url: https://a.example, apikey: { env: APIKEY }, serverids: [a] }
  - { url: https://b.example, apikey: { file: n }, tls: { ca: { env: A } } }
`;
    expect(await faultsOf(text, { APIKEY: "short", NEXT: "", K: "short" })).toEqual([
      expect.stringMatching(/^f\.yaml:4:15 "callers\.nextauth-server\.apikeys\[0\]" .*not 16 or more/),
      expect.stringMatching(/^f\.yaml:6:15 "callers\.other\.apikeys\[0\]" refers to an empty secret/),
      'f.yaml:6:30 "callers.other.apikeys[1]" names OTHER, which is not set',
      'f.yaml:11:20 "providers.main.client_secret" names NOWHERE, which is not set',
      expect.stringMatching(/^f\.yaml:13:24 "log\.identities_key" .*fewer than 16/),
      'f.yaml:16:39 "nextauth[1].apikey" names file:n, which is not set',
      'f.yaml:16:63 "nextauth[1].tls.ca" names A, which is not set',
    ]);
  });

  it("include a key shared by two callers, unless it is empty", async () => {
    expect(await faultsOf(TWO, { NEXT: "fedcba9876543210", OTHER: APIKEY })).toEqual([
      'f.yaml:6:30 "callers.other.apikeys[1]" also identifies "callers.nextauth-server"; each caller needs credentials of its own',
    ]);
    expect(await faultsOf(TWO, { APIKEY: "", NEXT: "", OTHER: "fedcba9876543210" })).toEqual([
      `f.yaml:4:15 "callers.nextauth-server.apikeys[0]" ${EMPTY}`,
      `f.yaml:6:15 "callers.other.apikeys[0]" ${EMPTY}`,
    ]);
  });

  it("are never repeated", async () => {
    const canary = "Zq7xWv4kPj";
    for (const text of [canary, `${canary}${canary}é`, `${canary} ${canary}`, `${canary}\n`]) {
      const faults = await faultsOf(TWO, { APIKEY: text, NEXT: text, OTHER: text, CLIENT_SECRET: `${text}\n` });
      expect(faults.length).toBeGreaterThan(2);
      expect(faults.join("\n")).not.toContain(canary);
    }
  });

  it("hide no bug: another error is passed on", async () => {
    const cause = new TypeError("a bug");
    const read = () => {
      throw cause;
    };
    expect(await thrownBy(() => load(FILE, {}, { read }))).toBe(cause);
  });
});

const key = (kid: string, alg: string, name: string, more = "") =>
  `{ kid: ${kid}, alg: ${alg}, private_key: { env: ${name} }${more} }`;
const CLIENT = [
  ...["issuer: https://idp.example", "client_id: x", "grant_type: client_credentials"],
  "token_endpoint_auth_method: private_key_jwt",
];
/** A provider with client_key on line 11, and further keys. */
const withClientKey = (keys: string, ...more: string[]) => withProvider(...CLIENT, `client_key: ${keys}`, ...more);

describe("signing keys", () => {
  const kids = (keys: readonly { kid: string }[] | undefined) => keys?.map(({ kid }) => kid);
  const KEYS = [key("ec", "ES256", "EC"), key("old", "ES256", "EC2", ", use: verify"), key("rs", "RS256", "RSA")];
  const SIGNING = `signing: { issuer: https://proxy.example, keys: [${KEYS.join(", ")}] }\n`;
  const OWN = `[${key("b", "ES256", "EC2")}, ${key("a", "PS256", "RSA")}]`;

  it("sign, or are only published", async () => {
    const { signingKeys, providers } = await load(FILE + SIGNING);
    expect(kids(signingKeys)).toEqual(["ec", "old", "rs"]);
    expect(kids(providers.get("main")?.signingKeys)).toEqual(["ec", "rs"]);
    expect(providers.get("main")?.signingIssuer).toBe("https://proxy.example");
  });

  it.each<[string, string, string[]]>([
    ["those of the file that sign", withProvider(...CLIENT) + SIGNING, ["ec", "rs"]],
    ["those of one algorithm", withProvider(...CLIENT, "client_assertion: { alg: RS256 }") + SIGNING, ["rs"]],
    ["its own, in their order", withClientKey(OWN) + SIGNING, ["b", "a"]],
    ["its own of one algorithm", withClientKey(OWN, "client_assertion: { alg: PS256 }"), ["a"]],
  ])("authenticate the client: %s", async (_, text, expected) => {
    expect(kids((await providerOf(text))?.clientKeys)).toEqual(expected);
  });

  const certified = (name: string) => withClientKey(key("k", "ES256", "CERT_KEY", `, certificate: { env: ${name} }`));
  it.each<[string, string, string]>([
    [
      "text that is no key",
      withClientKey(key("k", "ES256", "NONE")),
      '11:52 "providers.main.client_key.private_key" …',
    ],
    [
      "one of a list for another algorithm",
      withClientKey(`[${key("a", "ES256", "EC")}, ${key("k", "ES256", "RSA")}]`),
      '11:103 "providers.main.client_key[1].private_key" …',
    ],
    [
      "one under signing",
      `${FILE}signing:\n  keys:\n    - ${key("a", "ES256", "EC")}\n    - ${key("k", "PS256", "EC2")}\n`,
      '14:42 "signing.keys[1].private_key" …',
    ],
    ["no certificate", certified("NO"), '11:84 "providers.main.client_key.certificate" names NO, which is not set'],
    ["text that is no certificate", certified("NONE"), '11:84 "providers.main.client_key.certificate" …'],
  ])("are reported if unusable: %s", async (_, text, fault) => {
    expect(await faultsOf(text)).toEqual([faultLine(fault)]);
  });

  it("are reported if the host rejects their certificate", async () => {
    const certificateFault = (pem: string) => (pem === GOOD.CERT ? "has expired" : undefined);
    expect(await faultsOf(certified("CERT"), {}, { certificateFault })).toEqual([
      'f.yaml:11:84 "providers.main.client_key.certificate" has expired',
    ]);
  });

  it("are never repeated", async () => {
    const canary = "Zq7xWv4kPj";
    for (const text of [canary, `{"d":"${canary}"`, `-----BEGIN ${canary}`, GOOD.EC?.replace("MIG", canary) ?? ""]) {
      for (const file of [withClientKey(key("k", "ES256", "EC")), certified("CERT")]) {
        expect((await faultsOf(file, { EC: text, CERT: text })).join()).not.toContain(canary);
      }
    }
  });
});

describe("TLS credentials", () => {
  const PAIR = "certificate: { env: CERT }, private_key: { env: CERT_KEY }";
  const LISTENER = withKeys(`server: { tls: { ${PAIR}, client_ca: { env: CA } } }`);
  it.each([
    ["a provider", withProviderKeys(`tls: { ${PAIR}, ca: { env: CA } }`), '11:10 "providers.main.tls"', "ca"],
    ["the listener", LISTENER, '11:16 "server.tls"', "client_ca"],
  ])("of %s are loaded, and checked by the host", async (_, text, place, caKey) => {
    const tlsFault: CredentialHost["tlsFault"] = ({ certificate, private_key, ca }, key) =>
      `has ${certificate?.reveal() === GOOD.CERT} ${private_key?.reveal() === GOOD.CERT_KEY} ${ca?.reveal()} ${key}`;
    expect(await faultsOf(text, {}, { tlsFault })).toEqual([`f.yaml:${place} has true true authority ${caKey}`]);
    const { serverTls, providers } = await load(text);
    expect((serverTls ?? providers.get("main")?.tls)?.private_key?.reveal()).toBe(GOOD.CERT_KEY);
    const expired = await faultsOf(text, {}, { certificateFault: () => "has expired" });
    expect(expired).toEqual([expect.stringMatching(/tls\.certificate" has expired$/)]);
    const missing = await faultsOf(text.replaceAll(/(?:CERT|CERT_KEY|CA) /g, "MISSING "));
    const parts = missing.map((fault) => /tls\.(\w+)" names MISSING, which is not set$/.exec(fault)?.[1]);
    expect(parts).toEqual(["certificate", "private_key", caKey]);
  });

  it("of the listener are checked against its pins", async () => {
    const pins = [`sha256/${"A".repeat(43)}=`];
    const certificateFault: CredentialHost["certificateFault"] = (_pem, given) => `got ${given}`;
    const text = LISTENER.replace(PAIR, `${PAIR}, pins: ${JSON.stringify(pins)}`);
    expect(await faultsOf(text, {}, { certificateFault })).toEqual([expect.stringContaining(`got ${pins}`)]);
  });

  it("are optional, and can be a binding of a Worker", async () => {
    const { serverTls, providers, nextauth } = await load(FILE);
    expect([serverTls, providers.get("main")?.tls, nextauth]).toEqual([undefined, undefined, []]);
    expect((await providerOf(withProviderKeys("tls: { binding: MTLS }")))?.tls).toEqual({ binding: "MTLS" });
  });

  it("of the listener are not read on a host without one", async () => {
    const text = LISTENER.replaceAll("CERT", "MISSING");
    expect((await load(text, {}, { listens: false, tlsFault: () => "does not fit" })).serverTls).toBeUndefined();
  });

  it("are not all: http2 and reuse_connections need connections of the host's own", async () => {
    const text = withKeys("nextauth: { url: https://ns.example, apikey: { env: N }, http2: never }");
    const both = replacing("    client_id", "    reuse_connections: true\n    client_id", text);
    expect(await faultsOf(both, {}, { connectionFault: "is for Node" })).toEqual([
      'f.yaml:8:5 "providers.main.reuse_connections" is for Node',
      'f.yaml:12:58 "nextauth.http2" is for Node',
    ]);
  });

  it("are not all: a Worker has no egress proxy", async () => {
    const text = replacing("    client_id", "    proxy: none\n    client_id");
    expect(await faultsOf(text, {}, { connectionFault: "is for Node" })).toEqual([
      'f.yaml:8:5 "providers.main.proxy" is for Node',
    ]);
  });

  it("are not all: an audit needs a file, which Workers do not have", async () => {
    const text = withKeys("log: { identities: plain, audit: { file: a.jsonl } }");
    await expect(load(text, {}, { listens: false })).rejects.toThrow(
      '"log.audit" needs a file, which Workers do not have',
    );
  });

  it("of a nextAuth Server come with its key, in the order of the file", async () => {
    const text = withKeys(
      "nextauth:",
      "  - { url: https://a.example, apikey: { env: N }, serverids: [a] }",
      "  - { url: https://b.example, apikey: { file: n }, tls: { ca: { env: CA } } }",
    );
    const { nextauth } = await load(text, { "file:n": "!~ x" });
    expect(nextauth.map(({ apikey, tls }) => [apikey.reveal(), tls?.ca?.reveal()])).toEqual([
      ["nextauth-key", undefined],
      ["!~ x", "authority"],
    ]);
  });
});

describe("a caller's certificate", () => {
  const PIN = `{ sha256: ${"a".repeat(64)} }`;
  const NAME = "{ san_dns: ns.example }";
  /** Callers a and b, on lines 3 and 4. */
  const callers = (a: string, b: string) =>
    replacing("  nextauth-server:\n    apikeys: [{ env: APIKEY }]", `  a: { ${a} }\n  b: { ${b} }`);
  const certificates = (...pins: string[]) => `client_certificates: [${pins.join(", ")}]`;

  it("is part of the credentials", async () => {
    const text = callers(`${certificates(PIN, NAME)}, serverids: [s]`, "apikeys: [{ env: APIKEY }]");
    const client_certificates = [{ sha256: "a".repeat(64) }, { san_dns: "ns.example" }];
    expect((await load(text)).callers.get("a")).toEqual({ apikeys: [], client_certificates, serverids: ["s"] });
  });

  it("is reported if the host cannot check it", async () => {
    const pinFault: CredentialHost["pinFault"] = (pin, { listen }) =>
      "san_dns" in pin ? `cannot be checked at ${listen.port}` : undefined;
    const text = callers(certificates(PIN, NAME), `apikeys: [{ env: APIKEY }], ${certificates(NAME)}`);
    expect(await faultsOf(text, {}, { pinFault })).toEqual([
      'f.yaml:3:108 "callers.a.client_certificates[1]" cannot be checked at 8080',
      'f.yaml:4:58 "callers.b.client_certificates[0]" cannot be checked at 8080',
    ]);
  });

  it.each([PIN, "{ san_dns: NS.Example }"])("without apikeys must identify one caller: %s", async (pin) => {
    expect(await faultsOf(callers(certificates(PIN, NAME), certificates("{ san_dns: b.example }", pin)))).toEqual([
      'f.yaml:4:54 "callers.b.client_certificates[1]" also identifies "callers.a"; each caller needs credentials of its own',
    ]);
  });

  it.each([
    ["if one caller has a key", certificates(PIN), `apikeys: [{ env: APIKEY }], ${certificates(PIN)}`],
    ["by one caller", certificates(PIN, PIN), "apikeys: [{ env: APIKEY }]"],
  ])("can be shared %s", async (_, a, b) => {
    expect((await load(callers(a, b))).callers.size).toBe(2);
  });
});

it("the limits of the webNonce exchange are reported if the host cannot apply them", async () => {
  const rateLimitFault = ({ binding }: { binding: string }) => `needs ${binding}`;
  const text = withKeys(
    "nextauth: { url: https://ns.example, apikey: { env: N }, serverid: a }",
    "webnonce_exchange:",
    "  rate_limit: { per_webnonce: { binding: B } }",
  );
  expect(await faultsOf(text, {}, { rateLimitFault })).toEqual([
    'f.yaml:13:15 "webnonce_exchange.rate_limit.per_address" needs WEBNONCE_EXCHANGE_PER_ADDRESS',
    'f.yaml:13:31 "webnonce_exchange.rate_limit.per_webnonce" needs B',
  ]);
  await expect(load(FILE, {}, { rateLimitFault })).resolves.toBeDefined();
});
