// A provider for soaks: answers out of order, sometimes with a fault, and names the user in each.

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What becomes of a request. `token` is the good day; the others are faults. */
export const KINDS = ["token", "500", "reset", "truncated", "200 with error", "invalid_grant", "slow"] as const;
export type Kind = (typeof KINDS)[number];

/** So rare that ten faults in a row, which would suspend the provider, do not happen. */
const ONE_IN = 150;
const MAX_DELAY_MS = 50;

/** What the provider said, or meant to say, to one call. */
export interface Said {
  kind: Kind;
  /** Of the answer; 0 where there is none. */
  status: number;
  bytes: Buffer;
  /** Milliseconds that it took on purpose. */
  delay: number;
}

export interface SoakProvider {
  tokenEndpoint: string;
  /** By the id of the call, which travels in a parameter of its own. */
  said: Map<string, Said>;
  /** Requests that repeat a call, or that name another user than that of their call. */
  wrongRequests: string[];
  /** Whether every day is a good one. */
  calm: boolean;
  close(): Promise<void>;
}

/** @returns numbers from 0 to 1, the same for the same seed */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    // The linear congruence of Numerical Recipes: random enough for delays and faults.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The user of a call, whose id starts with it. */
export function userOf(callId: string): string {
  return callId.split(".", 1)[0] as string;
}

/** @param slow milliseconds after which nobody waits for an answer any more */
export async function startSoakProvider(seed: number, slow: number): Promise<SoakProvider> {
  const random = randomFrom(seed);
  const server = createServer({ keepAliveTimeout: 60_000 }, async (incoming, outgoing) => {
    const form = new URLSearchParams(await readText(incoming));
    const callId = form.get("callid") ?? "";
    const user = form.get("userid") ?? "";
    if (provider.said.has(callId) || user !== userOf(callId)) provider.wrongRequests.push(form.toString());
    const said = decide(user, callId, provider.calm, random, slow);
    provider.said.set(callId, said);
    setTimeout(() => act(outgoing, said), said.delay);
  });
  server.on("connection", (socket) => socket.on("error", () => {})); // slow answers are cut off
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  const provider: SoakProvider = {
    tokenEndpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    said: new Map(),
    wrongRequests: [],
    calm: false,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return provider;
}

/** From the user and call of the request, so that a mix-up on the way in shows too. */
function decide(user: string, callId: string, calm: boolean, random: () => number, slow: number): Said {
  const fault = KINDS[1 + Math.floor(random() * ONE_IN)];
  const kind = calm || fault === undefined ? "token" : fault;
  const delay = kind === "slow" ? slow : random() * MAX_DELAY_MS;
  const padding = "p".repeat(random() * 2_000);
  const token = `{ "access_token":"token-of-${user}-for-${callId}",\n  "token_type":"N_A", "pad":"${padding}" }\n`;
  const error = `{"error":"invalid_grant" , "error_description":"user ${user}, call ${callId}"}`;
  switch (kind) {
    case "500":
      return { kind, delay, status: 500, bytes: Buffer.from(token) };
    case "reset":
      return { kind, delay, status: 0, bytes: Buffer.alloc(0) };
    case "200 with error":
      return { kind, delay, status: 200, bytes: Buffer.from(error) };
    case "invalid_grant":
      return { kind, delay, status: 400, bytes: Buffer.from(error) };
    default:
      return { kind, delay, status: 200, bytes: Buffer.from(token) };
  }
}

function act(outgoing: ServerResponse, { kind, status, bytes }: Said): void {
  if (kind === "reset") {
    outgoing.socket?.resetAndDestroy();
    return;
  }
  outgoing.writeHead(status, { "Content-Type": "application/json", "Content-Length": bytes.length });
  if (kind === "truncated") {
    outgoing.write(bytes.subarray(0, bytes.length - 20), () => outgoing.socket?.end());
    return;
  }
  // In two pieces, so that those of different answers lie beside each other on their way.
  outgoing.write(bytes.subarray(0, bytes.length >> 1));
  outgoing.end(bytes.subarray(bytes.length >> 1));
}

async function readText(incoming: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of incoming.setEncoding("utf8")) text += chunk;
  return text;
}
