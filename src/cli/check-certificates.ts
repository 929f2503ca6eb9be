// What `check` says about certificates: until when they are good, and the pin of the key that `server.tls` serves.

import { createHash, X509Certificate } from "node:crypto";
import type { Credentials } from "../config/credentials.ts";
import type { Secret } from "../core/secret.ts";
import { line } from "./report.ts";

const DAY_MS = 86_400_000;
/** Authorities that renew by themselves do so a month before the end: whatever is nearer has been forgotten. */
const WARN_DAYS = 30;

const CERTIFICATE = /-----BEGIN (?:X509 )?CERTIFICATE-----[^-]+-----END (?:X509 )?CERTIFICATE-----/g;

/**
 * The pin is what a client remembers of the key (RFC 7469 §2.4): it outlives a renewal that keeps the key, and whoever pins has to be
 * told before another key is served.
 * @param now milliseconds since the epoch
 */
export function describeServerCertificates({ serverTls }: Credentials, now: number): void {
  if (serverTls === undefined) return;
  for (const [index, certificate] of certificatesOf(serverTls.certificate.reveal()).entries()) {
    line(index === 0 ? "server.tls" : "  issued by", describe(certificate, now));
    line("  pin", spkiPin(certificate));
    warnOfEnd(certificate, now, index === 0 ? "who pins it must know the pin of a new key before it is served" : "");
  }
}

/** The client certificate towards a provider, where it has one. */
export function describeClientCertificate(name: string, { providers }: Credentials, now: number): void {
  const pem = providers.get(name)?.tls?.certificate?.reveal();
  const [certificate] = pem === undefined ? [] : certificatesOf(pem);
  if (certificate === undefined) return;
  line("  certificate", describe(certificate, now));
  warnOfEnd(certificate, now, "");
}

/** Authorities by which others are verified: one that is over verifies nobody, which shows only in the calls that then fail. */
export function warnOfAuthorities(key: string, pem: Secret | undefined, now: number): void {
  for (const certificate of pem === undefined ? [] : certificatesOf(pem.reveal())) {
    if (certificate.validToDate.getTime() >= now) continue;
    line(
      "  warning",
      `${key} has an authority that is over, ${describe(certificate, now)}: put a new one in its place`,
    );
  }
}

function certificatesOf(pem: string): X509Certificate[] {
  return (pem.match(CERTIFICATE) ?? []).map((one) => new X509Certificate(one));
}

function describe({ subject, subjectAltName, validTo, validToDate }: X509Certificate, now: number): string {
  // Node writes one line for each part of the name; a certificate may have no subject, only other names.
  const who = subject?.replaceAll("\n", ", ") || subjectAltName || "no subject";
  return `${who}, until ${validTo} (${daysLeft(validToDate, now)} days left)`;
}

function daysLeft(end: Date, now: number): number {
  return Math.floor((end.getTime() - now) / DAY_MS);
}

/** Of the first one of a chain, being over is a fault; others may be over on purpose, beside a newer one that clients find themselves. */
function warnOfEnd({ validToDate }: X509Certificate, now: number, advice: string): void {
  const days = daysLeft(validToDate, now);
  if (days >= WARN_DAYS) return;
  const end = days < 0 ? "it is over" : `it ends in less than ${WARN_DAYS} days`;
  line("  warning", `${end}: renew it${advice === "" ? "" : ` (${advice})`}`);
}

function spkiPin({ publicKey }: X509Certificate): string {
  const spki = publicKey.export({ type: "spki", format: "der" });
  return `sha256/${createHash("sha256").update(spki).digest("base64")}`;
}
