// The shape of the configuration file. What goes beyond shape (names that must exist, keys that exclude each other) is in check.ts.

import * as z from "zod";
import { type Binding, parseSource } from "../nextauth/binding.ts";
import { HMAC_ALGORITHMS, TOKEN_ENDPOINT_AUTH_METHODS } from "../oauth/client-authentication.ts";
import type { JsonValue } from "../oauth/json-template.ts";
import { SIGNING_ALGORITHMS } from "../oauth/signing-key.ts";
import { parseTemplate, TemplateSyntaxError } from "../oauth/template.ts";
import { endpointUrlFault, issuerUrlFault } from "../oauth/url.ts";
import { ADDRESS_PATTERN, parseAddress } from "./address.ts";
import { DURATION_PATTERN, parseDuration } from "./duration.ts";

/** A day: no wait of this program is longer, and Node's timers take no more than 24.8 days. */
const MAX_DURATION_MS = 86_400_000;
/** Larger bodies than this are no token responses; every one is held in memory whole. */
const MAX_RESPONSE_BYTES_LIMIT = 4_194_304;

const durationFrom = (least: number, range: string) =>
  z
    .string()
    .regex(DURATION_PATTERN, "must be a duration with a unit, like 500ms, 5s or 10m")
    .transform((written, context) => {
      const ms = parseDuration(written) as number;
      if (ms < least || ms > MAX_DURATION_MS) {
        context.addIssue({ code: "custom", message: `must be ${range}` });
        return z.NEVER;
      }
      return ms;
    });

const duration = durationFrom(1, "between 1ms and 24h");
const durationOrNone = durationFrom(0, "at most 24h");

const address = z
  .string()
  .regex(ADDRESS_PATTERN, "must be host:port, like 127.0.0.1:8080 or [::1]:8080")
  .transform((text, context) => {
    const parsed = parseAddress(text);
    if (parsed === undefined) {
      context.addIssue({ code: "custom", message: "must have a port from 0 to 65535" });
      return z.NEVER;
    }
    return parsed;
  });

const text = z.string().min(1, "must not be empty");

/** Text in which a template may stand. */
const templated = z.string().superRefine((value, context) => {
  try {
    parseTemplate(value);
  } catch (error) {
    if (!(error instanceof TemplateSyntaxError)) throw error;
    context.addIssue({ code: "custom", message: error.message });
  }
});

/** A claim or a header member: any JSON, templates in its texts. */
const json: z.ZodType<JsonValue> = z.lazy(() =>
  z.union(
    [templated, z.number(), z.boolean(), z.null(), z.array(json), z.record(z.string(), json)],
    "must be JSON, with properly written templates in its texts",
  ),
);

const urlWith = (faultOf: (url: string) => string | undefined) =>
  z.string().superRefine((value, context) => {
    const fault = faultOf(value);
    if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
  });

const secretReference = z.union(
  [
    z.strictObject({
      env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of a variable: letters, digits and _"),
    }),
    z.strictObject({ file: z.string().min(1, "must be a path") }),
  ],
  "must be { env: NAME } or { file: PATH }: a secret never stands in the file itself",
);

/** One, or several: the first is used, and the next is tried where the provider refuses it. */
const oneOrMore = <Item extends z.ZodType>(item: Item, message: string) =>
  z.union([item.transform((one) => [one]), z.array(item).min(1, message)], message);

const SECRET_MESSAGE =
  "must be { env: NAME } or { file: PATH }, or a list of them: a secret never stands in the file itself";

/** Names that the file gives to callers, providers and values: they go into logs, metrics and templates. */
const name = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/, "must be a name of letters, digits, _ and -, starting with a letter or _");

const source = z.string().transform((value, context) => {
  const parsed = parseSource(value);
  if (typeof parsed === "string") {
    context.addIssue({ code: "custom", message: parsed });
    return z.NEVER;
  }
  return parsed;
});

const server = z.strictObject({
  listen: address.prefault("127.0.0.1:8080"),
  admin: address.prefault("127.0.0.1:9613"),
  shutdown_grace: duration.prefault("10s"),
});

