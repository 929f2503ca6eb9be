// The recipe of docs/operations.md: spans over OTLP to a collector.

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { callGetToken } from "../support/call.ts";
import { useService } from "../support/service.ts";

const service = useService();
/** Inside the project, so that the imports of the recipe are found. */
let recipe: string;
let collector: Server;
/** Path, media type and payload; protobuf contains texts unchanged. */
const received: string[] = [];

beforeAll(async () => {
  await mkdir("build", { recursive: true });
  recipe = await mkdtemp(resolve("build/otel-"));
  const page = await readFile("docs/operations.md", "utf8");
  await writeFile(`${recipe}/otel.mjs`, /```js\n(import .*?)```/s.exec(page)?.[1] as string);
  collector = createServer(async (request, response) => {
    const text = (await buffer(request)).toString("latin1");
    received.push(`${request.url} ${request.headers["content-type"]} ${text}`);
    response.end();
  });
  await new Promise<void>((done) => collector.listen(0, "127.0.0.1", done));
});
afterAll(async () => {
  collector?.close();
  await rm(recipe, { recursive: true });
});

it("sends a call's spans to a collector, with their names and the service's, and no identity", async () => {
  await service.configure();
  const { port } = collector.address() as { port: number };
  const proxy = await service.start({
    env: { NODE_OPTIONS: `--import ${recipe}/otel.mjs`, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` },
  });
  await callGetToken(proxy.listen);
  await expect.poll(() => received.join()).toContain("provider");
  const all = received.join();
  expect(all).toMatch(/^\/v1\/traces application\/x-protobuf /);
  for (const text of ["nextauth-token-proxy", "POST /getToken"]) expect(all).toContain(text);
  expect(all).not.toContain("alice");
  expect(proxy.lines("call")[0]).toHaveProperty("trace_id");
});
