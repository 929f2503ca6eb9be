// The questions of `init`, in their order, and the example that fits the answers.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { suggestion } from "../config/faults.ts";
import type { ProviderConfig } from "../config/parse.ts";
import { TokenProxyError, UsageError } from "../core/errors.ts";
import { isLoopback, issuerUrlFault } from "../core/url.ts";
import { createNodeCredentialHost } from "../node/credentials.ts";
import { nodeClock } from "../node/host.ts";
import { createNodeTransport } from "../node/outbound/transport.ts";
import { TOKEN_ENDPOINT_AUTH_METHODS, type TokenEndpointAuthMethod } from "../oauth/client-authentication.ts";
import { createDiscovery, type DiscoveryKind, type Metadata } from "../oauth/discovery.ts";
import { JWT_BEARER, TOKEN_EXCHANGE } from "../oauth/grants.ts";
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from "../oauth/signing-key.ts";
import { adviseOnSilence } from "./check-certificates.ts";
import { answer, type Prompts, type Question } from "./init-ask.ts";
import { Example, exampleNames, productOf } from "./init-example.ts";
import { createKey } from "./keygen.ts";
import { codeOf, withDetails } from "./report.ts";

type Ask = (question: Question) => Promise<string>;
type Found = { issuer?: string; discovery?: DiscoveryKind; metadata?: Metadata };

const OTHER = "other";
/** How the request of a grant names the user; null where the grant implies it. */
const PARAMS: Readonly<Record<string, object | null>> = {
  [JWT_BEARER]: null,
  [TOKEN_EXCHANGE]: null,
  password: { username: "{{userid}}", password: { env: "TECHNICAL_PASSWORD" } },
  authorization_code: null,
};
/** Not those that need a person or an earlier token, and no control characters for the terminal. */
const USABLE_GRANT = /^(?!implicit$|refresh_token$|.*:(?:device_code|ciba)$)[\w.:/-]+$/;
const DISCOVERY_MS = 5_000;
/** The default of server.listen. */
const OUR_ADDRESS = "http://127.0.0.1:8080";
const SECRET_BYTES = 32;

/**
 * @param options by flag
 * @param prompts undefined without a terminal
 * @param folder of the files
 * @throws {UsageError} for a wrong, missing or useless option, or for a provider without metadata
 */
export async function askAll(
  options: Map<string, string>,
  prompts: Prompts | undefined,
  mayDiscover: boolean,
  folder: string,
) {
  const ask: Ask = (question) => answer(question, options, prompts);
  const name = await chooseProvider(ask, options.get("--grant-type"));
  const example = new Example(name);
  const { settings, client, document } = example;
  const found = await askIssuer(ask, settings, mayDiscover, prompts !== undefined);
  const { issuer, discovery = settings.discovery, metadata } = found;
  if (issuer !== undefined) {
    example.changeIssuer(issuer);
    if (discovery !== settings.discovery) client.set("discovery", discovery);
    const grant = name === OTHER ? await chooseGrant(ask, metadata) : settings.grant_type;
    const { token_endpoint_auth_method: current } = settings;
    const offer = offerOf(TOKEN_ENDPOINT_AUTH_METHODS, current, metadata?.token_endpoint_auth_methods_supported);
    const method = await ask({ flag: "--auth-method", message: "How this proxy authenticates there", ...offer });
    if (grant !== settings.grant_type) {
      client.set("grant_type", grant);
      const { [grant]: params = { userid: "{{userid}}" } } = PARAMS;
      if (params !== null) client.set("params", document.createNode(params));
      if (grant !== TOKEN_EXCHANGE && method !== "private_key_jwt") document.delete("signing");
    }
    if (method !== current) example.changeAuthMethod(method as TokenEndpointAuthMethod);
  }
  const key = await makeKey(ask, example, metadata, folder);
  await fillIn(ask, example, issuer);
  const [unused] = options.keys();
  if (unused !== undefined) throw new UsageError(`${unused} changes nothing for this provider: leave it out`);
  return { example, key, secrets: makeSecrets(example) };
}

async function chooseProvider(ask: Ask, grant: string | undefined): Promise<string> {
  const names = exampleNames();
  const choices = names.map((value) => {
    const [title = "", status = ""] = new Example(value).about;
    return { value, label: title.replace(/:.*/, ""), hint: status.replace(/\. .*/, "") };
  });
  const asked = await ask({ flag: "--provider", message: "Your provider (type to search)", choices });
  const found = names.filter((name) => `${name}-`.startsWith(`${asked}-`));
  const best = found.find((name) => new Example(name).settings.grant_type === grant) ?? found[0];
  if (best !== undefined) return best;
  const cure = suggestion(asked, [...names, ...names.map(productOf)]) || `; use one of ${names.join(", ")}`;
  throw new UsageError(`--provider is unknown${cure}`);
}

/** On a terminal, asks until discovery succeeds or the user confirms the issuer. */
async function askIssuer(
  ask: Ask,
  settings: ProviderConfig,
  mayDiscover: boolean,
  isTerminal: boolean,
): Promise<Found> {
  const { issuer: example, discovery: usual } = settings;
  if (example === undefined) return {};
  let message = `Its issuer, like ${example}`;
  let tried: string | undefined;
  let initial: string | undefined;
  for (;;) {
    const withoutPath = (text: string) => text.replace(/\/\.well-known\/.*/, ""); // of the metadata
    const fault = (text: string) => issuerUrlFault(withoutPath(text));
    const issuer = withoutPath(await ask({ flag: "--issuer", message, initial, fault }));
    if (usual === "none" || !mayDiscover || issuer === tried) return { issuer };
    try {
      const other = usual === "oidc" ? "oauth" : "oidc";
      return await discover(issuer, usual).catch((error) => discover(issuer, other).catch(() => Promise.reject(error)));
    } catch (error) {
      if (!(error instanceof TokenProxyError)) throw error;
      const code = codeOf(error);
      const advice = code === undefined ? "" : `: ${await adviseOnSilence(issuer, code, "issuer")}`;
      const problem = withDetails(error.message, error.detail, code) + advice;
      if (!isTerminal) throw new UsageError(`${problem}\nCorrect --issuer, or add --no-discovery.`);
      tried = issuer;
      initial = String(error.detail?.provider_issuer ?? issuer);
      const onEnter = initial === issuer ? "to go on without its metadata" : "for the one that the provider names";
      message = `${problem}\nCorrect the issuer, or press Enter ${onEnter}`;
    }
  }
}