const caller = z.strictObject({
  apikeys: z.array(secretReference).min(1, "must name at least one key"),
  serverids: z.array(text).min(1, "must name at least one serverid, or be left out").optional(),
});

/** Where the binding's values stand by default: the conventions of nextAuth's public REST API. The vendor's own may differ. */
const DEFAULT_VALUES = {
  serverid: ["body:/serverid"],
  userid: ["body:/userid"],
  accountid: ["body:/accountid"],
  nonce: ["header:X-nonce", "body:/nonce"],
};

const getToken = z.strictObject({
  method: z.enum(["POST", "GET"]).default("POST"),
  path: z
    .string()
    .regex(
      /^(?:\/(?:[A-Za-z0-9._~-]+|\{[A-Za-z_][A-Za-z0-9_-]*\}))+\/?$/,
      "must be a path like /getToken or /servers/{serverid}/getToken",
    )
    .default("/getToken"),
  values: z.record(name, z.array(source).min(1, "must name at least one place to look")).prefault(DEFAULT_VALUES),
}) satisfies z.ZodType<Binding>;

/** A key that signs. PKCS#8 in PEM or a private JWK; of the certificate only its thumbprint is sent (x5t#S256). */
const signingKey = z.strictObject({
  kid: text.max(256, "must have at most 256 characters"),
  alg: z.enum(SIGNING_ALGORITHMS),
  private_key: secretReference,
  certificate: secretReference.optional(),
});

const signing = z.strictObject({
  issuer: urlWith(issuerUrlFault).optional(),
  keys: z
    .array(signingKey.extend({ use: z.enum(["sign", "verify"]).default("sign") }))
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

const tls = z.strictObject({
  certificate: secretReference.optional(),
  private_key: secretReference.optional(),
  ca: secretReference.optional(),
  binding: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of a binding")
    .optional(),
});

const provider = z.strictObject({
  issuer: urlWith(issuerUrlFault).optional(),
  discovery: z.enum(["oidc", "oauth", "none"]).optional(),
  token_endpoint: urlWith(endpointUrlFault).optional(),
  client_id: text.optional(),
  token_endpoint_auth_method: z.enum(TOKEN_ENDPOINT_AUTH_METHODS).optional(),
  client_secret: oneOrMore(secretReference, SECRET_MESSAGE).optional(),
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
  jwt: z.record(name, jwt).default({}),
  tls: tls.optional(),
  expect_subject: expectSubject.optional(),
  timeout: duration.prefault("5s"),
  connect_timeout: duration.optional(),
  max_response_bytes: z.int().min(1).max(MAX_RESPONSE_BYTES_LIMIT).default(65_536),
  user_errors: z.array(text).default([]),
  proxy_errors: z.array(text).default([]),
});

const route = z.strictObject({ serverid: text.optional(), provider: text });

export const fileSchema = z.strictObject({
  version: z.literal(1, {
    error: ({ input }) => (input === undefined ? "is missing: write version: 1" : "must be the number 1"),
  }),
  server: server.prefault({}),
  callers: z.record(name, caller).refine((callers) => Object.keys(callers).length > 0, "must name at least one caller"),
  get_token: getToken.prefault({}),
  signing: signing.optional(),
  providers: z
    .record(name, provider)
    .refine((providers) => Object.keys(providers).length > 0, "must name at least one provider"),
  routes: z.array(route).min(1, "must hold at least one route, or be left out").optional(),
  log: z.strictObject({ level: z.enum(["error", "warn", "info", "debug"]).default("info") }).prefault({}),
});

export const providerSchema = provider;
export const getTokenSchema = getToken;
export const signingSchema = signing.optional();

/** The file with its defaults, before what complete.ts derives. */
export type FileConfig = z.output<typeof fileSchema>;
export type FileProvider = z.output<typeof provider>;
export type FileSigning = z.output<typeof signing>;
export type KeySettings = z.output<typeof signingKey>;
export type TlsSettings = z.output<typeof tls>;
