// What `check` prints about certificates and published keys: ends, pins, faults of TLS.

import { createPublicKey } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { connect } from "node:tls";
import { calculateJwkThumbprint, type JWK } from "jose";
import type { Credentials } from "../config/credentials.ts";
import { UsageError } from "../core/errors.ts";
import { REQUEST_HEADERS } from "../core/headers.ts";
import { escapeInvisible } from "../core/invisible.ts";
import { readJsonObject } from "../core/json.ts";
import type { Secret } from "../core/secret.ts";
import type { ProxyFor } from "../core/transport.ts";
import { DAY_MS } from "../node/admin/format.ts";
import { certificatesOf, pinOf } from "../node/credentials.ts";
import { createNodeTransport } from "../node/outbound/transport.ts";
import type { Report } from "./report.ts";

/** Automatic renewal happens a month before the end, so with less time left it was forgotten. */
const WARN_DAYS = 30;

/**
 * Describes a certificate of ours and its chain.
 * @param withPins whether clients may pin its key (RFC 7469 section 2.4)
 */
export function describeCertificates(pem: Secret | undefined, withPins: boolean, report: Report): void {
  for (const [index, certificate] of certificatesOf(pem?.reveal() ?? "").entries()) {
    const { subject, subjectAltName, validTo, validToDate, publicKey } = certificate;
    const days = Math.floor((validToDate.getTime() - Date.now()) / DAY_MS);
    // A certificate may have no subject, only other names.
    const name = oneLine(subject ?? "") || subjectAltName || "no subject";
    report.ok(index === 0 ? "certificate" : "issued by", `${name}, until ${validTo} (${days} days left)`);
    if (withPins) report.ok("pin", pinOf(publicKey));
    // An expired authority may be in the chain on purpose, next to its successor.
    const end = days < 0 ? "it has expired" : `it expires in less than ${WARN_DAYS} days`;
    const advice = withPins && index === 0 ? "; if the key changes, first give its pin to those who pin it" : "";
    if (days < WARN_DAYS) report.warn(end, `renew it${advice}`);
  }
}

/** Warns if no pin is a backup, and prints the pin of the key in a file. @throws {UsageError} */
export function checkPins(pins: readonly string[] | undefined, file: string | undefined, report: Report): void {
  // One of them is that of the served key, or loading would have failed.
  if (pins !== undefined && new Set(pins).size === 1) {
    const cure = "make a second key, keep it offline, and give its pin to the apps (see check --pin FILE)";
    report.warn("server.tls.pins has no backup: if this key is lost, the apps cannot connect", cure);
  }
  if (file === undefined) return;
  try {
    report.ok("pin", `${pinOf(createPublicKey(readFileSync(file)))} of ${file}`);
  } catch {
    throw new UsageError(`cannot read ${file}, or it has no certificate or key in PEM: correct --pin`);
  }
}

const TIMEOUT_MS = 5_000;
const MAX_JWKS_BYTES = 65_536;

