// The questions of `init`, in their order, and the example that fits the answers.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { TokenProxyError, UsageError } from "../core/errors.ts";
import { suggestion } from "../core/suggestion.ts";
import type { ProxyFor } from "../core/transport.ts";
import { isLoopback, issuerUrlFault } from "../core/url.ts";
import { createNodeCredentialHost } from "../node/credentials.ts";
import { nodeClock } from "../node/host.ts";
import { createNodeTransport } from "../node/outbound/transport.ts";
import { createDiscovery, type DiscoveryKind, type Metadata } from "../oauth/discovery.ts";
import { JWT_BEARER, TOKEN_EXCHANGE } from "../oauth/grants.ts";
import type { ProviderSettings } from "../oauth/provider-settings.ts";
import { TOKEN_ENDPOINT_AUTH_METHODS, type TokenEndpointAuthMethod } from "../oauth/settings.ts";
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from "../oauth/signing-key.ts";
import { adviseOnSilence } from "./check-certificates.ts";
import { Example, exampleNames, productOf } from "./init-example.ts";
import { createKey } from "./keygen.ts";
import { codeOf, withDetails } from "./report.ts";

type Prompts = typeof import("@clack/prompts");

interface Question {
  /** The option that answers it, like `--issuer` or `--set KEY`. */
  flag: string;
  message: string;
  /** Proposed on a terminal, and used without one. */
  initial?: string | undefined;
  choices?: { value: string; label?: string }[];
  /** @returns a phrase that follows the option */
  fault?(answer: string): string | undefined;
}

type Ask = (question: Question) => Promise<string>;
type Found = { issuer?: string; discovery?: DiscoveryKind; metadata?: Metadata };

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
 * @param folder of the files
 * @param prompts undefined without a terminal
 * @throws {UsageError} for a wrong, missing or useless option, or for a provider without metadata
 */
