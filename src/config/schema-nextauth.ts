// The shape of what faces the nextAuth Server and the apps: listeners, callers, getToken's bindings, getSession, the exchange.

import * as z from "zod";
import { HEADER_VALUE } from "../core/headers.ts";
import { issuerUrlFault } from "../core/url.ts";
import { TOKEN } from "../nextauth/binding.ts";
import { MAX_TEXT_LENGTH } from "../nextauth/values.ts";
import {
  address,
  duration,
  durationOrNone,
  durationUpTo,
  listOrOne,
  named,
  secretReference,
  serverid,
  source,
  text,
  urlWith,
} from "./schema-primitives.ts";
import { tls } from "./schema-provider.ts";

export const server = z.strictObject({
  listen: address.prefault("127.0.0.1:8080"),
  admin: address.prefault("127.0.0.1:9613"),
  tls: z
    .strictObject({ certificate: secretReference, private_key: secretReference, client_ca: secretReference.optional() })
    .optional(),
  trusted_proxies: z
    .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], "must be an address or a range, like 10.0.0.0/8"))
    .default([]),
  max_in_flight: z.int().min(1).max(100_000).default(1_024),
  shutdown_delay: durationOrNone.prefault("5s"),
  shutdown_grace: duration.prefault("10s"),
});

const clientCertificate = z.union(
  [
    z.strictObject({
      // As openssl writes it, with colons, or as Cloudflare does, without.
      sha256: z
        .string()
        .regex(/^[0-9A-Fa-f]{2}(?::?[0-9A-Fa-f]{2}){31}$/, "must be 64 hexadecimal digits, with colons or without")
        .transform((written) => written.replaceAll(":", "").toLowerCase()),
    }),
    z.strictObject({
      san_dns: z
        .string()
        .regex(/^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/, "must be a DNS name without wildcards")
        .transform((written) => written.toLowerCase()),
    }),
  ],
  "must be { sha256: FINGERPRINT } of 64 hexadecimal digits, or { san_dns: NAME } without wildcards",
);

export const caller = z
  .strictObject({
    apikeys: z.array(secretReference).min(1, "must name at least one key, or be left out").optional(),
    client_certificates: z
      .array(clientCertificate)
      .min(1, "must name at least one certificate, or be left out")
      .optional(),
    serverids: z.array(serverid).min(1, "must name at least one serverid, or be left out").optional(),
  })
  .refine(({ apikeys, client_certificates }) => (apikeys ?? client_certificates) !== undefined, {
    message: "needs apikeys, client_certificates, or both: else anybody could call",
  });

/** Where the binding's values stand by default: the conventions of nextAuth's public REST API. The vendor's own may differ. */
const DEFAULT_VALUES = {
  serverid: ["body:/serverid"],
  userid: ["body:/userid"],
  accountid: ["body:/accountid"],
  nonce: ["header:X-nonce", "body:/nonce"],
};

/** A list of places in short, or the parts by themselves. */
const boundValue = z.preprocess(
  (written) => (Array.isArray(written) ? { from: written } : written),
  z.strictObject(
    {
      from: z.array(source).min(1, "must name at least one place to look"),
      type: z.enum(["text", "integer"]).optional(),
      max_length: z.int().min(1).max(MAX_TEXT_LENGTH).optional(),
      required: z.boolean().optional(),
    },
    {
      error: (issue) =>
        issue.code === "invalid_type"
          ? "must be a list of places to look, or { from, type, max_length, required }"
          : undefined,
    },
  ),
);

const SEGMENT = "[A-Za-z0-9._~-]+";

const binding = z.strictObject({
  method: z.enum(["POST", "GET"]).default("POST"),
  path: z
    .string()
    .regex(
      new RegExp(`^(?:/(?:${SEGMENT}|\\{[A-Za-z_][A-Za-z0-9_-]*\\}))+/?$`),
      "must be a path like /getToken or /servers/{serverid}/getToken",
    )
    .default("/getToken"),
  values: named(boundValue).prefault(DEFAULT_VALUES),
  session: z.enum(["verify", "trust"]).optional(),
  apikey_header: z
    .string()
    .regex(TOKEN, "must be the name of a header, like X-apikey")
    .transform((written) => written.toLowerCase())
    .default("x-apikey"),
});

export const bindingValues = binding.shape.values;

export const getToken = listOrOne(binding, "must hold at least one binding").prefault({});

/** How long a session may be taken to be logged in after it was: so long may a logout go unnoticed. */
const MAX_SESSION_CACHE_MS = 60_000;

const nextauthServer = z.strictObject({
  url: urlWith(issuerUrlFault),
  apikey: secretReference,
  su: z.string().regex(HEADER_VALUE, "must be visible ASCII").optional(),
  serverid: serverid.optional(),
  serverids: z.array(serverid).min(1, "must name at least one serverid, or be left out").optional(),
  timeout: duration.prefault("2s"),
  connect_timeout: duration.optional(),
  session_cache: durationUpTo(MAX_SESSION_CACHE_MS, "60s").optional(),
  tls: tls.optional(),
});

export const nextauth = listOrOne(nextauthServer, "must hold at least one nextAuth Server").optional();

/** On Node `limit` calls in each `window`; on Workers the binding has its own limit, and `window` is what Retry-After says. */
const rateLimit = (limit: number, defaultBinding: string) =>
  z
    .strictObject({
      limit: z.int().min(1).max(1_000_000).default(limit),
      window: duration.prefault("1m"),
      binding: z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of a binding")
        .default(defaultBinding),
    })
    .prefault({});

export const webnonceExchange = z
  .strictObject({
    path: z
      .string()
      .regex(new RegExp(`^(?:/${SEGMENT})+/?$`), "must be a path like /token")
      .default("/token"),
    provider: text.optional(),
    serverid: serverid.optional(),
    rate_limit: z
      .strictObject({
        // Generous, since a mobile network puts many users behind one address.
        per_address: rateLimit(300, "WEBNONCE_EXCHANGE_PER_ADDRESS"),
        per_webnonce: rateLimit(10, "WEBNONCE_EXCHANGE_PER_WEBNONCE"),
      })
      .prefault({}),
  })
  .optional();

export type FileBinding = z.output<typeof binding>;
export type FileBoundValue = z.output<typeof boundValue>;
export type FileNextAuth = z.output<typeof nextauthServer>;
export type FileExchange = NonNullable<z.output<typeof webnonceExchange>>;
export type ClientCertificatePin = z.output<typeof clientCertificate>;
