// What `check` prints about certificates: when they expire, and the pins for `server.tls`.

import { createPublicKey, type X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { UsageError } from "../core/errors.ts";
import type { Secret } from "../core/secret.ts";
import { certificatesOf, pinOf } from "../node/credentials.ts";
import { line } from "./report.ts";

const DAY_MS = 86_400_000;
/** Automatic renewal happens a month before the end, so with less time left it was forgotten. */
const WARN_DAYS = 30;

/**
 * Describes a certificate of ours and its chain.
 * @param withPins whether clients may pin its key (RFC 7469 section 2.4)
 */
export function describeCertificates(label: string, pem: Secret | undefined, withPins: boolean): void {
  for (const [index, certificate] of certificatesOf(pem?.reveal() ?? "").entries()) {
    line(index === 0 ? label : "  issued by", describe(certificate));
    if (withPins) line("  pin", pinOf(certificate.publicKey));
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
  for (const certificate of certificatesOf(pem?.reveal() ?? "")) {
    if (certificate.validToDate.getTime() >= Date.now()) continue;
    line("  warning", `${key} has an expired authority, ${describe(certificate)}: replace it`);
  }
}

/** Warns if no pin is a backup, and prints the pin of the key in a file. @throws {UsageError} */
export function checkPins(pins: readonly string[] | undefined, file: string | undefined): void {
  // One of them is that of the served key, or loading would have failed.
  if (pins !== undefined && new Set(pins).size === 1) {
    const cure = "make a second key, keep it offline, and give its pin to the apps (see check --pin FILE)";
    line("  warning", `server.tls.pins has no backup: if this key is lost, the apps cannot connect; ${cure}`);
  }
  if (file === undefined) return;
  try {
    line("pin", `${pinOf(createPublicKey(readFileSync(file)))} of ${file}`);
  } catch {
    throw new UsageError(
      `cannot read ${file}, or it has no certificate, private key or public key in PEM: correct --pin`,
    );
  }
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
