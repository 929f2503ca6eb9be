// The schema of server and callers.

import * as z from "zod";
import * as t from "../core/schema.ts";
import { serverids } from "../nextauth/settings.ts";

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
    serverids: serverids.describe("The virtual servers it may get tokens for; all by default."),
  })
  .refine(
    ({ apikeys, client_certificates }) => apikeys.length + client_certificates.length > 0,
    "needs apikeys, client_certificates or both; otherwise anyone could call",
  )
  .meta({ anyOf: [{ required: ["apikeys"] }, { required: ["client_certificates"] }] });

export type ClientCertificatePin = z.output<typeof clientCertificate>;
