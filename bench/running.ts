// Starts a variant and checks that it answers with the provider's bytes.

import { join } from "node:path";
import { assertAnswer, type Call, waitForAnswer } from "./call.ts";
import { freePort, startChild } from "./child.ts";
import { type Provider, TOKEN_BYTES, tokenResponse } from "./provider.ts";
import { writeProxyConfig } from "./proxy-config.ts";
import type { Session } from "./session.ts";
import { readUsage, type Usage } from "./system.ts";
import { PROXY_PATH, type Variant, type VariantName } from "./variants.ts";

export interface Running {
  name: VariantName;
  call: Call;
  /** The body that every call must get. */
  expected: string;
  /** From spawn to the first answer, in seconds. */
  startSeconds: number;
  usage(): Usage;
  stop(): Promise<void>;
}

export interface RunningOptions {
  provider: Provider;
  /** The length of the provider's answer. */
  bytes?: number;
  /** The number of callers, providers and routes in the proxy's configuration. */
  count?: number;
  /** The port where it lets itself be profiled. */
  inspector?: number;
}

/** The variants of this run among these. Those with "before" are missing without `--before`. */
export function selectVariants({ variants }: Session, names: readonly VariantName[]): Variant[] {
  return names.flatMap((name) => variants.get(name) ?? []);
}

/** Starts a fresh process, uses it, and stops it in any case. */
export async function withVariant<T>(
  session: Session,
  variant: Variant,
  options: RunningOptions,
  use: (running: Running) => T | Promise<T>,
): Promise<T> {
  const running = await startVariant(session, variant, options);
  try {
    return await use(running);
  } finally {
    await running.stop();
  }
}

/** @throws when the variant does not start, or its answer is not the provider's */
export async function startVariant(
  { folder, pinning }: Session,
  variant: Variant,
  { provider, bytes = TOKEN_BYTES, count = 1, inspector }: RunningOptions,
): Promise<Running> {
  const { name } = variant;
  const port = await freePort();
  const tokenEndpoint = provider.tokenEndpoint(bytes);
  const prepared = variant.prepare({ folder, port, tokenEndpoint, inspector, count });
  // A relay ignores the API key, but gets the same call.
  const { headers, body } = prepared.call ?? writeProxyConfig(folder, "unused", { port, tokenEndpoint });
  const call = { url: `http://127.0.0.1:${port}${PROXY_PATH}`, headers, body };
  const expected = tokenResponse(bytes);
  const command = { ...prepared, env: { ...prepared.env, ANSWER: expected } };
  const startedAt = performance.now();
  const child = startChild(command, pinning.variant, join(folder, `${name}.log`));
  const stop = () => child.stop(prepared.command === process.execPath ? "SIGINT" : "SIGTERM");
  try {
    const answer = await waitForAnswer(call, child, name);
    const startSeconds = (performance.now() - startedAt) / 1_000;
    assertAnswer(answer, expected, name);
    return { name, call, expected, startSeconds, usage: () => readUsage(child.pid), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
