// Issues tokens as a Kubernetes cluster does, and projects them into a folder as kubelet does.

import { once } from "node:events";
import { mkdir, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { listenLocally } from "./port.ts";

const SERVICE_ACCOUNT = "system:serviceaccount:bank:token-proxy";

export interface TokenChanges {
  aud?: string | string[];
  /** From now. */
  expiresInSeconds?: number;
}

/** @param aud of the tokens, unless a change says otherwise */
export async function startKubernetesIssuer(aud: string) {
  const { privateKey, publicKey } = await generateKeyPair("RS256");
  const keys = [{ ...(await exportJWK(publicKey)), kid: "cluster", alg: "RS256", use: "sig" }];
  const server = createServer((request, response) => {
    const documents: Record<string, object> = {
      "/.well-known/openid-configuration": { issuer: url, jwks_uri: `${url}/openid/v1/jwks` },
      "/openid/v1/jwks": { keys },
    };
    const found = documents[request.url ?? ""];
    response.writeHead(found === undefined ? 404 : 200, { "Content-Type": "application/json" });
    response.end(JSON.stringify(found ?? {}));
  });
  const url = `http://127.0.0.1:${await listenLocally(server)}`;

  /** As an API server makes it: a list of audiences, and who asks in a claim that is an object. */
  function token({ aud: audience = aud, expiresInSeconds = 3_600 }: TokenChanges = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const pod = { namespace: "bank", serviceaccount: { name: "token-proxy" } };
    return new SignJWT({ "kubernetes.io": pod, jti: crypto.randomUUID() })
      .setProtectedHeader({ alg: "RS256", kid: "cluster" })
      .setIssuer(url)
      .setSubject(SERVICE_ACCOUNT)
      .setAudience([audience].flat())
      .setIssuedAt(now - 5)
      .setExpirationTime(now + expiresInSeconds)
      .sign(privateKey);
  }

  let projections = 0;
  return {
    url,
    token,
    /** Writes `FOLDER/token`, a link into `..data`, which is itself a link and swapped at once. */
    async project(folder: string, text: string): Promise<void> {
      const version = `..${projections++}`;
      const before = await readlink(join(folder, "..data")).catch(() => undefined);
      await mkdir(join(folder, version), { recursive: true });
      await writeFile(join(folder, version, "token"), `${text}\n`);
      await symlink(version, join(folder, "..data_tmp"));
      await rename(join(folder, "..data_tmp"), join(folder, "..data"));
      if (before === undefined) await symlink("..data/token", join(folder, "token"));
      else await rm(join(folder, before), { recursive: true });
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
