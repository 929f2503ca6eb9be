// The schema of signing and providers.

import * as z from "zod";
import { endpointUrlFault, issuerUrlFault } from "../core/url.ts";
import { HMAC_ALGORITHMS, TOKEN_ENDPOINT_AUTH_METHODS } from "../oauth/client-authentication.ts";
import { SIGNING_ALGORITHMS } from "../oauth/signing-key.ts";
import {
  bindingName,
  duration,
  durationOrZero,
  json,
  named,
  oneOrMore,
  secretReference,
  secretReferences,
  templated,
  text,
  url,
} from "./schema-types.ts";

/** Each response is held in memory. Token responses are far smaller. */
const MAX_RESPONSE_BYTES_LIMIT = 4_194_304;

export const signingKey = z.strictObject({
  kid: text.max(256, "must have at most 256 characters").describe("Name of the key, at most 256 characters."),
  alg: z.enum(SIGNING_ALGORITHMS).describe("Signature algorithm."),
  private_key: secretReference.describe("PKCS#8 in PEM, or a private JWK. keygen creates one."),
  certificate: secretReference.optional().describe("PEM. Its thumbprint is sent in the JWT's header (x5t#S256)."),
});

export const signing = z.strictObject({
  issuer: url(issuerUrlFault)
    .optional()
    .describe("URL of this proxy. Its metadata and public keys are published there; without it, nowhere."),
  keys: z
    .array(
      signingKey.extend({
        use: z
          .enum(["sign", "verify"])
          .default("sign")
          .describe("verify: only published, before a new key is used and while an old one ages out."),
        created: z.iso
          .date("must be a date, like 2026-11-24")
          .optional()
          .describe("Day of creation, like 2026-11-24; the metrics and the status page show the key's age."),
      }),
    )
    .min(1)
    .describe("The first key that signs is used, unless a jwt names another by its kid."),
});

const ttl = duration.optional().describe("Validity, from now to exp; 60s by default.");
const backdate = durationOrZero.optional().describe("How far iat is in the past; 0s by default.");
const jwtHeader = z.record(text, json).optional().describe("Header members to add; null removes one.");
const jwtClaims = z.record(text, json).optional().describe("Claims to add; null removes one.");

const jwt = z.strictObject({
  kid: text.optional().describe("The key under signing.keys to sign with."),
  header: jwtHeader,
  ttl,
  backdate,
  claims: jwtClaims,
});

const clientAssertion = z.strictObject({
  aud: templated.optional().describe("The audience; {{issuer}} by default, else {{token_endpoint}}."),
  typ: text.nullable().optional().describe("The header's typ; client-authentication+jwt by default, null for none."),
  ttl,
  backdate,
  alg: z
    .enum([...SIGNING_ALGORITHMS, ...HMAC_ALGORITHMS])
    .optional()
    .describe("Selects the keys with this algorithm; for client_secret_jwt HS256 by default."),
  header: jwtHeader,
  claims: jwtClaims,
});

const expectSubject = z.union(
  [
    z
      .string()
      .regex(/^[^.]+(?:\.[^.]+)?$/)
      .transform((short) => {
        const [member, claim] = short.split(".") as [string, string | undefined];
        return { member, claim, equals: "{{userid}}" };
      }),
    z.strictObject({
      member: text.describe("Member of the token response."),
      claim: text.optional().describe("Claim of the JWT in that member."),
      equals: templated.default("{{userid}}").describe("The expected text."),
    }),
  ],
  "must be MEMBER or MEMBER.CLAIM, like access_token.sub, or { member, claim, equals }",
);

export const tls = z.strictObject({
  certificate: secretReference.optional().describe("PEM: client certificate, followed by its chain. Node only."),
  private_key: secretReference.optional().describe("PEM: the certificate's private key. Node only."),
  ca: secretReference.optional().describe("PEM: authorities to trust instead of the public ones. Node only."),
  binding: bindingName.optional().describe("mTLS binding in wrangler.toml; Workers only."),
});

const PARAM_MESSAGE = "must be text, a list of texts, { env: NAME } or { file: PATH }";
const HEADER_MESSAGE = "must be text, { env: NAME } or { file: PATH }";

export const provider = z
  .strictObject({
    issuer: url(issuerUrlFault).optional().describe("The provider's issuer, exactly as in its metadata."),
    discovery: z
      .enum(["oidc", "oauth", "none"])
      .optional()
      .describe("How the token endpoint is found: OpenID Connect Discovery (the default), or RFC 8414 (oauth)."),
    token_endpoint: url(endpointUrlFault).optional().describe("URL of the token endpoint, instead of discovery."),
    client_id: text.optional().describe("This proxy's client_id at the provider."),
    token_endpoint_auth_method: z
      .enum(TOKEN_ENDPOINT_AUTH_METHODS)
      .default("client_secret_basic")
      .describe(
        "How this proxy authenticates. client_secret_basic_raw omits the form encoding of client_secret_basic.",
      ),
    client_secret: secretReferences
      .optional()
      .describe("One, or a list: if the provider rejects the first, the next one is tried."),
    client_key: oneOrMore(
      signingKey,
      `must be { kid, alg, private_key, certificate }, or a list of them; alg is one of ${SIGNING_ALGORITHMS.join(", ")}`,
    )
      .optional()
      .describe("Keys for private_key_jwt, instead of signing.keys: one, or a list as for client_secret."),
    client_assertion: clientAssertion.optional().describe("The assertion of private_key_jwt and client_secret_jwt."),
    grant_type: text.describe(
      "Any grant type. authorization_code implies the parameter code, jwt-bearer assertion, token-exchange subject_token.",
    ),
    scope: templated.optional().describe("The scope to request; may contain templates."),
    params: z
      .record(text, z.union([templated, z.array(templated), secretReference], PARAM_MESSAGE))
      .default({})
      .describe("Parameters to add: text with templates, a list to repeat one, or a secret."),
    headers: z
      .record(
        z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "must be the name of a header"),
        z.union([templated, secretReference], HEADER_MESSAGE),
      )
      .default({})
      .describe("Headers to add: text with templates, or a secret."),
    jwt: named(jwt)
      .default({})
      .describe("JWTs that this proxy signs, by name. {{jwt.NAME}} in params or headers sends one."),
    tls: tls.optional().describe("Client certificate and trusted authorities."),
    expect_subject: expectSubject
      .optional()
      .describe("What must equal the userid, or the token is refused: MEMBER or MEMBER.CLAIM, like access_token.sub."),
    timeout: duration.prefault("5s").describe("Limit for one token: discovery, connection, request and answer."),
    connect_timeout: duration.optional().describe("Limit for the connection; 1s or timeout by default. Node only."),
    max_response_bytes: z
      .int()
      .min(1)
      .max(MAX_RESPONSE_BYTES_LIMIT)
      .default(65_536)
      .describe("A longer answer is refused."),
    max_in_flight: z.int().min(1).max(10_000).default(256).describe("Token requests at the same time. Node only."),
    user_errors: z.array(text).default([]).describe("OAuth error codes that refuse this user."),
    proxy_errors: z.array(text).default([]).describe("OAuth error codes that reject this proxy."),
  })
  .meta({ anyOf: [{ required: ["issuer"] }, { required: ["token_endpoint"] }] });

export type FileProvider = z.output<typeof provider>;
export type FileSigning = z.output<typeof signing>;
export type KeySettings = z.output<typeof signingKey>;
export type TlsSettings = z.output<typeof tls>;
