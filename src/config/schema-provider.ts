// The shape of `signing` and of a provider in the configuration file.

import * as z from "zod";
import { endpointUrlFault, issuerUrlFault } from "../core/url.ts";
import { HMAC_ALGORITHMS, TOKEN_ENDPOINT_AUTH_METHODS } from "../oauth/client-authentication.ts";
import { SIGNING_ALGORITHMS } from "../oauth/signing-key.ts";
import {
  duration,
  durationOrNone,
  json,
  named,
  oneOrMore,
  secretReference,
  secretReferences,
  templated,
  text,
  urlWith,
} from "./schema-primitives.ts";

/** Larger bodies than this are no token responses; every one is held in memory whole. */
const MAX_RESPONSE_BYTES_LIMIT = 4_194_304;

/** A key that signs. PKCS#8 in PEM or a private JWK; of the certificate only its thumbprint is sent (x5t#S256). */
export const signingKey = z.strictObject({
  kid: text.max(256, "must have at most 256 characters"),
  alg: z.enum(SIGNING_ALGORITHMS),
  private_key: secretReference,
  certificate: secretReference.optional(),
});

export const signing = z.strictObject({
  issuer: urlWith(issuerUrlFault).optional(),
  keys: z
    .array(
      signingKey.extend({
        use: z.enum(["sign", "verify"]).default("sign"),
        created: z.iso.date("must be a date, like 2026-11-24").optional(),
      }),
    )
    .min(1, "must hold at least one key"),
});

/** Without defaults: what is implied depends on the rest of the provider, and stands in oauth/grants.ts. */
const jwt = z.strictObject({
  kid: text.optional(),
  header: z.record(text, json).optional(),
  ttl: duration.optional(),
  backdate: durationOrNone.optional(),
  claims: z.record(text, json).optional(),
});

/** Without defaults, as above; complete.ts has them. */
const clientAssertion = z.strictObject({
  aud: templated.optional(),
  typ: text.nullable().optional(),
  ttl: duration.optional(),
  backdate: durationOrNone.optional(),
  alg: z.enum([...SIGNING_ALGORITHMS, ...HMAC_ALGORITHMS]).optional(),
  header: z.record(text, json).optional(),
  claims: z.record(text, json).optional(),
});

/** `access_token.sub` in short, or the parts by themselves. */
const expectSubject = z.union(
  [
    z
      .string()
      .regex(/^[^.]+(?:\.[^.]+)?$/)
      .transform((short) => {
        const [member, claim] = short.split(".") as [string, string | undefined];
        return { member, claim, equals: "{{userid}}" };
      }),
    z.strictObject({ member: text, claim: text.optional(), equals: templated.default("{{userid}}") }),
  ],
  "must be MEMBER or MEMBER.CLAIM, like access_token.sub, or { member, claim, equals }",
);

export const tls = z.strictObject({
  certificate: secretReference.optional(),
  private_key: secretReference.optional(),
  ca: secretReference.optional(),
  binding: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of a binding")
    .optional(),
});

export const provider = z.strictObject({
  issuer: urlWith(issuerUrlFault).optional(),
  discovery: z.enum(["oidc", "oauth", "none"]).optional(),
  token_endpoint: urlWith(endpointUrlFault).optional(),
  client_id: text.optional(),
  token_endpoint_auth_method: z.enum(TOKEN_ENDPOINT_AUTH_METHODS).optional(),
  client_secret: secretReferences.optional(),
  client_key: oneOrMore(
    signingKey,
    `must be { kid, alg, private_key, certificate }, or a list of them; alg is one of ${SIGNING_ALGORITHMS.join(", ")}`,
  ).optional(),
  client_assertion: clientAssertion.optional(),
  grant_type: text,
  scope: templated.optional(),
  params: z
    .record(
      text,
      z.union(
        [templated, z.array(templated), secretReference],
        "must be text, a list of texts, { env: NAME } or { file: PATH }",
      ),
    )
    .default({}),
  headers: z
    .record(
      z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "must be the name of a header"),
      z.union([templated, secretReference], "must be text, { env: NAME } or { file: PATH }"),
    )
    .default({}),
  jwt: named(jwt).default({}),
  tls: tls.optional(),
  expect_subject: expectSubject.optional(),
  timeout: duration.prefault("5s"),
  connect_timeout: duration.optional(),
  max_response_bytes: z.int().min(1).max(MAX_RESPONSE_BYTES_LIMIT).default(65_536),
  max_in_flight: z.int().min(1).max(10_000).default(256),
  user_errors: z.array(text).default([]),
  proxy_errors: z.array(text).default([]),
});

export type FileProvider = z.output<typeof provider>;
export type FileSigning = z.output<typeof signing>;
export type KeySettings = z.output<typeof signingKey>;
export type TlsSettings = z.output<typeof tls>;