export async function askAll(options: Map<string, string>, discovers: boolean, folder: string, prompts?: Prompts) {
  const ask: Ask = (question) => answer(question, options, prompts);
  const name = await chooseProvider(ask);
  const example = new Example(name);
  const { settings, client, document } = example;
  const found = await askIssuer(ask, settings, discovers, prompts !== undefined);
  const { issuer, discovery = settings.discovery, metadata } = found;
  if (issuer !== undefined) {
    example.changeIssuer(issuer);
    if (discovery !== settings.discovery) client.set("discovery", discovery);
    const grant = example.isOther ? await chooseGrant(ask, metadata) : settings.grant_type;
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

async function chooseProvider(ask: Ask): Promise<string> {
  const names = exampleNames();
  const choices = names.map((value) => ({ value, label: new Example(value).title }));
  const asked = await ask({ flag: "--provider", message: "Your provider (type to search)", choices });
  const found = names.find((name) => `${name}-`.startsWith(`${asked}-`));
  if (found !== undefined) return found;
  const cure = suggestion(asked, [...names, ...names.map(productOf)]) || `; use one of ${names.join(", ")}`;
  throw new UsageError(`--provider is unknown${cure}`);
}

/** On a terminal, asks until discovery succeeds or the user confirms the issuer. */
async function askIssuer(ask: Ask, example: ProviderSettings, discovers: boolean, isTerminal: boolean): Promise<Found> {
  const { issuer: usualIssuer, discovery: usual } = example;
  if (usualIssuer === undefined) return {};
  const proxyFor = await createNodeCredentialHost(process.env, ".").environmentProxy(() => {});
  let message = `Its issuer, like ${usualIssuer}`;
  let initial: string | undefined;
  for (;;) {
    const issuer = await ask({ flag: "--issuer", message, initial, fault: issuerUrlFault });
    if (usual === "none" || !discovers || issuer === initial) return { issuer };
    try {
      const other = usual === "oidc" ? "oauth" : "oidc";
      return await discover(issuer, usual, proxyFor).catch((error) =>
        discover(issuer, other, proxyFor).catch(() => Promise.reject(error)),
      );
    } catch (error) {
      if (!(error instanceof TokenProxyError)) throw error;
      const code = codeOf(error);
      const advice = code === undefined ? "" : `: ${await adviseOnSilence(issuer, code, "issuer", proxyFor)}`;
      const problem = withDetails(error.message, error.detail, code) + advice;
      if (!isTerminal) throw new UsageError(`${problem}\nCorrect --issuer, or add --no-discovery.`);
      initial = issuer;
      message = `${problem}\nCorrect the issuer, or press Enter to go on without its metadata`;
    }
  }
}

async function discover(issuer: string, discovery: DiscoveryKind, proxyFor: ProxyFor | undefined): Promise<Found> {
  const transport = createNodeTransport({ connect_timeout: DISCOVERY_MS, connections: 1, proxyFor });
  const deps = { transport, clock: nodeClock, log() {} };
  const { refresh } = createDiscovery({ issuer, discovery, byTls: false }, issuer, deps);
  return { issuer, discovery, metadata: await refresh(DISCOVERY_MS).finally(() => transport.close()) };
}

async function chooseGrant(ask: Ask, metadata: Metadata | undefined): Promise<string> {
  const listed = metadata?.grant_types_supported?.filter((name) => USABLE_GRANT.test(name)) ?? [];
  const choices = [...new Set([...listed, ...Object.keys(PARAMS)])].map((value) => ({ value }));
  return ask({ flag: "--grant-type", message: "The grant that gets a token for a user", choices });
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

/** Replaces what is only an example. */
async function fillIn(ask: Ask, example: Example, issuer = ""): Promise<void> {
  const at = `providers.${example.provider}`;
  const questions: Readonly<Record<string, readonly [flag: string, message: string]>> = {
    "signing.issuer": ["--signing-issuer", "URL of this proxy, where the provider gets its public keys"],
    [`${at}.client_id`]: ["--client-id", "This proxy's client_id at the provider"],
    [`${at}.scope`]: ["--scope", "The scope to request"],
  };
  const isLocal = URL.canParse(issuer) && isLoopback(new URL(issuer).hostname);
  for (const text of example.texts()) {
    const { key, node, comment, isOpen } = text;
    const wasAsked = key === `${at}.issuer` || (example.isOther && key === `${at}.grant_type`);
    if (wasAsked) continue;
    if (!isOpen && key !== `${at}.client_id` && key !== `${at}.scope`) continue;
    const [flag, message] = questions[key] ?? [`--set ${key}`, comment.trim() || "a text of your own"];
    const like = isOpen ? `, like ${node.value}` : "";
    const initial = !isOpen ? node.value : isLocal && key === "signing.issuer" ? OUR_ADDRESS : undefined;
    const fault = key.endsWith(".issuer") ? { fault: issuerUrlFault } : {};
    example.change(text, await ask({ flag, message: message + like, initial, ...fault }));
  }
}

/** @returns the text of the env file */
function makeSecrets(example: Example): string {
  const lines = new Map<string, string>();
  for (const { key, node } of example.texts().filter((text) => text.key.endsWith(".env"))) {
    const secret = randomBytes(SECRET_BYTES).toString("hex");
    lines.set(node.value, `# ${key.replace(/\.env$/, "")}\n${node.value}=${secret}\n`);
  }
  return [...lines.values()].join("");
}

/**
 * Ends the process after Ctrl-C.
 * @param options by flag; the answer removes its own
 * @param prompts undefined without a terminal
 * @throws {UsageError} for a wrong or missing option
 */
async function answer(question: Question, options: Map<string, string>, prompts?: Prompts): Promise<string> {
  const { flag, message, initial, choices, fault } = question;
  const given = options.get(flag) ?? (prompts ? undefined : initial);
  options.delete(flag);
  const validate = (one: unknown = "") => {
    const text = String(one);
    if (/\p{Cc}/u.test(text)) return "must not have control characters";
    return text === "" ? "needs a value" : fault?.(text);
  };
  if (given !== undefined) {
    const problem = validate(given);
    if (problem === undefined) return given;
    throw new UsageError(`${flag} ${problem}`);
  }
  if (prompts === undefined) {
    const known = choices ? `: one of ${choices.map(({ value }) => value).join(", ")}` : "";
    throw new UsageError(`${flag} is missing: ${message}${known}`);
  }
  const shown = `${/^--set (.*)/.exec(flag)?.[1]?.concat(": ") ?? ""}${message}`;
  const usual = { message: shown, validate, ...(initial !== undefined && { initialValue: initial }) };
  const reply = choices
    ? await prompts.autocomplete({ ...usual, options: choices, maxItems: 12 })
    : await prompts.text(usual);
  if (!prompts.isCancel(reply)) return reply;
  prompts.cancel("Nothing was written.");
  return process.exit(1);
}
