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

/** @param cause of a request without an answer, whose code names the TLS fault */
export async function describeTlsFailure(url: string, cause: unknown): Promise<void> {
  const { protocol, hostname, port } = new URL(url);
  const code = String((cause as { code?: string } | undefined)?.code);
  const host = hostname.replace(/^\[|\]$/g, "");
  // Nothing is sent on this connection, so it need not be verified.
  const options = {
    host,
    port: Number(port || 443),
    servername: isIP(host) === 0 ? host : "",
    rejectUnauthorized: false,
  };
  const socket = connect(options).setTimeout(PEEK_MS, () => socket.destroy());
  const certificate = await once(socket, "secureConnect").then(
    () => socket.getPeerX509Certificate(),
    () => undefined,
  );
  socket.destroy();
  if (certificate === undefined) {
    if (protocol === "https:" && /SSL|EPROTO/.test(code)) line("  advice", `${host} answers without TLS on this port`);
  } else if (protocol === "http:") line("  advice", `${host} speaks TLS on this port: write https`);
  else if (/CERT|SIGNATURE|ISSUER/.test(code)) {
    const { issuer, subjectAltName, validTo } = certificate;
    line("  certificate", `of ${host}: for ${subjectAltName}, until ${validTo}, issued by ${oneLine(issuer)}`);
    if (code === "CERT_HAS_EXPIRED") line("  advice", "it has expired: renew it at the provider");
    else if (code === "ERR_TLS_CERT_ALTNAME_INVALID") line("  advice", `it is not for ${host}: use a name that it has`);
    else line("  advice", "its authority is not trusted: if it is the right one, put its certificate into tls.ca");
  }
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
