// The obvious relay with Hono: its Node server and the global fetch.

import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { FORM, HEADERS, PORT, TOKEN_ENDPOINT } from "./upstream.js";

const app = new Hono().post("/getToken", async (c) => {
  await c.req.text();
  const answer = await fetch(TOKEN_ENDPOINT, { method: "POST", headers: HEADERS, body: FORM });
  return new Response(answer.body, {
    status: answer.status,
    headers: { "Content-Type": answer.headers.get("content-type") ?? "application/octet-stream" },
  });
});

serve({ fetch: app.fetch, port: PORT, hostname: "127.0.0.1" });
