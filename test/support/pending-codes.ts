// Codes that the pages and docs/openapi.yaml already describe, and that the error table gets next.

/** Delete this list, and its three uses, once `ERROR_TABLE` has them all. */
export const PENDING_CODES = [
  "signing_failed",
  "client_assertion_unusable",
  "provider_wrong_audience",
  "provider_wrong_scope",
  "provider_wrong_lifetime",
  "provider_forbidden_member",
] as const;
