// Whether the address where providers look for our public keys serves them. Only for `check`.

import { calculateJwkThumbprint, type JWK } from "jose";
import type { Credentials } from "../config/credentials.ts";
import { REQUEST_HEADERS } from "../core/headers.ts";
import { readJsonObject } from "../core/json.ts";
import { createNodeTransport } from "../node/outbound/transport.ts";
import type { SigningKey } from "../oauth/signing-key.ts";
import { line } from "./report.ts";

const TIMEOUT_MS = 5_000;
const MAX_JWKS_BYTES = 65_536;

export async function checkPublishedKeys(issuer: string, { signingKeys, providers }: Credentials): Promise<void> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/jwks.json`;
  const thumbprints = (keys: readonly SigningKey[]) =>
    Promise.all(keys.map(({ publicJwk }) => calculateJwkThumbprint(publicJwk)));
  const ours = await thumbprints(signingKeys);
  const served = await fetchThumbprints(url).catch((error) => {
    const { code, message } = error.cause ?? error;
    line(
      "  warning",
      `${url}: ${code ?? message}; something must serve our keys there (signing.issuer), or no provider can fetch them`,
    );
    return ours;
  });
  for (const [index, one] of ours.entries()) {
    if (!served.includes(one)) line("  warning", `${url} lacks the key "${signingKeys[index]?.kid}" of signing.keys`);
  }
  for (const [name, { clientKeys }] of providers) {
    for (const [index, one] of (await thumbprints(clientKeys)).entries()) {
      if (ours.includes(one)) continue;
      const cure = "register it at the provider, or add it to signing.keys with use: verify";
      line(
        "  warning",
        `"${clientKeys[index]?.kid}" of ${name}'s client_key is not published under signing.issuer: ${cure}`,
      );
    }
  }
}

async function fetchThumbprints(url: string): Promise<string[]> {
  const send = createNodeTransport({ connect_timeout: TIMEOUT_MS, connections: 1 });
  const request = { url, headers: REQUEST_HEADERS, timeout: TIMEOUT_MS, maxResponseBytes: MAX_JWKS_BYTES };
  const { status, body } = await send({ method: "GET", ...request }).finally(() => send.close());
  if (status !== 200)
    throw new Error(`status ${status}${status < 400 ? ", a redirect, which no provider may follow" : ""}`);
  const { keys } = readJsonObject(body) ?? {};
  if (!Array.isArray(keys)) throw new Error("not a JWKS");
  return Promise.all(keys.map((key: JWK) => calculateJwkThumbprint(key)));
}
