// The entry for resource servers: Hono middlewares that check a webNonce or a token.

export {
  type AccessTokenAlgorithm,
  type AccessTokenEnv,
  type AccessTokenOptions,
  accessToken,
} from "./access-token.ts";
export type { IntrospectionOptions } from "./introspection.ts";
export { type WebNonceSessionEnv, type WebNonceSessionOptions, webNonceSession } from "./web-nonce-session.ts";
