// One call, to check before a measurement that a variant answers with the right bytes.

import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Child } from "./child.ts";

const START_MS = 30_000;
const CALL_MS = 10_000;
const POLL_MS = 1;
const QUOTED_CHARACTERS = 300;

export interface Call {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string;
}

export interface Answer {
  status: number;
  body: string;
}

/**
 * Calls a process that has just been started until it listens.
 *
 * @throws with the process's output, when it ends or does not listen in time
 */
export async function waitForAnswer(call: Call, child: Child, name: string): Promise<Answer> {
  const deadline = performance.now() + START_MS;
  for (;;) {
    try {
      return await sendCall(call);
    } catch (error) {
      if (child.hasEnded()) throw new Error(`${name} ended during its start:\n${child.output()}`);
      if (performance.now() > deadline) {
        throw new Error(`${name} does not answer (${(error as Error).message}):\n${child.output()}`);
      }
      await sleep(POLL_MS);
    }
  }
}

/** @throws when the answer is not the provider's, byte for byte */
export function assertAnswer(answer: Answer, expected: string, name: string): void {
  if (answer.status === 200 && answer.body === expected) return;
  const found = `status ${answer.status} with ${answer.body.length} instead of ${expected.length} characters`;
  throw new Error(`${name} changes the provider's answer: ${found}: ${answer.body.slice(0, QUOTED_CHARACTERS)}`);
}

function sendCall({ url, headers, body }: Call): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method: "POST",
      headers: { ...headers, "Content-Length": Buffer.byteLength(body) },
      agent: false,
      signal: AbortSignal.timeout(CALL_MS),
    });
    sent.once("error", reject);
    sent.once("response", async (response) => {
      try {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk);
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
      } catch (error) {
        reject(error);
      }
    });
    sent.end(body);
  });
}
