// ZITADEL: token exchange by user id.

import type { Kind } from "./kind.ts";

export const zitadel: Kind = {
  seenIn: "its library 3.52",
  metadata: /\/oauth(?:\/v2)?\/token .*\/keys$/,
  userClaim: "sub",
  errors: [
    ["user", "invalid_request", "subject_token is invalid", "no such user"],
    ["proxy", "invalid_request", "actor_token is invalid", "the actor's token is not valid", "params.actor_token"],
    ["proxy", "invalid_request", "*", "a parameter is missing or not supported", "params"],
    ["proxy", "invalid_target", "*", "it accepts no resource", "params.resource"],
  ],
};
