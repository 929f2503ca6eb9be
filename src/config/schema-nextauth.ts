// The schema of server, callers, get_token, nextauth and webnonce_exchange.

import * as z from "zod";
import { STATUS_NAMES } from "../core/errors.ts";
import { HEADER_VALUE } from "../core/headers.ts";
import { issuerUrlFault } from "../core/url.ts";
import { isRequired } from "../nextauth/binding.ts";
import { MAX_TEXT_LENGTH, ruleOf } from "../nextauth/values.ts";
import { suggestion } from "./faults.ts";
import { tls } from "./schema-provider.ts";
import * as t from "./schema-types.ts";

const serverTls = z.strictObject({
  certificate: t.secretReference.describe("PEM: the certificate, followed by its chain."),
  private_key: t.secretReference.describe("PEM: the certificate's private key."),
  client_ca: t.secretReference.optional().describe("PEM: the authorities that issue callers' certificates."),
  pins: z
    .array(
      z.string().regex(/^sha256\/[A-Za-z0-9+/]{43}=$/, "must be a pin as check prints it, sha256/ and 44 characters"),
    )
    .min(1)
    .optional()
    .describe("The pins that apps know, with a backup. A certificate whose key matches none is refused."),
});

const dnsName = z
  .string()
  .regex(/^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/, "must be a DNS name without wildcards")
  .transform((written) => written.toLowerCase());

export const server = z
  .strictObject({
    listen: t.address.prefault("127.0.0.1:8080").describe("Where callers connect."),
    admin: t.address
      .prefault("127.0.0.1:9613")
      .describe("For health, readiness, metrics and the status page. It has no authentication."),
    admin_hosts: z.array(dnsName).default([]).describe("Host names of admin, besides IP addresses and localhost."),
    tls: serverTls.optional().describe("TLS for callers; without it, put a TLS proxy in front."),
    trusted_proxies: z
      .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], "must be an IP address or a range, like 10.0.0.0/8"))
      .default([])
      .describe("Addresses and ranges of load balancers whose X-Forwarded-For is trusted."),
    env_proxy: z.boolean().default(true).describe("Whether to use https_proxy and no_proxy of the environment."),
    max_in_flight: t.count(100_000, 1_024).describe("Concurrent calls; more are refused (overloaded)."),
    shutdown_delay: t.durationOrZero
      .prefault("5s")
      .describe("After SIGTERM: how long calls are still accepted, while /readyz returns 503."),
    shutdown_grace: t.duration.prefault("10s").describe("How long a shutdown then waits for calls in flight."),
    watch: z
      .enum(["credentials", "all", "none"])
      .default("credentials")
      .describe("Which changed files cause a reload. credentials: secrets, keys, certificates; all: this file too."),
    readiness: z
      .enum(["started", "any", "all"])
      .default("started")
      .describe(
        "started: ready once every provider was reached, or after 30 s. any, all: while at least one is reached, or all are.",
      ),
  })
  .refine(({ listen, admin }) => listen.port === 0 || listen.port !== admin.port || listen.host !== admin.host, {
    path: ["admin"],
    message: "must differ from server.listen, because callers must not reach it",
  });

const fingerprint = z
  .string()
  .regex(/^[0-9A-Fa-f]{2}(?::?[0-9A-Fa-f]{2}){31}$/, "must be 64 hexadecimal digits, with or without colons")
  .transform((written) => written.replaceAll(":", "").toLowerCase())
  .describe("Its fingerprint, as openssl x509 -fingerprint -sha256 prints it.");

const sanDns = dnsName.describe("A DNS name in the certificate's subjectAltName. Node only.");

const clientCertificate = z.union(
  [z.strictObject({ sha256: fingerprint }), z.strictObject({ san_dns: sanDns })],
  "must be { sha256: FINGERPRINT } with 64 hexadecimal digits, or { san_dns: NAME } without wildcards",
);

export const caller = z
  .strictObject({
    apikeys: t.optionalList(t.secretReference).describe("Its API keys, of 16 characters or more; any one matches."),
    client_certificates: t
      .optionalList(clientCertificate)
      .describe("Its TLS certificates; any one matches. With apikeys, both are required."),
    serverids: t.serverids.describe("The virtual servers it may get tokens for; all by default."),
  })
  .refine(
    ({ apikeys, client_certificates }) => apikeys.length + client_certificates.length > 0,
    "needs apikeys, client_certificates or both; otherwise anyone could call",
  )
  .meta({ anyOf: [{ required: ["apikeys"] }, { required: ["client_certificates"] }] });

/** As in nextAuth's public REST API; the format of the vendor's getToken call is not public. */
const DEFAULT_VALUES = {
  serverid: ["body:/serverid"],
  userid: ["body:/userid"],
  accountid: ["body:/accountid"],
  nonce: ["header:X-nonce", "body:/nonce"],
};

/** A list of places is short for `{ from: LIST }`. */
const boundValue = z.preprocess(
  (written) => (Array.isArray(written) ? { from: written } : written),
  z.strictObject(
    {
      from: z.array(t.source).min(1).describe("Places to look; the first match wins."),
      type: z.enum(["text", "integer"]).optional().describe("text by default; nextAuth's accountid is an integer."),
      max_length: z.int().min(1).max(MAX_TEXT_LENGTH).optional().describe("Maximum number of characters of a text."),
      pattern: t.pattern
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
  serverid: t.serverid.optional().describe("The virtual server of calls that name none."),
  serverids: t.serverids.describe("Its virtual servers, if you list several servers; all by default."),
  timeout: t.duration.prefault("1500ms").describe("Limit for one request, including its response."),
  ...t.connectionSettings,
  session_cache: t.durationOrZero
    .refine((ms) => ms <= 60_000, "must be at most 60s")
    .prefault("0s")
    .describe("How long a confirmed session is remembered, and a logout unnoticed. At most 60s."),
  tls: tls.optional().describe("Client certificate and trusted authorities."),
});

export const nextauth = t.optionalListOrOne(nextauthServer);

const rateLimit = (limit: number, defaultBinding: string) =>
  z
    .strictObject({
      limit: t.count(1_000_000, limit).describe("Exchanges per window. Node only."),
      window: t.duration.prefault("1m").describe("The window; on Workers, only the Retry-After of a refusal."),
      binding: t.bindingName.default(defaultBinding).describe("Rate limiting binding in wrangler.toml; Workers only."),
    })
    .prefault({});

const exchange = z.strictObject({
  path: pathLike(EXCHANGE_PATH, "/token").default("/token").describe("Compared exactly."),
  provider: t.text.optional().describe("The provider to use; routes by default."),
  serverid: t.serverid.optional().describe("The virtual server of these webNonces; nextauth.serverid by default."),
  timeout: callTimeout,
  rate_limit: z
    .strictObject({
      // Generous, because a mobile network puts many users behind one address.
      per_address: rateLimit(300, "WEBNONCE_EXCHANGE_PER_ADDRESS").describe("Limit for one client address."),
      per_webnonce: rateLimit(10, "WEBNONCE_EXCHANGE_PER_WEBNONCE").describe("Limit for one webNonce."),
    })
    .prefault({})
    .describe("Rate limits; on Node, of each process."),
});

export const webnonceExchange = t.optionalListOrOne(exchange);

export type FileBinding = z.output<typeof binding>;
export type FileBoundValue = z.output<typeof boundValue>;
export type FileNextAuth = z.output<typeof nextauthServer>;
export type FileExchange = z.output<typeof exchange>;
export type ClientCertificatePin = z.output<typeof clientCertificate>;
