// Rules that several parts of the file share, and what the checks of one part know about the others.

import type { Report } from "./faults.ts";
import type { FileSigning, TlsSettings } from "./schema-provider.ts";
import { suggestion } from "./suggestion.ts";
import type { Path } from "./yaml.ts";

/** A part at fault is assumed to have what is needed. */
export interface Surroundings {
  hasNextauth: boolean;
  /** Whether nextauth gives a serverid to calls without one. */
  defaultServerid: boolean;
  /** The serverids that the servers under nextauth answer for; undefined means all. */
  serverids: readonly string[] | undefined;
  /** Every value that some call has; undefined if get_token is at fault. */
  callNames: readonly string[] | undefined;
  /** Null if the file has none, undefined if it is at fault. */
  signing: FileSigning | null | undefined;
  providerNames: readonly string[];
}

export function checkProviderName(name: string, at: Path, { providerNames }: Surroundings, report: Report): void {
  if (providerNames.includes(name)) return;
  const hint = suggestion(name, providerNames) || `; the providers are ${providerNames.join(", ")}`;
  report(at, `is not a provider of this file${hint}`);
}

export function checkTls(tls: TlsSettings | undefined, at: Path, report: Report): void {
  if (tls === undefined) return;
  const { certificate, private_key, ca, binding } = tls;
  if (binding !== undefined && (certificate ?? private_key ?? ca) !== undefined) {
    report([...at, "binding"], "is for Workers; certificate, private_key and ca are for Node; remove one or the other");
  } else if ((certificate === undefined) !== (private_key === undefined)) {
    report(at, "needs both certificate and private_key, or neither");
  }
}

export function checkConnectTimeout(
  { timeout, connect_timeout }: { timeout: number; connect_timeout?: number | undefined },
  at: Path,
  report: Report,
): void {
  if (connect_timeout !== undefined && connect_timeout > timeout) {
    report([...at, "connect_timeout"], "must not be longer than timeout, which includes it");
  }
}
