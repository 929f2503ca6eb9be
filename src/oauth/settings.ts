// The schema of signing and of a provider, key by key; provider-settings.ts completes a provider.

import * as z from "zod";
import * as t from "../core/schema.ts";
import { endpointUrlFault, issuerUrlFault } from "../core/url.ts";
import { KIND_NAMES } from "./kinds/index.ts";
import { SIGNING_ALGORITHMS } from "./signing-key.ts";
import { type JsonValue, parseTemplate, TemplateSyntaxError } from "./template.ts";

/** Registered names (RFC 7591 section 2, RFC 8705 section 2), and client_secret_basic_raw. */
export const TOKEN_ENDPOINT_AUTH_METHODS = [
  "client_secret_basic",
  "client_secret_basic_raw",
  "client_secret_post",
  "client_secret_jwt",
  "private_key_jwt",
  "tls_client_auth",
  "self_signed_tls_client_auth",
  "none",
] as const;
export type TokenEndpointAuthMethod = (typeof TOKEN_ENDPOINT_AUTH_METHODS)[number];

/** For client_secret_jwt (RFC 7518 section 3.2). */
export const HMAC_ALGORITHMS = ["HS256", "HS384", "HS512"] as const;

/** Text that may contain templates. */
const templated = t
  .textWith((written) => {
    try {
      parseTemplate(written);
      return undefined;
    } catch (error) {
      if (error instanceof TemplateSyntaxError) return error.message;
      throw error;
    }
  })
  .meta({ title: "template" });

/** A claim or a header member: any JSON, with templates in its texts. */
const json: z.ZodType<JsonValue> = z.lazy(() =>
  z.union(
    [templated, z.number(), z.boolean(), z.null(), z.array(json), z.record(z.string(), json)],
    "must be JSON: text, a number, true, false, null, a list or a mapping",
  ),
);

const signingKey = z.strictObject({
  kid: t.text.max(256, "must have at most 256 characters").describe("Name of the key, at most 256 characters."),
  alg: z.enum(SIGNING_ALGORITHMS).describe("Signature algorithm."),
  private_key: z
    .union([z.literal("signer"), t.secretReference], t.missingSecretOrWrong)
    .describe("PKCS#8 in PEM, or a private JWK. keygen creates one. signer: a program that embeds the proxy signs."),
  certificate: t.secretReference.optional().describe("PEM. Its thumbprint is sent in the JWT's header (x5t#S256)."),
});

export const signing = z.strictObject({
  issuer: t.url(issuerUrlFault).optional().describe("URL of this proxy, where its public keys are published."),
  keys: z
    .array(
      signingKey.extend({
        use: z.enum(["sign", "verify"]).default("sign").describe("verify: only published, not used to sign."),
        created: z.iso
          .date("must be a date, like 2026-11-24")
          .optional()
          .describe("Day of creation, like 2026-11-24; its age is a metric."),
      }),
    )
    .min(1, { abort: true })
    .refine(
      (keys) => new Set(keys.map(({ kid }) => kid)).size === keys.length,
      "has a kid twice; each key needs a different kid",
    )
    .refine(
      (keys) => keys.some(({ use }) => use === "sign"),
      'has no key that signs; remove "use: verify" from one of the keys',
    )
    .describe("The first key that signs is used, unless jwt.NAME.kid names another."),
});

/** What a client assertion and the JWTs of a provider have in common. */
const jwtSettings = {
  ttl: t.duration.prefault("60s").describe("Validity, from now to exp."),
  // Keycloak takes an iat of this very second to be in the future.
  backdate: t.durationOrZero.prefault("0s").describe("How far iat is in the past."),
  header: z.record(t.text, json).default({}).describe("Header members to add; null removes one."),
  claims: z.record(t.text, json).default({}).describe("Claims to add; null removes one."),
};

export const jwt = z.strictObject({
  kid: t.text.optional().describe("The key under signing.keys to sign with; the first one by default."),
  ...jwtSettings,
});

const clientAssertion = z.strictObject({
  file: t.text.optional().describe("A JWT that the platform writes and rotates, sent instead; needs aud. Node only."),
  // One audience: servers refuse several.
  aud: templated.optional().describe("The audience; {{issuer}} by default, else {{token_endpoint}}."),
  // The revision of RFC 7523 requires this type.
  typ: t.text.nullable().default("client-authentication+jwt").describe("The header's typ; null for none."),
  alg: z
    .enum([...SIGNING_ALGORITHMS, ...HMAC_ALGORITHMS])
    .optional()
    .describe("Algorithm: by default that of the key, or HS256 with a secret."),
  ...jwtSettings,
});

const subject = z.strictObject({
  member: t.text.describe("Member of the token response."),
  claim: t.text.optional().describe("Claim of the JWT in that member."),
  equals: templated.default("{{userid}}").describe("The expected text."),
  compare: z
    .enum(["exact", "ascii_case_insensitive"])
    .default("exact")
    .describe("ascii_case_insensitive: A to Z equal a to z, for providers that store user names in lower case."),
});

const expectSubject = z.union(
  [
    z
      .string()
      .regex(/^[^.]+(?:\.[^.]+)?$/)
      .transform((short) => {
        const [member, claim] = short.split(".");
        return subject.parse({ member, claim });
      }),
    subject,
  ],
  "must be MEMBER or MEMBER.CLAIM, like access_token.sub, or { member, claim, equals, compare }",
);

