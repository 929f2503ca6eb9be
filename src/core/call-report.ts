// What is known of a call once it has been answered: the log, the metrics and the status page are made of it.

import type { ErrorCode } from "./errors.ts";
import type { Step } from "./trace.ts";

/** Nothing in it identifies a user or could be used as a credential. Durations are in milliseconds. */
export interface CallReport {
  requestId: string;
  /** Where somebody traces the call. */
  traceId: string | undefined;
  /** The path in the file by which the call came in; empty for one that nothing is at. */
  route: string;
  caller: string | undefined;
  provider: string | undefined;
  /** The key of the nextAuth Server that was asked, in the file. */
  nextauth: string | undefined;
  /** `token`: there was one. `refused`: the provider says no for this user. `error`: anything else. */
  outcome: "token" | "refused" | "error";
  /** Of the answer to the caller. */
  status: number;
  /** Where the outcome is `error`. */
  errorCode: ErrorCode | undefined;
  providerStatus: number | undefined;
  /** The registered code of a refusal. */
  providerError: string | undefined;
  /** Requests sent to the token endpoint. */
  attempts: number;
  duration: number;
  durations: Readonly<Partial<Record<Step, number>>>;
  /** Of the call's body, as its Content-Length has it. */
  callBytes: number | undefined;
  /** Of the provider's body that was relayed. */
  bytes: number | undefined;
}

/** Is told of each call. Throws nothing, and takes no time worth mentioning: the caller's answer waits for it. */
export type Observe = (report: CallReport) => void;
