// Writes the two audit lines of a token. They contain neither the token nor a nonce.

import { asCallError } from "../core/errors.ts";
import { hex } from "../core/hex.ts";
import type { Audit, AuditLine, Runtime } from "../core/ports.ts";
import { describeToken } from "../oauth/describe-token.ts";
import type { CallContext, CallStep } from "./context.ts";
import type { DescribeIdentities } from "./identities.ts";

interface AuditDeps extends Pick<Runtime, "audit" | "clock" | "inbound"> {
  describeIdentities: DescribeIdentities;
}

export function auditTokens({ audit, clock, inbound, describeIdentities }: AuditDeps): CallStep {
  if (audit === undefined) return (_c, next) => next();
  return async (c, next) => {
    const request_id = c.get("requestId");
    const time = () => new Date(clock.now()).toISOString();
    const call = c.get("call");
    let isAnnounced = false;
    const announce = async (scope: string | undefined) => {
      if (isAnnounced) return; // a retry is for the same token
      const { facts } = c.get("trace");
      const { caller, provider } = facts;
      const { user } = await describeIdentities(facts);
      const serverid = call.values.get("serverid");
      await audit.intent({ time: time(), event: "token_intent", request_id, caller, serverid, provider, user, scope });
      isAnnounced = true;
    };
    c.set("call", { ...call, announce });
    await next();
    if (!isAnnounced) return;
    const result = await resultOf(c, audit);
    inbound.afterResponse(c.req.raw, c.env, (delivered) =>
      audit.result({ time: time(), event: "token_result", request_id, ...result, delivered }),
    );
  };
}

async function resultOf(c: CallContext, { sha256 }: Audit): Promise<AuditLine> {
  const answer = c.get("answer");
  if (c.error !== undefined || answer === undefined) {
    const { code: error_code } = asCallError(c.error);
    return { outcome: error_code === "provider_refused_user" ? "refused" : "error", error_code };
  }
  const body_sha256 = hex(await sha256(answer.body));
  return { outcome: answer.outcome, ...(answer.outcome === "token" ? describeToken(answer.body) : {}), body_sha256 };
}
