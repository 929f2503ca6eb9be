// The schema of get_token, nextauth and webnonce_exchange.

import * as z from "zod";
import { STATUS_NAMES } from "../core/errors.ts";
import { HEADER_VALUE } from "../core/headers.ts";
import * as t from "../core/schema.ts";
import { suggestion } from "../core/suggestion.ts";
import { issuerUrlFault } from "../core/url.ts";
import { parseSource } from "./binding.ts";
import { isFault, MAX_TEXT_LENGTH, patternFault, readValue, ruleOf } from "./values.ts";

/** A serverid that a call can have. */
export const serverid = t.text.superRefine((value, context) => {
  const read = readValue("serverid", value, false);
  if (value !== "" && isFault(read)) context.addIssue({ code: "custom", message: read.fault });
});

/** Undefined means all. */
export const serverids = z.array(serverid).min(1).optional();

/** Takes a value out of a text. */
const pattern = t.textWith(patternFault).transform((written) => new RegExp(written, "su"));

/** A place to look for a value, such as `body:/userid`. */
const source = z
  .string()
  .transform((value, context) => {
    const parsed = parseSource(value);
    if (typeof parsed !== "string") return parsed;
    context.addIssue({ code: "custom", message: parsed });
    return z.NEVER;
  })
  .meta({ title: "place", pattern: "^(?:body:/|(?:form|header|query|path):.)" });

/** As in nextAuth's public REST API; the format of the vendor's getToken call is not public. */
const DEFAULT_VALUES = {
  serverid: ["body:/serverid"],
  userid: ["body:/userid"],
  accountid: ["body:/accountid"],
  nonce: ["header:X-nonce", "body:/nonce"],
};

/** A call always needs the nonce for the session check or, without one, the userid. */
export function isRequired(name: string, session: "verify" | "trust"): boolean {
  return name === (session === "verify" ? "nonce" : "userid");
}

/** A list of places is short for `{ from: LIST }`. */
const boundValue = z.preprocess(
  (written) => (Array.isArray(written) ? { from: written } : written),
  z.strictObject(
    {
      from: z.array(source).min(1).describe("Places to look; the first match wins."),
      type: z.enum(["text", "integer"]).optional().describe("text by default; nextAuth's accountid is an integer."),
      max_length: z.int().min(1).max(MAX_TEXT_LENGTH).optional().describe("Maximum number of characters of a text."),
      pattern: pattern
        .optional()
        .describe("Fixed text around one group, like ^urn:user:(.+)$; the group is the value."),
      required: z.boolean().optional().describe("true: a call without it is call_invalid."),
    },
    t.unlessMapping("must be a list of places to look, or { from, type, max_length, pattern, required }"),
  ),
);

const statusName = t
  .textWith((name) => {
    if (STATUS_NAMES.includes(name)) return undefined;
    return `is no error_code of getToken${suggestion(name, STATUS_NAMES) || "; docs/match-the-vendor.md lists them"}`;
  })
  .meta({ enum: [...STATUS_NAMES] });

const answer = z.strictObject({
  refusals: z.enum(["relay", "own"]).default("relay").describe("own: our error instead of the provider's refusal."),
  statuses: z
    .record(statusName, z.int().min(400).max(599)) // a 2xx would make an error look like a token
    .default({})
    .describe("Statuses by error_code, or by class: user_refusals, call_errors, our_errors. An error_code wins."),
});

/** Where a Worker answers health checks; on Node the admin listener does. */
export const HEALTH_PATH = "/healthz";

const BINDING_PATH = /^(?:\/(?:[A-Za-z0-9._~-]+|\{[A-Za-z_][A-Za-z0-9_-]*\}))+\/?$/;
const EXCHANGE_PATH = /^(?:\/[A-Za-z0-9._~-]+)+\/?$/;

/** Clients and proxies remove dot segments. */
function isFreePath(path: string): boolean {
  const segments = path.split("/");
  const names = segments.filter((segment) => segment.startsWith("{"));
  const isOther = path === HEALTH_PATH || segments.some((segment) => /^\.(?:\.?|well-known)$/.test(segment));
  return !isOther && new Set(names).size === names.length;
}

