// Runs a file of examples/ unchanged, with the real app and transport, on a recording provider.

import "reflect-metadata"; // @peculiar/x509 asks for it
import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { X509CertificateGenerator } from "@peculiar/x509";
import { exportPKCS8, importPKCS8, type JWK, SignJWT } from "jose";
import { createDeps, createPipeline } from "../../src/app.ts";
import { type CredentialHost, loadCredentials } from "../../src/config/credentials.ts";
import { type Config, parseConfig } from "../../src/config/parse.ts";
import type { SecretReference } from "../../src/core/schema.ts";
import type { CreateTransport, TransportSettings } from "../../src/core/transport.ts";
import { createNodeCredentialHost } from "../../src/node/credentials.ts";
import { nodeClock, nodeHashText, nodeIds } from "../../src/node/host.ts";
import { createNodeTransport } from "../../src/node/outbound/transport.ts";
import type { KeySettings } from "../../src/oauth/settings.ts";
import { fakeRuntime } from "./app.ts";
import { APIKEY, CALL, NONCE } from "./call.ts";
import { makeAuthority, makeKey } from "./keys.ts";
import { json, type RecordedRequest, respond, startRecordingProvider } from "./recording-provider.ts";

const FOLDER = new URL("../../examples/", import.meta.url);

/** Every configuration file of examples/; hsm/ has a test of its own. */
export function exampleNames(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith(".yaml"))
    .sort();
}

export function readExample(name: string): string {
  return readFileSync(new URL(name, FOLDER), "utf8");
}

/** The client secret of all examples: each character that HTTP Basic or a form must encode. */
export const CLIENT_SECRET = "s3cret +/%:& ü";

export interface RunOptions {
  /** What providers publish, by URL; elsewhere there is nothing. */
  metadata: Readonly<Record<string, object>>;
  /** The token responses in order, sent unchanged. */
  tokens: readonly string[];
  /** Headers of the call beyond the default ones. */
  callHeaders?: Record<string, string> | undefined;
}

/** A request with the URL that the proxy asked for, before it was led to the recording provider. */
export type AskedRequest = RecordedRequest & { askedUrl: string };

export interface ExampleKey {
  alg: string;
  publicJwk: JWK;
  /** SHA-256 of its certificate, base64url; undefined where it has none. */
  thumbprint: string | undefined;
}

export interface ExampleRun {
  response: { status: number; body: string };
  requests: AskedRequest[];
  /** By kid: those under signing and those of the client. */
  keys: Map<string, ExampleKey>;
  /** The client certificate (PEM) that the file names, and the one that the transport has. */
  certificate: { named: string | undefined; used: string | undefined };
  /** Seconds since the epoch, before and after the call. */
  started: number;
  ended: number;
}

/** Sends one getToken call through the proxy that the file describes. */
export async function runExample(name: string, { metadata, tokens, callHeaders }: RunOptions): Promise<ExampleRun> {
  const file = parseConfig(readExample(name), name);
  const { texts, keys, certificate } = await makeSecrets(file.config);
  const platform = await makeKey("RS256");
  keys.set("platform", { alg: "RS256", publicJwk: publicHalf(platform.jwk), thumbprint: undefined });
  const recording = await startRecordingProvider();
  recording.answer = (socket, request) => {
    const document = metadata[askedUrls[recording.requests.length - 1] ?? ""];
    const answer = document === undefined ? respond({ status: 404 }) : json(document);
    (request.method === "GET" ? answer : json(waiting.shift() ?? ""))(socket, request);
  };

  const askedUrls: string[] = [];
  const waiting = [...tokens];
  let settings: TransportSettings | undefined;
  const createTransport: CreateTransport = (given) => {
    settings = given;
    const transport = createNodeTransport(given);
    return (request) => {
      askedUrls.push(request.url);
      return transport({ ...request, url: request.url.replace(/^https:\/\/[^/]+/, recording.url) });
    };
  };
  try {
    const { config } = file;
    const credentials = await loadCredentials(
      file,
      credentialHost(texts, () => platformAssertion(file.config, platform.pem)),
    );
    const host = { createTransport, hashText: nodeHashText, clock: nodeClock, ids: nodeIds };
    const deps = await createDeps(config, credentials, fakeRuntime(host));
    const app = createPipeline(deps);
    const started = Math.floor(Date.now() / 1000);
    const response = await app.request("/getToken", {
      method: "POST",
      headers: { "X-apikey": APIKEY, "X-nonce": NONCE, "Content-Type": "application/json", ...callHeaders },
      body: JSON.stringify(CALL),
    });
    return {
      response: { status: response.status, body: await response.text() },
      requests: recording.requests.map((request, index) => ({ ...request, askedUrl: askedUrls[index] ?? "" })),
      keys,
      certificate: { named: certificate, used: settings?.tls?.certificate?.reveal() },
      started,
      ended: Math.floor(Date.now() / 1000),
    };
  } finally {
    await recording.close();
  }
}

