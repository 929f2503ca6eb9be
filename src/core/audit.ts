// The audit log: a line before a token is requested and one after the response.

import type { Sha256 } from "./ports.ts";

export type AuditLine = Readonly<Record<string, unknown>>;

export interface Audit {
  sha256: Sha256;
  /** @throws {TokenProxyError} audit_failed if the line cannot be written, but must be */
  intent(line: AuditLine): Promise<void>;
  result(line: AuditLine): void;
}

/**
 * Called once everything is ready for a token request, just before it is sent.
 * @param scope as requested
 */
export type Announce = (scope: string | undefined) => Promise<void>;
