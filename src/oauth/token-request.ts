// Builds a token request (RFC 6749 section 3.2), sends it, and judges the provider's answer.

import type { CallTime } from "../core/call-time.ts";
import { PAUSE_MS } from "../core/deadline.ts";
import { TokenProxyError } from "../core/errors.ts";
import { FORM_CONTENT_TYPE, Form } from "../core/form.ts";
import { REQUEST_HEADERS } from "../core/headers.ts";
import type { Announce, Log } from "../core/ports.ts";
import type { Trace } from "../core/trace.ts";
import { type Transport, TransportError } from "../core/transport.ts";
import type { Value, Values } from "../core/values.ts";
import { type ClientAuthentication, createClientAuthentications, isSigned } from "./client-authentication.ts";
import type { Discovery, Metadata } from "./discovery.ts";
import { redacted, repeatsCredential } from "./echoed-credential.ts";
import { compileErrorRules } from "./error-rules.ts";
import { compileExpectations } from "./expectations.ts";
import { allParams, isJsonParam, type Param, templatesOf } from "./grants.ts";
import { type Answer, judgeAnswer, relayedText } from "./judge-answer.ts";
import { compileJwt, type JwtDeps } from "./jwt.ts";
import type { ProviderCredentials, ProviderSettings } from "./provider-settings.ts";
import type { JwtSettings } from "./settings.ts";
import type { SigningKey } from "./signing-key.ts";
import { compileJson, memberPlace } from "./template.ts";
import { hasTokenOfCall, jwtsNeeded } from "./template-names.ts";
import { JWT_PREFIX, type Place, TOKEN_PREFIX } from "./template-rules.ts";

/** What one attempt needs besides the values of its call. */
export interface Attempt {
  /** Index of the client's credential. */
  credential: number;
  /** By clock.elapsed(); after it the call has failed, so no token may be requested. */
  deadline: number;
  send: Transport;
  time: CallTime;
  trace: Trace;
  announce?: Announce | undefined;
}

/** @param discovery undefined if the file names the token endpoint */
export function createTokenRequest(
  settings: ProviderSettings,
  credentials: ProviderCredentials,
  key: string,
  discovery: Discovery | undefined,
  deps: JwtDeps & { log: Log },
) {
  const { clock, ids } = deps;
  const parameters = compileParts(allParams(settings), "params", credentials, key);
  const headerParts = compileParts(settings.headers, "headers", credentials, key);
  const jwts = compileJwts(settings, credentials, deps, key);
  const { secrets, clientKeys: keys, signingKeys, assertionFile } = credentials;
  const authentications = createClientAuthentications(settings, { secrets, keys, assertionFile }, deps, key);
  const signs = jwts.length > 0 || isSigned(settings.token_endpoint_auth_method);
  const mayHang = assertionFile !== undefined || [...keys, ...signingKeys].some(({ isRemote }) => isRemote);
  const expectations = compileExpectations(settings, key.slice("providers.".length), deps);
  const { answer } = settings;
  const judging = { key, answer, findRule: compileErrorRules(settings), hasTokenOfCall: hasTokenOfCall(settings) };
  const fromFile = { issuer: settings.issuer ?? "", token_endpoint: settings.token_endpoint ?? "" };

  /** @throws {TokenProxyError | TransportError} */
  async function requestToken(callValues: Values, attempt: Attempt): Promise<Answer> {
    const { deadline, send, time, trace, announce } = attempt;
    const metadata = await findMetadata(attempt);
    const values = withOwnValues(callValues, metadata);
    const expectGrant = expectations(values); // before anything is sent
    const build = () => buildRequest(values, attempt.credential);
    time.begin("signing");
    const inTime = mayHang ? () => time.within("signing", build) : build;
    const { headers, form } = await (signs ? trace.step("signing", inTime) : build());
    time.begin("writing the audit line");
    const scope = () => form.get("scope") ?? "";
    await announce?.(scope() || undefined);
    time.begin("the token request");
    // Discovery or a first attempt may have used up the time: then no token may be requested.
    const timeout = deadline - clock.elapsed();
    if (timeout <= 0) throw new TransportError(timeout < -PAUSE_MS ? "late" : "timeout");
    const response = await trace.step("provider", (traceHeaders) =>
      time.send("the token request", send, {
        method: "POST",
        url: metadata.token_endpoint,
        headers: { ...traceHeaders, ...headers },
        body: form.toString(),
        timeout,
        maxResponseBytes: settings.max_response_bytes,
      }),
    );
    const sent = () => sentCredentials(values, headers, form, callValues);
    const redact = (text: string) => redacted(text, sent(), [...callValues.values()].map(String));
    try {
      const answer = judgeAnswer(response, {
        ...judging,
        url: metadata.token_endpoint,
        now: clock.now(),
        redact,
        check: (members, isToken) => expectGrant(members, response.body, isToken, scope),
      });
      const { refusal, body, providerStatus: provider_status } = answer;
      if (refusal === undefined) return answer;
      if (body.length <= MAX_REFUSAL_BYTES && !repeatsCredential(relayedText(answer), sent())) return answer;
      const message = `the provider "${key}" refused the user, but its answer repeats a credential of this proxy or is longer than 64 KiB, so it is not relayed`;
      throw new TokenProxyError("provider_error", message, {
        detail: { provider_status, provider_error: refusal.error },
      });
    } catch (error) {
      if (isOutOfPlace(error)) response.connection?.close();
      throw error;
    }
  }

  /** A token or code that came with the call is the caller's, and may be relayed to it. */
  function sentCredentials(values: Values, headers: Record<string, string>, form: Form, callValues: Values): string[] {
    const isOurs = (name: string) => name.startsWith(JWT_PREFIX) || name.startsWith(TOKEN_PREFIX);
    const ofCall = [...callValues].filter(([name]) => !isOurs(name)).map(([, value]) => String(value));
    return [
      ...[...secrets, ...credentials.placed.values()].map((secret) => secret.reveal()),
      headers.authorization?.split(" ")[1] ?? "",
      ...[...values].filter(([name]) => isOurs(name)).map(([, value]) => String(value)),
      ...TOKEN_PARAMS.flatMap((name) => form.getAll(name)).filter((token) => !ofCall.includes(token)),
    ];
  }

  function findMetadata({ deadline, send, time, trace }: Attempt): Metadata | Promise<Metadata> {
    if (discovery === undefined) return fromFile;
    const sendInTime: Transport = (request) => time.send("discovery", send, request);
    const lookUp = () => discovery.metadata(deadline - clock.elapsed(), sendInTime);
    return discovery.fresh() ?? trace.step("discovery", lookUp);
  }

  function withOwnValues(callValues: Values, { issuer, token_endpoint }: Metadata): Map<string, Value> {
    return new Map(callValues)
      .set("client_id", settings.client_id ?? "")
      .set("issuer", issuer)
      .set("token_endpoint", token_endpoint)
      .set("signing_issuer", credentials.signingIssuer ?? "")
      .set("signing.kid", credentials.signingKeys[0]?.kid ?? "")
      .set("now", Math.floor(clock.now() / 1000))
      .set("uuid", ids.uuid());
  }

  /** Signs the JWTs again for each attempt, and adds them to `values`. */
  async function buildRequest(values: Map<string, Value>, credential: number) {
    for (const { name, sign } of jwts) values.set(name, await sign(values));

    const headers: Record<string, string> = { ...REQUEST_HEADERS, "content-type": FORM_CONTENT_TYPE };
    // Strict servers answer 406 if they cannot send what we accept.
    if (settings.answer.format === "any") headers.accept += ", */*;q=0.5";
    for (const { name, render } of headerParts) headers[name.toLowerCase()] = render(values);
    const form = new Form();
    form.append("grant_type", settings.grant_type);
    for (const { name, render } of parameters) form.append(name, render(values));

    const authenticate = authentications[credential] as ClientAuthentication;
    await authenticate(form, headers, values);
    return { headers, form };
  }

  return { requestToken, credentialCount: authentications.length };
}

