// A variant that runs, and has shown that it answers with the provider's bytes.

import { join } from "node:path";
import { assertAnswer, type Call, firstAnswer } from "./call.ts";
import { type Child, freePort, startChild } from "./child.ts";
import { TOKEN_BYTES, tokenResponse } from "./provider.ts";
import { type ProxyOptions, writeProxyConfig } from "./proxy-config.ts";
import { type Usage, usage } from "./system.ts";
import { DEFAULT_CLI, PROXY_PATH, type Variant } from "./variants.ts";

export interface Running {
  name: string;
  child: Child;
  call: Call;
  expected: string;
  /** From its spawn to its first answer, in seconds. */
  startSeconds: number;
  usage(): Usage;
  stop(): Promise<void>;
}

export interface RunningOptions {
  folder: string;
  cores: string | undefined;
  /** By the length of its answer. */
  tokenEndpoint(bytes?: number): string;
  bytes?: number;
  nodeArgs?: readonly string[];
  cli?: string | undefined;
  proxy?: Pick<ProxyOptions, "count" | "processes">;
}

/** @throws where it does not start, or answers with anything else */
export async function startVariant(variant: Variant, options: RunningOptions): Promise<Running> {
  const { folder, cores, bytes = TOKEN_BYTES, nodeArgs = [], cli = DEFAULT_CLI, proxy = {} } = options;
  const { name } = variant;
  const port = await freePort();
  const tokenEndpoint = options.tokenEndpoint(bytes);
  const prepared = variant.prepare({ folder, port, tokenEndpoint, nodeArgs, cli, proxy });
  // Who needs no key is called with the same body.
  const { headers, body } = prepared.call ?? writeProxyConfig(folder, "unused", { port, tokenEndpoint });
  const call = { url: `http://127.0.0.1:${port}${PROXY_PATH}`, headers, body };
  const expected = tokenResponse(bytes);
  const command = { ...prepared, env: { ...prepared.env, ANSWER: expected } };
  const startedAt = performance.now();
  const child = startChild(command, cores, join(folder, `${name}.log`));
  const stop = () => child.stop(prepared.command === process.execPath ? "SIGINT" : "SIGTERM");
  try {
    const answer = await firstAnswer(call, child, name);
    const startSeconds = (performance.now() - startedAt) / 1_000;
    assertAnswer(answer, expected, name);
    return { name, child, call, expected, startSeconds, usage: () => usage(child.pid), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
