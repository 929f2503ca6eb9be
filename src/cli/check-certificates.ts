// What `check` prints about certificates: when they expire, and the pins for `server.tls`.

import { createHash, X509Certificate } from "node:crypto";
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

function certificatesOf(pem: Secret | undefined): X509Certificate[] {
  return (pem?.reveal().match(CERTIFICATE) ?? []).map((one) => new X509Certificate(one));
}

function describe(certificate: X509Certificate): string {
  const { subject, subjectAltName, validTo } = certificate;
  // Node puts each part of the name on a line. A certificate may have no subject, only other names.
  const name = subject?.replaceAll("\n", ", ") || subjectAltName || "no subject";
  return `${name}, until ${validTo} (${daysLeft(certificate)} days left)`;
}

function daysLeft({ validToDate }: X509Certificate): number {
  return Math.floor((validToDate.getTime() - Date.now()) / DAY_MS);
}

function pinOf({ publicKey }: X509Certificate): string {
  const spki = publicKey.export({ type: "spki", format: "der" });
  return `sha256/${createHash("sha256").update(spki).digest("base64")}`;
}