const withoutTemplates = t.text.regex(/^(?!.*\{\{)/, "takes no templates");

const jsonParam = z
  .strictObject({ json: json.describe("Sent as JSON, after its templates are filled in.") })
  .meta({ title: "{ json: JSON }" });

export const UNREADABLE =
  "cannot be checked with answer.format: any, because the body may not be JSON; remove one of the two";

const answer = z
  .strictObject({
    format: z
      .enum(["json", "any"])
      .default("json")
      .describe("any: a 2xx may have a body of any kind, like a bare JWT."),
    require: z
      .array(t.text)
      .min(1)
      .optional()
      .describe("Members that a token answer must have; [access_token] by default."),
  })
  .refine(({ format, require }) => format === "json" || require === undefined, {
    path: ["require"],
    message: UNREADABLE,
  })
  .transform(({ format, require = format === "any" ? [] : ["access_token"] }) => ({ format, require }));

const PARAM_MESSAGE = "must be text, a list of texts, { json: … }, { env: NAME } or { file: PATH }";
const HEADER_MESSAGE = "must be text, { env: NAME } or { file: PATH }";

const errorRules = z
  .array(
    z.union(
      [
        t.text,
        z.strictObject({
          error: t.text.describe("A code."),
          description: z.array(t.text).min(1).describe("One of these; * matches any text."),
        }),
      ],
      "must be a code, or { error: CODE, description: [TEXT, …] }",
    ),
  )
  .default([]);

export const writtenProvider = z
  .strictObject({
    kind: z.enum(KIND_NAMES).optional().describe("The product: brings what is known about its errors."),
    issuer: t.url(issuerUrlFault).optional().describe("The provider's issuer, exactly as in its metadata."),
    discovery: z
      .enum(["oidc", "oauth", "none"])
      .optional()
      .describe("How the token endpoint is found: oidc (the default), or oauth (RFC 8414)."),
    metadata_url: t
      .url(endpointUrlFault)
      .optional()
      .describe("Where the metadata document is, if not where the issuer says: an internal address, for example."),
    token_endpoint: t.url(endpointUrlFault).optional().describe("URL of the token endpoint, instead of discovery."),
    client_id: t.text.optional().describe("This proxy's client_id at the provider."),
    token_endpoint_auth_method: z
      .enum(TOKEN_ENDPOINT_AUTH_METHODS)
      .default("client_secret_basic")
      .describe("How this proxy authenticates. client_secret_basic_raw omits the form encoding of RFC 6749."),
    client_secret: t
      .optionalListOrOne(t.secretReference)
      .describe("One, or a list: if the provider rejects the first, the next is tried."),
    client_key: t.optionalListOrOne(signingKey).describe("For private_key_jwt, instead of signing.keys."),
    client_assertion: clientAssertion.prefault({}).describe("The assertion of private_key_jwt and client_secret_jwt."),
    grant_type: t.text.describe("Any; authorization_code, jwt-bearer and token-exchange have default params."),
    scope: templated.optional().describe("The scope to request; may contain templates."),
    params: z
      .record(t.text, z.union([templated, z.array(templated), jsonParam, t.secretReference], PARAM_MESSAGE))
      .default({})
      .describe("Parameters to add: text with templates, a list to repeat one, JSON, or a secret."),
    headers: z
      .record(t.headerName, z.union([templated, t.secretReference], HEADER_MESSAGE))
      .default({})
      .describe("Headers to add: text with templates, or a secret."),
    jwt: t.named(jwt).default({}).describe("JWTs to sign, by name. {{jwt.NAME}} in params or headers sends one."),
    tls: t.tls.optional().describe("Client certificate and trusted authorities."),
    answer: answer.prefault({}).describe("Which answer is a token; a JSON object by default."),
    expect_subject: expectSubject
      .optional()
      .describe("Must equal the userid, or the token is refused: MEMBER or MEMBER.CLAIM, like access_token.sub."),
    expect_audience: withoutTemplates.optional().describe("The token must be a JWT with this audience, or is refused."),
    expect_scope: withoutTemplates.optional().describe("Each word must be granted, or the token is refused."),
    expect_max_lifetime: t.duration
      .optional()
      .describe("Refuses a token whose expires_in or exp allows a longer life."),
    forbid_members: z
      .array(t.text)
      .min(1)
      .optional()
      .describe("An answer with one of these is never relayed: [refresh_token], for example."),
    cache: z
      .boolean()
      .default(false)
      .describe("true: keeps its token for the requests of other providers; the request may use no value of a call."),
    timeout: t.duration.prefault("5s").describe("Limit for one token: wait, discovery, connection, request, answer."),
    ...t.connectionSettings,
    // Each response is held in memory. Token responses are far smaller.
    max_response_bytes: t.count(4_194_304, 65_536).describe("Longer answers are refused."),
    max_in_flight: t.count(10_000, 256).describe("Token requests at the same time. Node only."),
    user_errors: errorRules.describe("Errors that refuse this user: codes, or codes with descriptions."),
    proxy_errors: errorRules.describe("Errors that reject this proxy."),
  })
  .meta({ anyOf: [{ required: ["issuer"] }, { required: ["token_endpoint"] }] });

/** As written, with the defaults of single keys. Durations are in milliseconds. */
export type WrittenProvider = z.output<typeof writtenProvider>;
export type JwtSettings = z.output<typeof jwt>;
export type KeySettings = z.output<typeof signingKey>;