const OTHER_PATHS = "must not be /healthz, nor have /.well-known/, dot segments or a name twice";

const pathLike = (pattern: RegExp, example: string) =>
  z
    .string()
    .regex(pattern, { error: `must be a path like ${example}`, abort: true })
    .refine(isFreePath, OTHER_PATHS);

/** By default, enough for two requests to the nextAuth Server and a token. */
const callTimeout = t.duration.prefault("8s").describe("Limit for the whole call, once its body has arrived.");

const binding = z
  .strictObject({
    method: z.enum(["POST", "GET"]).default("POST").describe("The method of the call."),
    path: pathLike(BINDING_PATH, "/getToken or /servers/{serverid}/getToken")
      .default("/getToken")
      .describe("Compared exactly; {name} matches one segment."),
    values: t.named(boundValue).prefault(DEFAULT_VALUES).describe("Values of a call, by name; replaces all defaults."),
    session: z
      .enum(["verify", "trust"])
      .default("verify")
      .describe("verify: getSession of nextauth must confirm the call. trust: the userid is used as sent."),
    apikey_header: t.headerName
      .toLowerCase()
      .default("x-apikey")
      .describe("Header with the caller's API key. In Authorization, the key follows Bearer."),
    timeout: callTimeout,
    provider: t.text.optional().describe("The provider of these calls; routes by default."),
    answer: answer.prefault({}).describe("What the nextAuth Server gets instead of a token."),
  })
  .transform(({ values, ...rest }) => {
    const completed = Object.entries(values).map(([name, value]) => {
      const rule = ruleOf(name);
      const { type = rule.type, max_length = rule.max_length, required = false } = value;
      return [name, { ...value, type, max_length, required: required || isRequired(name, rest.session) }] as const;
    });
    return { ...rest, values: Object.fromEntries(completed) };
  });

export const getToken = t.listOrOne(binding).prefault({});

const nextauthServer = z.strictObject({
  url: t
    .url(issuerUrlFault)
    .transform((written) => written.replace(/\/+$/, ""))
    .describe("Base URL of the REST API."),
  apikey: t.secretReference.describe(
    "An API key with the permission sessions. With {{attributes.NAME}}, it must also be allowed to read users.",
  ),
  su: z.string().regex(HEADER_VALUE, "must be visible ASCII").optional().describe("The role to act as (X-su)."),
  serverid: serverid.optional().describe("The virtual server of calls that name none."),
  serverids: serverids.describe("Its virtual servers, if you list several servers; all by default."),
  timeout: t.duration.prefault("1500ms").describe("Limit for one request, including its response."),
  ...t.connectionSettings,
  session_cache: t.durationOrZero
    .refine((ms) => ms <= 60_000, "must be at most 60s")
    .prefault("0s")
    .describe("How long a confirmed session is remembered, and a logout unnoticed. At most 60s."),
  tls: t.tls.optional().describe("Client certificate and trusted authorities."),
});

export const nextauth = t.optionalListOrOne(nextauthServer);

const exchange = z.strictObject({
  path: pathLike(EXCHANGE_PATH, "/token").default("/token").describe("Compared exactly."),
  provider: t.text.optional().describe("The provider to use; routes by default."),
  serverid: serverid.optional().describe("The virtual server of these webNonces; nextauth.serverid by default."),
  timeout: callTimeout,
  rate_limit: z
    .strictObject({
      // Generous, because a mobile network puts many users behind one address.
      per_address: t.rateLimit(300, "WEBNONCE_EXCHANGE_PER_ADDRESS").describe("Limit for one client address."),
      per_webnonce: t.rateLimit(10, "WEBNONCE_EXCHANGE_PER_WEBNONCE").describe("Limit for one webNonce."),
    })
    .prefault({})
    .describe("Rate limits; on Node, of each process."),
});

export const webnonceExchange = t.optionalListOrOne(exchange);

export type Binding = z.output<typeof binding>;
export type BoundValue = Binding["values"][string];
export type NextAuthServerSettings = z.output<typeof nextauthServer>;
export type ExchangeSettings = z.output<typeof exchange>;