/** Parameters that prove who somebody is (RFC 7521, RFC 8693). */
export const TOKEN_PARAMS = ["client_assertion", "assertion", "subject_token", "actor_token"];

/** The search of 4 MiB for our credentials can take 9 s; of 64 KiB, 0.1 s. */
const MAX_REFUSAL_BYTES = 65_536;

const CLOSING = /^provider_(?:not_json|no_token|wrong_subject|wrong_endpoint|rejected_proxy|error)$/;

/** Whether an answer may belong to another request: then all later ones on its connection may. */
function isOutOfPlace(error: unknown): boolean {
  if (!(error instanceof TokenProxyError) || !CLOSING.test(error.code)) return false;
  const { provider_status: status = 200, provider_error } = error.detail ?? {};
  return provider_error === undefined && Number(status) < 500 && status !== 401;
}

/** A secret is sent as it is, even if it looks like a template. */
function compileParts(
  parts: Readonly<Record<string, Param>>,
  place: "params" | "headers",
  { placed }: ProviderCredentials,
  key: string,
): { name: string; render(values: Values): string }[] {
  return Object.entries(parts).flatMap(([name, part]) => {
    const secret = placed.get(`${place}.${name}`);
    if (secret !== undefined) return [{ name, render: () => secret.reveal() }];
    const at: Place =
      place === "headers"
        ? { key: `${key}.headers.${name}`, kind: "header" }
        : memberPlace({ key: name === "scope" ? key : `${key}.params` }, name);
    return templatesOf(part).map((value) => {
      const fill = compileJson(value, at);
      const toText = isJsonParam(part) ? JSON.stringify : String;
      return { name, render: (values: Values) => toText(fill(values)) };
    });
  });
}

function compileJwts(settings: ProviderSettings, { signingKeys }: ProviderCredentials, deps: JwtDeps, key: string) {
  return jwtsNeeded(settings).map((name) => {
    const jwt = settings.jwt[name] as JwtSettings;
    const signer = jwt.kid === undefined ? signingKeys[0] : signingKeys.find(({ kid }) => kid === jwt.kid);
    return { name: JWT_PREFIX + name, sign: compileJwt(jwt, signer as SigningKey, deps, `${key}.jwt.${name}`) };
  });
}