async function discover(issuer: string, discovery: DiscoveryKind): Promise<Found> {
  const proxyFor = await createNodeCredentialHost(process.env, ".").environmentProxy(() => {});
  const transport = createNodeTransport({ connect_timeout: DISCOVERY_MS, connections: 1, proxyFor });
  const deps = { transport, clock: nodeClock, onMoved() {} };
  const { refresh } = createDiscovery({ issuer, discovery, byTls: false }, issuer, deps);
  return { issuer, discovery, metadata: await refresh(DISCOVERY_MS).finally(() => transport.close()) };
}

async function chooseGrant(ask: Ask, metadata: Metadata | undefined): Promise<string> {
  const listed = metadata?.grant_types_supported?.filter((name) => USABLE_GRANT.test(name)) ?? [];
  const names = [...new Set([...listed, ...Object.keys(PARAMS)])];
  const choices = names.map((value) => ({ value, hint: listed.includes(value) ? "" : "not listed by this server" }));
  const question = { flag: "--grant-type", message: "The grant that gets a token for a user" };
  const chosen = await ask({ ...question, choices: [...choices, { value: OTHER, hint: "type its name" }] });
  return chosen === OTHER ? ask(question) : chosen;
}

/** The example's value comes first, then what the server lists. */
function offerOf(all: readonly string[], initial: string, listed: readonly string[] | undefined) {
  const offered = all.filter((one) => listed?.includes(one.replace("_raw", "")) !== false);
  const choices = [...new Set([initial, ...offered])].map((value) => ({ value }));
  const fault = (text: string) => (all.includes(text) ? undefined : `must be one of ${all.join(", ")}`);
  return { initial, choices, fault };
}

/** For a POSIX shell. */
export const quoted = (path: string): string =>
  /^[\w.,:@+/-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;

/** Makes the file's key, unless the user has it: then the example is not named after its kid. */
async function makeKey(ask: Ask, example: Example, metadata: Metadata | undefined, folder: string) {
  const texts = example.texts();
  const kid = texts.find((text) => text.key.endsWith(".kid"));
  const at = (name: string) => texts.find((text) => text.key === kid?.key.replace(/kid$/, name))?.node;
  const [file, alg] = [at("private_key.file"), at("alg")];
  if (!kid || !alg || file?.value !== `/run/secrets/${kid.node.value}.pem`) return undefined;
  const offer = offerOf(SIGNING_ALGORITHMS, alg.value, metadata?.token_endpoint_auth_signing_alg_values_supported);
  alg.value = await ask({ flag: "--alg", message: "Algorithm of this proxy's key", ...offer });
  const key = await createKey(alg.value as SigningAlgorithm);
  example.changes.push(
    [`=${offer.initial}`, `=${alg.value}`],
    [file.value.replace(".pem", ""), quoted(join(folder, key.kid))],
  );
  example.change(kid, key.kid);
  file.value = `${key.kid}.pem`;
  const place = kid.key.replace(/kid$/, "created").split(".");
  if (place[0] === "signing") example.document.setIn(place, key.created);
  return key;
}

/** Replaces what is only an example, and what options name. */
async function fillIn(ask: Ask, example: Example, issuer = ""): Promise<void> {
  const at = `providers.${example.provider}`;
  const questions: Readonly<Record<string, readonly [flag: string, message: string]>> = {
    "signing.issuer": ["--signing-issuer", "URL of this proxy, where the provider gets its public keys"],
    [`${at}.client_id`]: ["--client-id", "This proxy's client_id at the provider"],
    [`${at}.scope`]: ["--scope", "The scope to request"],
    [`${at}.grant_type`]: ["--grant-type", "Its grant_type"],
  };
  const isLocal = URL.canParse(issuer) && isLoopback(new URL(issuer).hostname);
  for (const text of example.texts()) {
    const { key, node, comment, isOpen } = text;
    const [flag, message] = questions[key] ?? [`--set ${key}`, comment.trim() || "a text of your own"];
    const like = isOpen ? `, like ${node.value}` : "";
    const initial = !isOpen ? node.value : isLocal && key === "signing.issuer" ? OUR_ADDRESS : undefined;
    const isQuiet = !isOpen && flag !== "--client-id" && flag !== "--scope";
    const fault = key.endsWith(".issuer") ? { fault: issuerUrlFault } : {};
    example.change(text, await ask({ flag, message: message + like, initial, isQuiet, ...fault }));
  }
}

/** @returns the text of the env file */
function makeSecrets(example: Example): string {
  const lines = new Map<string, string>();
  for (const { key, node } of example.texts().filter((text) => text.key.endsWith(".env"))) {
    const use = key.startsWith("callers.")
      ? "for the nextAuth Server"
      : "set it at the provider, or write its own here";
    const secret = randomBytes(SECRET_BYTES).toString("hex");
    lines.set(node.value, `# ${key.replace(/\.env$/, "")}: ${use}\n${node.value}=${secret}\n`);
  }
  return [...lines.values()].join("");
}
