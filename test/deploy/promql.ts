// Finds the metrics in PromQL expressions, and the labels that select, group or join them.

/** The metrics of docs/operations.md with their labels; histograms without their suffix. */
export const METRICS: Readonly<Record<string, readonly string[]>> = {
  token_proxy_build_info: ["version", "node"],
  token_proxy_provider_clock_skew_seconds: ["provider"],
  token_proxy_calls_total: ["route", "provider", "outcome", "error_code"],
  token_proxy_calls_undelivered_total: ["route", "provider", "outcome"],
  token_proxy_call_duration_seconds: ["route", "provider"],
  token_proxy_provider_duration_seconds: ["provider"],
  token_proxy_session_check_duration_seconds: [],
  token_proxy_signing_duration_seconds: ["provider"],
  token_proxy_calls_in_flight: [],
  token_proxy_provider_in_flight: ["provider"],
  token_proxy_provider_queued: ["provider"],
  token_proxy_provider_breaker_state: ["provider", "state"],
  token_proxy_provider_suspensions_total: ["provider"],
  token_proxy_provider_endpoint_moved: ["provider"],
  token_proxy_provider_retries_total: ["provider"],
  token_proxy_provider_errors_judged_total: ["provider", "by"],
  token_proxy_provider_last_token_timestamp_seconds: ["provider"],
  token_proxy_provider_refused_users: ["provider"],
  token_proxy_discovery_timestamp_seconds: ["provider"],
  token_proxy_signing_key_created_timestamp_seconds: ["kid", "use"],
  token_proxy_client_assertion_expiry_timestamp_seconds: ["provider"],
  token_proxy_certificate_expiry_timestamp_seconds: ["certificate"],
  token_proxy_config_last_reload_successful: [],
  token_proxy_config_last_reload_timestamp_seconds: [],
  process_start_time_seconds: [],
  process_cpu_seconds_total: [],
  process_resident_memory_bytes: [],
  process_open_fds: [],
  nodejs_eventloop_lag_p99_seconds: [],
};

/** Prometheus adds these to everything it scrapes. */
export const TARGET_LABELS = ["job", "instance"];

export interface Use {
  /** Without a histogram's suffix. */
  metric: string;
  labels: string[];
}

const METRIC = /\b((?:token_proxy|process|nodejs)_\w+)(?:\{([^}]*)\})?/g;
const MATCHER = /(\w+)\s*(?:=~|!~|!=|=)\s*"[^"]*"/g;
const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;

/** @returns each metric of an expression with the labels of its selector */
export function usesOf(expression: string): Use[] {
  return [...expression.matchAll(METRIC)].map(([, name = "", selector = ""]) => ({
    metric: name.replace(/_(?:bucket|sum|count)$/, ""),
    labels: [...selector.matchAll(MATCHER)].map(([, label]) => label as string),
  }));
}

/** @returns the labels that an expression groups or joins by */
export function groupingOf(expression: string): string[] {
  return [...expression.matchAll(GROUPING)].flatMap(([, list = ""]) => list.split(",").map((label) => label.trim()));
}
