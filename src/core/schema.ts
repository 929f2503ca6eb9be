// Building blocks of the schema: durations, addresses, URLs, names, secrets, lists, connections.

import * as z from "zod";
import { TOKEN } from "./headers.ts";

/** @param faultOf returns what is wrong, as a phrase that follows the path */
export const textWith = (faultOf: (text: string) => string | undefined) =>
  z.string().refine((text) => faultOf(text) === undefined, { error: ({ input }) => faultOf(input as string) });

export const unlessMapping = (message: string) => ({
  error: ({ code }: { code: string }) => (code === "invalid_type" ? message : undefined),
});

export const missingOrWrong = (missing: string, wrong: string) => ({
  error: ({ input }: { input?: unknown }) => (input === undefined ? missing : wrong),
});

export const text = z.string().min(1, "must not be empty");

/** A whole number from 1. */
export const count = (most: number, initial: number) => z.int().min(1).max(most).default(initial);

export const headerName = z.string().regex(TOKEN, "must be the name of a header, like X-apikey");

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const DURATION = /^(\d{1,9})(ms|s|m|h)$/;
const DURATION_MESSAGE = "must be a duration with a unit, like 500ms, 5s or 10m";

const durationFrom = (least: number, written: string) =>
  z
    .string(DURATION_MESSAGE)
    .regex(DURATION, DURATION_MESSAGE)
    .transform((text) => {
      const [, count, unit] = DURATION.exec(text) as unknown as [string, string, keyof typeof UNIT_MS];
      return Number(count) * UNIT_MS[unit];
    })
    // Node's timers have a maximum of 24.8 days.
    .refine((ms) => ms >= least && ms <= 24 * UNIT_MS.h, `must be between ${written} and 24h`)
    .meta({ title: "duration" });

/** Milliseconds. */
export const duration = durationFrom(1, "1ms");
export const durationOrZero = durationFrom(0, "0s");

/** `host:port`, with brackets around an IPv6 host. */
const ADDRESS = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/;
const ADDRESS_MESSAGE = "must be host:port with a port up to 65535, like 127.0.0.1:8080 or [::1]:8080";

export const address = z
  .string(ADDRESS_MESSAGE)
  .regex(ADDRESS, ADDRESS_MESSAGE)
  .transform((written) => {
    const [, ipv6, host, port] = ADDRESS.exec(written) as unknown as string[];
    return { host: (ipv6 ?? host) as string, port: Number(port) };
  })
  .refine(({ port }) => port <= 65_535, ADDRESS_MESSAGE)
  .meta({ title: "address" });

/** Port 0 means any free port. */
export type Address = z.output<typeof address>;

/** @param faultOf see url.ts */
export const url = (faultOf: (url: string) => string | undefined) =>
  textWith((text) => (text.includes("{{") ? "takes no templates; write the complete URL" : faultOf(text))).meta({
    title: "URL",
    pattern: "^[Hh][Tt][Tt][Pp][Ss]?://[^#]+$",
  });

const nameOf = (what: string) =>
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, `must be the name of a ${what}: letters, digits and _`);

/** A binding in wrangler.toml. */
const bindingName = nameOf("binding");

export const missingSecretOrWrong = missingOrWrong(
  "is missing; write { env: NAME } or { file: PATH }",
  "must be { env: NAME } or { file: PATH }; secrets are never written in the file",
);

export const secretReference = z
  .union(
    [
      z.strictObject({
        env: nameOf("variable").describe("Name of an environment variable; on Workers, of a binding."),
      }),
      z.strictObject({
        file: z.string().min(1, "must be the path of a file").describe("Path, relative to this file. Node only."),
      }),
    ],
    missingSecretOrWrong,
  )
  .meta({ title: "secret" });

/** An environment variable (on Workers a binding) or a file (Node). */
export type SecretReference = z.output<typeof secretReference>;

/** One entry, or a list of them. A union would not report each fault of an entry at its place. */
export const listOrOne = <Item extends z.ZodType>(item: Item) =>
  z.preprocess((written) => (Array.isArray(written) ? written : [written]), z.array(item).min(1));

/** Without the key, the list is empty. An empty list in the file may be a mistake. */
const optional = <List extends z.ZodType<unknown[]>>(list: List) =>
  list.optional().transform((written): z.output<List> | [] => written ?? []);

// `abort` reports an empty list once, without the rule that a caller needs a list.
export const optionalList = <Item extends z.ZodType>(item: Item) => optional(z.array(item).min(1, { abort: true }));
export const optionalListOrOne = <Item extends z.ZodType>(item: Item) => optional(listOrOne(item));

const PROXY_URL = /^https?:\/\/(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?\/?$/;
const PROXY_URL_MESSAGE = "must be a URL like http://egress.bank.example:3128; a password goes into authorization";

const egressProxy = z.strictObject({
  url: z
    .string()
    .regex(PROXY_URL, PROXY_URL_MESSAGE)
    .refine(URL.canParse, PROXY_URL_MESSAGE)
    .describe("http or https."),
  authorization: secretReference.optional().describe("user:password, sent as Basic authorization."),
});

/** Without defaults, where a key must not be written on Workers. */
export const connectionSettings = {
  connect_timeout: duration.prefault("1s").describe("Limit for the connection, within timeout. Node only."),
  http2: z
    .enum(["auto", "never"])
    .optional()
    .describe(
      "auto, the default: HTTP/2 over TLS where the server offers it, so that answers cannot be swapped. Node only.",
    ),
  reuse_connections: z
    .boolean()
    .optional()
    .describe("true, the default; false: each request on a new connection, by HTTP/1.1. Node only."),
  proxy: z
    .union([z.literal("none"), egressProxy], "must be none, or { url, authorization }, with authorization as a secret")
    .optional()
    .describe("Egress proxy, by CONNECT, or none; that of the environment by default. Node only."),
};

export type ConnectionSettings = z.output<z.ZodObject<typeof connectionSettings>>;

export const tls = z
  .strictObject({
    certificate: secretReference.optional().describe("PEM: client certificate, followed by its chain. Node only."),
    private_key: secretReference.optional().describe("PEM: the certificate's private key. Node only."),
    ca: secretReference.optional().describe("PEM: authorities to trust instead of the public ones. Node only."),
    binding: bindingName.optional().describe("mTLS binding in wrangler.toml; Workers only."),
  })
  .refine(
    ({ certificate, private_key, binding }) => binding || (certificate === undefined) === (private_key === undefined),
    "needs both certificate and private_key, or neither",
  );

export const rateLimit = (limit: number, defaultBinding: string) =>
  z
    .strictObject({
      limit: count(1_000_000, limit).describe("Exchanges per window. Node only."),
      window: duration.prefault("1m").describe("The window; on Workers, only the Retry-After of a refusal."),
      binding: bindingName.default(defaultBinding).describe("Rate limiting binding in wrangler.toml; Workers only."),
    })
    .prefault({});

export type RateLimit = z.output<ReturnType<typeof rateLimit>>;

/** A name for a caller, a provider or a value; names appear in logs, metrics and templates. */
const NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;
const NAME_MESSAGE = "must be a name of up to 64 letters, digits, _ and -, starting with a letter or _";

/** A mapping with such names. */
export const named = <Value extends z.ZodType>(value: Value) => z.record(z.string().regex(NAME, NAME_MESSAGE), value);

export const namedNotEmpty = <Value extends z.ZodType>(value: Value) =>
  named(value)
    .refine((written) => Object.keys(written).length > 0, "must have at least one entry")
    .meta({ minProperties: 1 });
