// The static provider, and nextAuth Server. It answers at once: nearly all the work is the variant's.

import { join } from "node:path";
import { assertAnswer, waitForAnswer } from "./call.ts";
import { freePort, startChild } from "./child.ts";
import { hasNginx, nginxProvider } from "./nginx.ts";
import { BENCH } from "./place.ts";
import { SESSION } from "./proxy-config.ts";

export const TOKEN_BYTES = 1_024;
const TOKEN_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

export interface Provider {
  tokenEndpoint(bytes?: number): string;
  stop(): Promise<void>;
}

export interface ProviderOptions {
  folder: string;
  cores: string | undefined;
  /** The lengths of its answers; each has a path. */
  sizes?: readonly number[];
  /** Milliseconds before each answer. nginx cannot wait, so Node answers then. */
  delay?: number;
}

/** A token response of exactly this length. */
export function tokenResponse(bytes: number): string {
  const write = (access_token: string) => JSON.stringify({ access_token, token_type: "Bearer", expires_in: 300 });
  const letters = bytes - write("").length;
  return write(TOKEN_LETTERS.repeat(Math.ceil(letters / TOKEN_LETTERS.length)).slice(0, letters));
}

export async function startProvider({
  folder,
  cores,
  sizes = [TOKEN_BYTES],
  delay = 0,
}: ProviderOptions): Promise<Provider> {
  const port = await freePort();
  const answers = new Map([...sizes.map((bytes) => [`/token/${bytes}`, tokenResponse(bytes)] as const), SESSION]);
  const isNginx = delay === 0 && hasNginx();
  const command = isNginx
    ? nginxProvider(folder, port, answers)
    : {
        command: process.execPath,
        args: [join(BENCH, "programs/provider.js")],
        env: { PORT: String(port), DELAY_MS: String(delay), ANSWERS: JSON.stringify(Object.fromEntries(answers)) },
      };
  const child = startChild(command, cores, join(folder, "provider.log"));
  const stop = () => child.stop("SIGTERM");
  const tokenEndpoint = (bytes = TOKEN_BYTES) => `http://127.0.0.1:${port}/token/${bytes}`;
  try {
    for (const [path, text] of answers) {
      const call = { url: `http://127.0.0.1:${port}${path}`, headers: {}, body: "" };
      const answer = await waitForAnswer(call, child, "the provider");
      assertAnswer(answer, text, "the provider");
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { tokenEndpoint, stop };
}
