// The tests' resource server, for both runtimes: one path for webNonces, one for access tokens.

import { Hono } from "hono";
import { type AccessTokenAlgorithm, accessToken, webNonceSession } from "../../src/resource-server/index.ts";

export interface ResourceServerSettings {
  nextauth: { url: string; apikey: string; serverid: string };
  issuer: string;
  audience: string;
  algorithm: AccessTokenAlgorithm;
  jwks_uri: string;
  /** Milliseconds. */
  cacheMaxAge: number;
}

export function createResourceServer({ nextauth, algorithm, ...token }: ResourceServerSettings): Hono {
  const app = new Hono();
  app.get("/session", webNonceSession(nextauth), (c) => c.json({ userid: c.var.userid, accountid: c.var.accountid }));
  app.get("/accounts", accessToken({ ...token, algorithms: [algorithm], cooldown: 0 }), (c) =>
    c.json({ sub: c.var.claims.sub }),
  );
  return app;
}

let app: Hono | undefined;

/** The Worker; its settings are a text binding. */
export default {
  async fetch(request: Request, env: { SETTINGS: string }): Promise<Response> {
    app ??= createResourceServer(JSON.parse(env.SETTINGS));
    return app.fetch(request);
  },
};
