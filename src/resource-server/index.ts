// The entry for resource servers: Hono middlewares for those who receive the webNonces or the tokens. Node and Workers alike.

export { type AccessTokenEnv, accessToken } from "./access-token.ts";
export type { AccessTokenAlgorithm, AccessTokenOptions } from "./access-token-options.ts";
export type { IntrospectionOptions } from "./introspection.ts";
export { type WebNonceSessionEnv, type WebNonceSessionOptions, webNonceSession } from "./web-nonce-session.ts";
