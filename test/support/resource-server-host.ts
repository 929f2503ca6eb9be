// Starts the tests' resource server on the runtime under test, on a real socket.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { listen } from "../../src/node/inbound/listener.ts";
import { RESOURCE_SERVER_BUILD } from "./build-worker.ts";
import { RUNTIME } from "./host.ts";
import { createResourceServer, type ResourceServerSettings } from "./resource-server.ts";
import { serveWorkerd } from "./workerd.ts";

export interface ResourceServer {
  url: string;
  close(): Promise<unknown>;
}

export async function startResourceServer(settings: ResourceServerSettings): Promise<ResourceServer> {
  if (RUNTIME === "node") {
    const { url, close } = await listen(
      createResourceServer(settings).fetch,
      { host: "127.0.0.1", port: 0 },
      "resource server",
    );
    return { url, close: () => close(0) };
  }
  const text = await readFile(join(RESOURCE_SERVER_BUILD, "resource-server.js"), "utf8");
  const bindings = { SETTINGS: JSON.stringify(settings) };
  return serveWorkerd({ modules: [{ name: "worker.js", kind: "esModule", text }], bindings });
}
