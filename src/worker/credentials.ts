// Secrets and client certificates on Workers are bindings of wrangler.toml.

import { type CredentialHost, SecretError } from "../config/credentials.ts";
import type { Signer } from "../oauth/signer.ts";
import { type Env, fetcherOf, isRateLimitBinding, workerSha256 } from "./host.ts";

export function createWorkerCredentialHost(env: Env, signers: readonly Signer[] = []): CredentialHost {
  return {
    readFile: undefined,
    signers,
    read(reference) {
      if ("file" in reference) {
        throw new SecretError("refers to a file, which Workers do not have: use { env: NAME } and a secret binding");
      }
      const text = env[reference.env];
      if (typeof text === "string") return text;
      const name = reference.env;
      throw new SecretError(`refers to the binding ${name}, which is not set: run "wrangler secret put ${name}"`);
    },
    sha256: workerSha256,
    createJwsSigner: undefined,
    listens: false,
    resolvePath: (file) => file,
    connectionFault: "is for Node, because Cloudflare manages the connections of a Worker: remove it",
    environmentProxy: async () => undefined,
    pinFault: (pin) =>
      "san_dns" in pin ? "uses san_dns, which Cloudflare does not report to a Worker: use sha256" : undefined,
    rateLimitFault: ({ binding }) =>
      isRateLimitBinding(env[binding])
        ? undefined
        : `needs the rate limiting binding ${binding}: add it to wrangler.toml under [[ratelimits]]`,
    tlsFault({ certificate, private_key, ca, binding }) {
      if ((certificate ?? private_key ?? ca) !== undefined) {
        return "has a certificate, private_key or ca, which Workers cannot use: use binding";
      }
      if (binding !== undefined && fetcherOf(env, binding) === undefined) {
        return `refers to ${binding}, which is not an mtls_certificates binding of wrangler.toml`;
      }
      return undefined;
    },
    certificateFault: () => undefined, // only `check` on Node reads the dates of a certificate
  };
}
