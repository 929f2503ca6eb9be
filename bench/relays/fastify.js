// Fastify with its relay plugin, @fastify/reply-from.

import replyFrom from "@fastify/reply-from";
import fastify from "fastify";
import { FORM, HEADERS, PORT, TOKEN_ENDPOINT } from "./upstream.js";

const app = fastify();
app.register(replyFrom, { base: TOKEN_ENDPOINT.origin });
app.post("/getToken", (_request, reply) =>
  reply.from(TOKEN_ENDPOINT.pathname, {
    body: FORM,
    contentType: HEADERS["content-type"],
    rewriteRequestHeaders: (_request, headers) => ({ ...HEADERS, "content-length": headers["content-length"] }),
  }),
);
await app.listen({ port: PORT, host: "127.0.0.1" });