/** Whether our keys are where providers look for them. @returns why they could not be fetched */
export async function checkPublishedKeys(issuer: string, { signingKeys, providers }: Credentials, report: Report) {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/jwks.json`;
  const thumbprints = (keys: readonly JWK[]) =>
    Promise.all(keys.map((key) => calculateJwkThumbprint(key).catch(() => ""))); // a key of others
  const ours = await thumbprints(signingKeys.map(({ publicJwk }) => publicJwk));
  const send = createNodeTransport({ connect_timeout: TIMEOUT_MS, connections: 1 });
  const request = { url, headers: REQUEST_HEADERS, timeout: TIMEOUT_MS, maxResponseBytes: MAX_JWKS_BYTES };
  let problem: string | undefined;
  try {
    const { status, body } = await send({ method: "GET", ...request }).finally(() => send.close());
    if (status !== 200) throw new Error(status < 400 ? "a redirect, which few providers follow" : `status ${status}`);
    const served = await thumbprints([readJsonObject(body)?.keys ?? []].flat() as JWK[]);
    const missing = signingKeys.filter((_, index) => !served.includes(ours[index] as string)).map(({ kid }) => kid);
    const cure = "does the proxy there run another file? Reload or restart it with this one";
    if (missing.length > 0) report.warn(`${url} lacks keys of signing.keys: ${missing.join(", ")}`, cure);
  } catch (error) {
    const { code, message } = ((error as Error).cause ?? error) as { code?: string; message: string };
    problem = `${url}: ${code ?? message}`;
    report.warn(problem, "start the proxy there and check again, or correct signing.issuer");
  }
  for (const [name, { clientKeys }] of providers) {
    for (const { kid, publicJwk } of clientKeys) {
      if (ours.includes(await calculateJwkThumbprint(publicJwk))) continue;
      const cure = "register it there, or add it to signing.keys with use: verify";
      report.warn(`client_key "${kid}" of ${name} is not published under signing.issuer`, cure);
    }
  }
  return problem;
}

/** @returns what to do about a request without an answer; looks at the server's certificate */
export async function adviseOnSilence(url: string, code: string, key: string, proxyFor?: ProxyFor): Promise<string> {
  const { protocol, hostname, port: given } = new URL(url);
  const port = Number(given || (protocol === "http:" ? 80 : 443));
  const host = hostname.replace(/^\[|\]$/g, "");
  const proxy = proxyFor?.(new URL(url))?.url;
  // Without the proxy nothing may be sent, and it may answer with certificates of its own.
  if (proxy !== undefined)
    return `the egress proxy ${proxy} is in between: does it allow ${host}? Is its CA in tls.ca?`;
  const refusal = "does it require a client certificate (tls.certificate), or another version of TLS?";
  if (/ALERT/.test(code)) return `${host} refuses our TLS: ${refusal}`;
  if (code === "ECONNREFUSED")
    return `nothing listens on ${hostname}:${port}: is it running, and is the port right (${key})?`;
  if (code === "ENOTFOUND") return `the host ${host} does not exist: correct ${key}`;
  if (/TIMED?OUT/i.test(code)) return `does ${host} (${key}) answer slowly, or is a firewall in between?`;
  const general = `is the host ${host} right (${key}), and does the network let us reach it?`;
  if (!/CERT|SIGNATURE|ISSUER|SSL|EPROTO|UND_ERR_SOCKET|ECONNRESET/.test(code)) return general;
  // Nothing is sent on this connection, so it need not be verified.
  const socket = connect({ host, port, servername: isIP(host) === 0 ? host : "", rejectUnauthorized: false });
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error("timeout")));
  const isTls = (await once(socket, "secureConnect").catch(() => undefined)) !== undefined;
  const { issuer = "", subjectAltName, validTo } = socket.getPeerX509Certificate() ?? {};
  socket.destroy();
  if (isTls && protocol === "http:") return `${host} speaks TLS on this port: write https in ${key}`;
  if (isTls && /SOCKET|RESET/.test(code)) return `${host} closed the connection: ${refusal}`;
  if (!isTls) return /SSL|EPROTO/.test(code) ? `${host} answers without TLS on this port: correct ${key}` : general;
  const cures: Record<string, string> = {
    CERT_HAS_EXPIRED: "it has expired, so renew it there",
    ERR_TLS_CERT_ALTNAME_INVALID: `it is not for ${host}, so write a name that it has in ${key}`,
  };
  const cure = cures[code] ?? "if its authority is the right one, put the authority's certificate into tls.ca";
  return `the certificate of ${host} is for ${subjectAltName}, until ${validTo}, issued by ${oneLine(issuer)}: ${cure}`;
}

/** Node puts each part of a name on a line, and escapes only ASCII's control characters. */
const oneLine = (name: string): string => escapeInvisible(name.replaceAll("\n", ", "));
