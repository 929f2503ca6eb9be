// What `check` warns of although the file works: why, and what to do.

export const RISKS = {
  session_trust: ["a stolen credential of a caller gets tokens for any user", "add nextauth, and use session: verify"],
  unchecked_user: ["a token of another user would be relayed", "set expect_subject"],
  same_token: ["no value of the call is sent, so all users get the same rights", "send {{userid}}"],
  admin_exposed: ["it has no authentication, and is on every network", "use an address of one network"],
  no_tls: ["API keys and tokens pass the network without TLS", "set server.tls, or use loopback behind a TLS proxy"],
  readable_secret: ["every user of this machine can read it", "change the mode of its file"],
  long_timeout: ["after 30 s callers have given up, and a slow server holds all places", "use 30s at most"],
  grant_type: ["it looks misspelt", "correct it"],
  assertion_aud: [
    "another server can ask for assertions with this token endpoint as aud",
    'use "{{issuer}}" (RFC 10070)',
  ],
} as const;

export type Risk = keyof typeof RISKS;
