// One call, to see that a variant answers, and with the right bytes, before it is measured.

import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Child } from "./child.ts";

const START_MS = 30_000;
const POLL_MS = 1;
const TOLD_OF_BODY = 300;

/** What is sent to a variant. */
export interface Call {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string;
}

export interface Answer {
  status: number;
  body: string;
}

function callOnce({ url, headers, body }: Call): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method: "POST",
      headers: { ...headers, "Content-Length": Buffer.byteLength(body) },
      agent: false,
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

/**
 * Waits until it listens.
 * @returns its first answer
 * @throws where it ends, or does not listen in time; with what it has written
 */
export async function firstAnswer(call: Call, child: Child, name: string): Promise<Answer> {
  const deadline = performance.now() + START_MS;
  for (;;) {
    try {
      return await callOnce(call);
    } catch (error) {
      if (child.hasEnded()) throw new Error(`${name} ended at its start:\n${child.output()}`);
      if (performance.now() > deadline)
        throw new Error(`${name} does not listen (${(error as Error).message}):\n${child.output()}`);
      await sleep(POLL_MS);
    }
  }
}

/** @throws where the answer is not the provider's, byte for byte */
export function assertAnswer(answer: Answer, expected: string, name: string): void {
  if (answer.status !== 200 || answer.body !== expected) {
    const got = `status ${answer.status}, ${answer.body.length} characters instead of ${expected.length}`;
    throw new Error(`${name} does not answer with the provider's bytes: ${got}: ${answer.body.slice(0, TOLD_OF_BODY)}`);
  }
}
