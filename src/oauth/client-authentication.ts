// Client authentication at the token endpoint (RFC 6749 §2.3): a function that adds exactly one mechanism to a request.

import type { Secret } from "../secret.ts";
import { type Form, formEncode } from "./form.ts";

/** Registered names (RFC 7591 §2, IANA), and `client_secret_basic_raw` for servers that do not form-decode HTTP Basic. */
export const TOKEN_ENDPOINT_AUTH_METHODS = [
  "client_secret_basic",
  "client_secret_basic_raw",
  "client_secret_post",
  "none",
] as const;

export type TokenEndpointAuthMethod = (typeof TOKEN_ENDPOINT_AUTH_METHODS)[number];

/** Adds the credentials to the form or the headers of one token request. */
export type ClientAuthentication = (form: Form, headers: Record<string, string>) => void;

/** Which methods need a client_secret. */
export function needsSecret(method: TokenEndpointAuthMethod): boolean {
  return method !== "none";
}

/**
 * @param secret present wherever `needsSecret(method)`
 * @returns the function for one method; what does not change from call to call is computed here, once
 */
export function createClientAuthentication(
  method: TokenEndpointAuthMethod,
  clientId: string | undefined,
  secret: Secret | undefined,
): ClientAuthentication {
  switch (method) {
    case "client_secret_basic": {
      const authorization = basic(`${formEncode(clientId ?? "")}:${formEncode(secret?.reveal() ?? "")}`);
      return (_form, headers) => {
        headers.authorization = authorization;
      };
    }
    case "client_secret_basic_raw": {
      const authorization = basic(`${clientId ?? ""}:${secret?.reveal() ?? ""}`);
      return (_form, headers) => {
        headers.authorization = authorization;
      };
    }
    case "client_secret_post":
      return (form) => {
        form.append("client_id", clientId ?? "");
        form.append("client_secret", secret?.reveal() ?? "");
      };
    case "none":
      // A public client names itself (RFC 6749 §3.2.1); with an assertion as its only credential even that is optional.
      return (form) => form.append("client_id", clientId ?? "");
  }
}

/** HTTP Basic with UTF-8, as RFC 7617 §2.1 allows. */
function basic(credentials: string): string {
  const bytes = new TextEncoder().encode(credentials);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}
