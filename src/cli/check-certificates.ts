// What `check` prints about certificates: when they expire, pins for `server.tls`, why TLS failed.

import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { isIP } from "node:net";
import { connect } from "node:tls";
import type { Secret } from "../core/secret.ts";
import { line } from "./report.ts";

const DAY_MS = 86_400_000;
/** Automatic renewal happens a month before the end, so with less time left it was forgotten. */
const WARN_DAYS = 30;

const CERTIFICATE = /-----BEGIN (?:X509 )?CERTIFICATE-----[^-]+-----END (?:X509 )?CERTIFICATE-----/g;

/**
 * Describes a certificate of ours and its chain.
 * @param withPins whether clients may pin its key (RFC 7469 section 2.4)
 */
export function describeCertificates(label: string, pem: Secret | undefined, withPins: boolean): void {
  for (const [index, certificate] of certificatesOf(pem).entries()) {
    line(index === 0 ? label : "  issued by", describe(certificate));
    if (withPins) line("  pin", pinOf(certificate));
    const days = daysLeft(certificate);
    if (days >= WARN_DAYS) continue;
    // An expired authority may be in the chain on purpose, next to its successor.
    const end = days < 0 ? "it has expired" : `it expires in less than ${WARN_DAYS} days`;
    const advice = withPins && index === 0 ? "; if the key changes, first give its pin to those who pin it" : "";
    line("  warning", `${end}: renew it${advice}`);
  }
}

/** Warns of expired authorities: connections that depend on them fail. @param key in the file */
export function warnOfAuthorities(key: string, pem: Secret | undefined): void {
  for (const certificate of certificatesOf(pem)) {
    if (certificate.validToDate.getTime() >= Date.now()) continue;
    line("  warning", `${key} has an expired authority, ${describe(certificate)}: replace it`);
  }
}

const PEEK_MS = 5_000;

/** @returns why a request got no answer, and what to do: looks at the server's certificate if TLS failed */
export async function adviseOnSilence(url: string, cause: unknown, key: string): Promise<string> {
  const { protocol, hostname, port } = new URL(url);
  const code = String((cause as { code?: string } | undefined)?.code);
  const host = hostname.replace(/^\[|\]$/g, "");
  const general = `is the host ${host} right (${key}), and does the network let us reach it?`;
  if (!/CERT|SIGNATURE|ISSUER|SSL|EPROTO|UND_ERR_SOCKET|ECONNRESET/.test(code)) return general;
  // Nothing is sent on this connection, so it need not be verified.
  const at = { host, port: Number(port || 443), servername: isIP(host) === 0 ? host : "" };
  const socket = connect({ ...at, rejectUnauthorized: false });
  socket.setTimeout(PEEK_MS, () => socket.destroy(new Error("timeout")));
  const isTls = await once(socket, "secureConnect")
    .then(() => true)
    .catch(() => false);
  const certificate = socket.getPeerX509Certificate();
  socket.destroy();
  if (protocol === "http:") return isTls ? `${host} speaks TLS on this port: write https in ${key}` : general;
  if (certificate === undefined)
    return /SSL|EPROTO/.test(code) ? `${host} answers without TLS on this port: correct ${key}` : general;
  const { issuer, subjectAltName, validTo } = certificate;
  const cures: Record<string, string> = {
    CERT_HAS_EXPIRED: "renew it at the provider",
    ERR_TLS_CERT_ALTNAME_INVALID: `it is not for ${host}: write a name that it has in ${key}`,
  };
  const cure = cures[code] ?? "if its authority is the right one, put the authority's certificate into tls.ca";
  return `the certificate of ${host} is for ${subjectAltName}, until ${validTo}, issued by ${oneLine(issuer)}: ${cure}`;
}

function certificatesOf(pem: Secret | undefined): X509Certificate[] {
  return (pem?.reveal().match(CERTIFICATE) ?? []).map((one) => new X509Certificate(one));
}

function describe(certificate: X509Certificate): string {
  const { subject, subjectAltName, validTo } = certificate;
  // A certificate may have no subject, only other names.
  const name = oneLine(subject ?? "") || subjectAltName || "no subject";
  return `${name}, until ${validTo} (${daysLeft(certificate)} days left)`;
}

/** Node puts each part of a name on a line. */
const oneLine = (name: string): string => name.replaceAll("\n", ", ");

function daysLeft({ validToDate }: X509Certificate): number {
  return Math.floor((validToDate.getTime() - Date.now()) / DAY_MS);
}

function pinOf({ publicKey }: X509Certificate): string {
  const spki = publicKey.export({ type: "spki", format: "der" });
  return `sha256/${createHash("sha256").update(spki).digest("base64")}`;
}
