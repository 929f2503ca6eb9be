// What the steps of one call pass on to each other in Hono's context.

import type { Context, MiddlewareHandler } from "hono";
import type { TimeLimit } from "../core/call-time.ts";
import type { ErrorTable } from "../core/errors.ts";
import type { CallTrace } from "../core/trace.ts";
import type { Call, Caller } from "../get-token.ts";
import type { Answer } from "../oauth/judge-answer.ts";

export interface Env {
  Bindings: object;
  Variables: {
    /** Set by observe. */
    requestId: string;
    trace: CallTrace;
    errorTable: ErrorTable;
    /** Set by authenticateCaller. */
    caller: Caller;
    /** Set by readCall or readExchange. Its time starts with answerWithToken. */
    call: Omit<Call, "time"> & { limit: TimeLimit };
    /** Set by answerWithToken. */
    answer?: Answer;
  };
}

export type CallContext = Context<Env>;
export type CallStep = MiddlewareHandler<Env>;