/** Reads the secrets made for this run, and checks them as Node does. */
function credentialHost(texts: ReadonlyMap<string, string>, readFile: CredentialHost["readFile"]): CredentialHost {
  return {
    ...createNodeCredentialHost({}, "."),
    readFile,
    read(reference) {
      const text = texts.get(keyOf(reference));
      if (text === undefined) throw new Error(`no secret was made for ${keyOf(reference)}`);
      return text;
    },
  };
}

/** What a cluster would write into the file of `client_assertion`. */
async function platformAssertion({ providers }: Config, pem: string): Promise<string> {
  const [provider] = Object.values(providers);
  return new SignJWT({ jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: "RS256", kid: "platform" })
    .setIssuer("https://kubernetes.bank.example")
    .setSubject("system:serviceaccount:bank:token-proxy")
    .setAudience([String(provider?.client_assertion.aud)])
    .setIssuedAt()
    .setExpirationTime("1h")
    .sign(await importPKCS8(pem, "RS256"));
}

const keyOf = (reference: SecretReference) => JSON.stringify(reference);

/** Makes the secrets, keys and certificates that the file names. */
async function makeSecrets({ callers, signing, providers }: Config) {
  const texts = new Map<string, string>();
  const keys = new Map<string, ExampleKey>();
  let certificate: string | undefined;
  for (const { apikeys } of Object.values(callers)) {
    for (const reference of apikeys) texts.set(keyOf(reference), APIKEY);
  }
  const settings: KeySettings[] = [...(signing?.keys ?? [])];
  for (const { client_secret, client_key, tls, params, proxy } of Object.values(providers)) {
    if (typeof proxy === "object" && proxy.authorization) texts.set(keyOf(proxy.authorization), "token-proxy:secret");
    const placed = Object.values(params).filter((param) => typeof param === "object" && !Array.isArray(param));
    for (const reference of [...client_secret, ...(placed as SecretReference[])])
      texts.set(keyOf(reference), CLIENT_SECRET);
    settings.push(...client_key);
    if (tls?.certificate === undefined || tls.private_key === undefined) continue;
    const issued = await (await makeAuthority()).issue("token-proxy");
    certificate = issued.certificate;
    texts.set(keyOf(tls.certificate), issued.certificate);
    texts.set(keyOf(tls.private_key), issued.private_key);
  }
  for (const { kid, alg, private_key, certificate: reference } of settings) {
    if (reference === undefined) {
      const { pem, jwk } = await makeKey(alg);
      texts.set(keyOf(private_key as SecretReference), pem);
      keys.set(kid, { alg, publicJwk: publicHalf(jwk), thumbprint: undefined });
    } else {
      const certified = await makeCertifiedRsaKey();
      texts.set(keyOf(private_key as SecretReference), certified.pem);
      texts.set(keyOf(reference), certified.certificate);
      const { fingerprint256, publicKey } = new X509Certificate(certified.certificate);
      const thumbprint = Buffer.from(fingerprint256.replaceAll(":", ""), "hex").toString("base64url");
      keys.set(kid, { alg, publicJwk: publicKey.export({ format: "jwk" }) as JWK, thumbprint });
    }
  }
  return { texts, keys, certificate };
}

function publicHalf({ kty, crv, x, y, n, e }: JWK): JWK {
  return JSON.parse(JSON.stringify({ kty, crv, x, y, n, e }));
}

const RSA = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
};

export async function makeCertifiedRsaKey(): Promise<{ pem: string; certificate: string }> {
  const keys = await crypto.subtle.generateKey(RSA, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=token-proxy",
    keys,
    signingAlgorithm: RSA,
  });
  return { pem: await exportPKCS8(keys.privateKey), certificate: certificate.toString("pem") };
}
