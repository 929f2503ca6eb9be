// Builds a token request (RFC 6749 section 3.2), sends it, and judges the provider's answer.

import { TokenProxyError } from "../core/errors.ts";
import { FORM_CONTENT_TYPE, Form } from "../core/form.ts";
import { HEADER_VALUE, REQUEST_HEADERS } from "../core/headers.ts";
import type { Ids } from "../core/ports.ts";
import type { Trace } from "../core/trace.ts";
import { type Transport, TransportError } from "../core/transport.ts";
import type { Value, Values } from "../core/values.ts";
import { type ClientAuthentication, createClientAuthentications, isSigned } from "./client-authentication.ts";
import type { Discovery, Metadata } from "./discovery.ts";
import { compileExpectSubject } from "./expect-subject.ts";
import { allParams, type Param, templatesOf } from "./grants.ts";
import { type Answer, judgeAnswer } from "./judge-answer.ts";
import { compileJwt, type JwtDeps, type JwtSettings } from "./jwt.ts";
import type { ProviderCredentials, ProviderSettings } from "./provider-settings.ts";
import type { SigningKey } from "./signing-key.ts";
import { parseTemplate, type Template } from "./template.ts";
import { JWT_PREFIX, jwtsNeeded } from "./template-names.ts";

/** What one attempt needs besides the values of its call. */
export interface Attempt {
  /** Index of the client's credential. */
  credential: number;
  /** By clock.elapsed(); after it the call has failed, so no token may be requested. */
  deadline: number;
  send: Transport;
  trace: Trace;
}

/**
 * @param key the provider's key in the file, for errors
 * @param discovery undefined if the file names the token endpoint
 */
export function createTokenRequest(
  settings: ProviderSettings,
  credentials: ProviderCredentials,
  key: string,
  discovery: Discovery | undefined,
  deps: JwtDeps,
) {
  const { clock, ids } = deps;
  const parameters = compileParts(allParams(settings), "params", credentials, ids);
  const headerParts = compileParts(settings.headers, "headers", credentials, ids);
  const jwts = compileJwts(settings, credentials, deps);
  const { secrets, clientKeys: keys } = credentials;
  const authentications = createClientAuthentications(settings, { secrets, keys }, deps);
  const signs = jwts.length > 0 || isSigned(settings.token_endpoint_auth_method);
  const expectSubject = settings.expect_subject && compileExpectSubject(settings.expect_subject, key);
  const fromFile = { issuer: settings.issuer ?? "", token_endpoint: settings.token_endpoint ?? "" };

  /** @throws {TokenProxyError | TransportError} */
  async function requestToken(callValues: Values, attempt: Attempt): Promise<Answer> {
    const { deadline, send, trace } = attempt;
    const metadata = await findMetadata(attempt);
    const values = withOwnValues(callValues, metadata);
    const { headers, form } = await (signs
      ? trace.step("signing", () => buildRequest(values, attempt.credential))
      : buildRequest(values, attempt.credential));
    // Discovery or a first attempt may have used up the time: then no token may be requested.
    const timeout = deadline - clock.elapsed();
    if (timeout <= 0) throw new TransportError("timeout");
    const response = await trace.step("provider", (traceHeaders) =>
      send({
        method: "POST",
        url: metadata.token_endpoint,
        headers: { ...traceHeaders, ...headers },
        body: form.toString(),
        timeout,
        maxResponseBytes: settings.max_response_bytes,
      }),
    );
    try {
      const answer = judgeAnswer(response, settings, key, clock.now());
      if (answer.outcome === "token") expectSubject?.(answer.body, values);
      return answer;
    } catch (error) {
      if (isOutOfPlace(error)) response.connection?.close();
      throw error;
    }
  }

  function findMetadata({ deadline, send, trace }: Attempt): Metadata | Promise<Metadata> {
    if (discovery === undefined) return fromFile;
    return discovery.fresh() ?? trace.step("discovery", () => discovery.metadata(deadline - clock.elapsed(), send));
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
    for (const { name, render } of headerParts) {
      const value = render(values);
      if (!HEADER_VALUE.test(value)) {
        const message = `a value of the call has characters that the header "${key}.headers.${name}" cannot carry`;
        throw new TokenProxyError("call_invalid", message);
      }
      headers[name.toLowerCase()] = value;
    }
    const form = new Form();
    form.append("grant_type", settings.grant_type);
    for (const { name, render } of parameters) form.append(name, render(values));

    const authenticate = authentications[credential] as ClientAuthentication;
    await authenticate(form, headers, values);
    return { headers, form };
  }

  return { requestToken, credentialCount: authentications.length };
}

/** Whether an answer may belong to another request: then all later ones on its connection may. */
function isOutOfPlace(error: unknown): boolean {
  if (!(error instanceof TokenProxyError)) return false;
  const { code, detail } = error;
  const isWrong = code === "provider_not_json" || code === "provider_no_token" || code === "provider_wrong_subject";
  return isWrong || (code === "provider_error" && Number(detail?.provider_status) < 500);
}

/** A secret is sent as it is, even if it looks like a template. Each part gets a new uuid. */
function compileParts(
  parts: Readonly<Record<string, Param>>,
  place: "params" | "headers",
  { placed }: ProviderCredentials,
  ids: Ids,
): { name: string; render: Template["render"] }[] {
  return Object.entries(parts).flatMap(([name, part]) => {
    const secret = placed.get(`${place}.${name}`);
    if (secret !== undefined) return [{ name, render: () => secret.reveal() }];
    return templatesOf(part).map((text) => {
      const { names, render } = parseTemplate(text);
      if (!names.includes("uuid")) return { name, render };
      return { name, render: (values: Values) => render(new Map(values).set("uuid", ids.uuid())) };
    });
  });
}

function compileJwts(settings: ProviderSettings, { signingKeys }: ProviderCredentials, deps: JwtDeps) {
  return jwtsNeeded(settings).map((name) => {
    const jwt = settings.jwt[name] as JwtSettings;
    const signer = jwt.kid === undefined ? signingKeys[0] : signingKeys.find(({ kid }) => kid === jwt.kid);
    return { name: JWT_PREFIX + name, sign: compileJwt(jwt, signer as SigningKey, deps) };
  });
}
