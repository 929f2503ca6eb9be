// The shape of the configuration file. What goes beyond shape (names that must exist, keys that exclude each other) is in check.ts.

import * as z from "zod";
import { type Binding, parseSource } from "../nextauth/binding.ts";
import { TOKEN_ENDPOINT_AUTH_METHODS } from "../oauth/client-authentication.ts";
import { parseTemplate, TemplateSyntaxError } from "../oauth/template.ts";
import { endpointUrlFault, issuerUrlFault } from "../oauth/url.ts";
import { ADDRESS_PATTERN, parseAddress } from "./address.ts";
import { DURATION_PATTERN, parseDuration } from "./duration.ts";

/** A day: no wait of this program is longer, and Node's timers take no more than 24.8 days. */
const MAX_DURATION_MS = 86_400_000;
/** Larger bodies than this are no token responses; every one is held in memory whole. */
const MAX_RESPONSE_BYTES_LIMIT = 4_194_304;

const duration = z
  .string()
  .regex(DURATION_PATTERN, "must be a duration with a unit, like 500ms, 5s or 10m")
  .transform((text, context) => {
    const ms = parseDuration(text) as number;
    if (ms < 1 || ms > MAX_DURATION_MS) {
      context.addIssue({ code: "custom", message: "must be between 1ms and 24h" });
      return z.NEVER;
    }
    return ms;
  });

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

const urlWith = (faultOf: (url: string) => string | undefined) =>
  z.string().superRefine((value, context) => {
    const fault = faultOf(value);
    if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
  });

const secretReference = z.union(
  [z.strictObject({ env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/) }), z.strictObject({ file: z.string().min(1) })],
  "must be { env: NAME } or { file: PATH }: a secret never stands in the file itself",
);

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

const provider = z.strictObject({
  issuer: urlWith(issuerUrlFault).optional(),
  discovery: z.enum(["oidc", "oauth", "none"]).optional(),
  token_endpoint: urlWith(endpointUrlFault).optional(),
  client_id: text.optional(),
  token_endpoint_auth_method: z.enum(TOKEN_ENDPOINT_AUTH_METHODS).optional(),
  client_secret: secretReference.optional(),
  grant_type: text,
  scope: templated.optional(),
  params: z.record(text, z.union([templated, z.array(templated)], "must be text or a list of texts")).default({}),
  headers: z
    .record(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "must be the name of a header"), templated)
    .default({}),
  timeout: duration.prefault("5s"),
  connect_timeout: duration.prefault("1s"),
  max_response_bytes: z.int().min(1).max(MAX_RESPONSE_BYTES_LIMIT).default(65_536),
  user_errors: z.array(text).default([]),
  proxy_errors: z.array(text).default([]),
});

const route = z.strictObject({ serverid: text.optional(), provider: text });

export const fileSchema = z.strictObject({
  version: z.literal(1),
  server: server.prefault({}),
  callers: z.record(name, caller).refine((callers) => Object.keys(callers).length > 0, "must name at least one caller"),
  get_token: getToken.prefault({}),
  providers: z
    .record(name, provider)
    .refine((providers) => Object.keys(providers).length > 0, "must name at least one provider"),
  routes: z.array(route).min(1, "must hold at least one route, or be left out").optional(),
  log: z.strictObject({ level: z.enum(["error", "warn", "info", "debug"]).default("info") }).prefault({}),
});

export const providerSchema = provider;
export const getTokenSchema = getToken;

/** The file with its defaults, before what check.ts derives. */
export type FileConfig = z.output<typeof fileSchema>;
export type FileProvider = z.output<typeof provider>;
