// A provider for the isolation test: answers out of order, sometimes with a fault, keeps the bytes.
// Below /home and /broker, it is two others, whose tokens a chained request must contain.

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listenLocally } from "./port.ts";

/** How a request is answered: with a token, or with a fault. */
export const KINDS = ["token", "500", "reset", "truncated", "200 with error", "invalid_grant", "slow"] as const;
export type Kind = (typeof KINDS)[number];

/** So rare that ten faults in a row, which would suspend the provider, never happen. */
const ONE_IN = 150;
const MAX_DELAY_MS = 50;

/** What the provider sent, or wanted to send, for one call. */
export interface Said {
  kind: Kind;
  /** 0 if there is no answer. */
  status: number;
  bytes: Buffer;
  /** Milliseconds that it waits. */
  delay: number;
}

export interface SoakProvider {
  tokenEndpoint: string;
  homeEndpoint: string;
  brokerEndpoint: string;
  /** By the id of the call, which is a parameter. */
  said: Map<string, Said>;
  /** Requests for a call that was answered already, with another user, or with another's token. */
  wrongRequests: string[];
  /** Requests for the token that is kept for all calls. */
  brokerRequests: number;
  /** Without faults. */
  calm: boolean;
  close(): Promise<void>;
}

/** @returns numbers from 0 to 1, the same for the same seed */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    // A linear congruential generator with the constants of Numerical Recipes.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The id of a call starts with its user. */
export function userOf(callId: string): string {
  return callId.split(".", 1)[0] as string;
}

/** @param slow milliseconds after which the proxy has given up */
export async function startSoakProvider(seed: number, slow: number): Promise<SoakProvider> {
  const random = randomFrom(seed);
  const atHome = new Set<string>();
  const server = createServer({ keepAliveTimeout: 60_000 }, async (incoming, outgoing) => {
    const form = new URLSearchParams(await readText(incoming));
    if (incoming.url === "/broker") {
      provider.brokerRequests += 1;
      const said = issueBrokersToken(provider.brokerRequests, random);
      setTimeout(() => act(outgoing, said), said.delay);
      return;
    }
    const callId = form.get("callid") ?? "";
    const user = form.get("userid") ?? "";
    const isAtHome = incoming.url === "/home";
    const isRepeated = provider.said.has(callId) || (isAtHome && atHome.has(callId));
    if (isRepeated || user !== userOf(callId) || hasWrongToken(form)) provider.wrongRequests.push(form.toString());
    const said = decide(user, callId, provider.calm, random, slow, isAtHome ? HOME_TOKEN : "token-of-");
    // A fault at home ends the call, and so is what the caller must get.
    // A slow one may still be in time, if the proxy's timer is late.
    if (isAtHome && (said.kind === "token" || said.kind === "slow")) atHome.add(callId);
    else provider.said.set(callId, said);
    setTimeout(() => act(outgoing, said), said.delay);
  });
  server.on("connection", (socket) => socket.on("error", () => {})); // slow answers are cut off
  const url = `http://127.0.0.1:${await listenLocally(server)}`;
  const provider: SoakProvider = {
    tokenEndpoint: `${url}/token`,
    homeEndpoint: `${url}/home`,
    brokerEndpoint: `${url}/broker`,
    brokerRequests: 0,
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

const HOME_TOKEN = "home-of-";
/** Seconds: from never kept to kept for a moment, so that it is requested again all the time. */
const MAX_LIFETIME_S = 0.1;

function issueBrokersToken(number: number, random: () => number): Said {
  const expires_in = Math.max(0, random() * 1.5 - 0.5) * MAX_LIFETIME_S;
  const bytes = Buffer.from(JSON.stringify({ access_token: `broker-${number}`, expires_in }));
  return { kind: "token", delay: random() * MAX_DELAY_MS, status: 200, bytes };
}

/** A chained request must contain the token of its own call, and the one that is for all. */
function hasWrongToken(form: URLSearchParams): boolean {
  if (!form.has("subject_token")) return false;
  const [own, broker] = [form.get("subject_token"), form.get("actor_token") ?? ""];
  return own !== `${HOME_TOKEN}${form.get("userid")}-for-${form.get("callid")}` || !/^broker-\d+$/.test(broker);
}

/** The answer repeats user and call of the request, so that a mix-up of requests is noticed too. */
function decide(user: string, callId: string, calm: boolean, random: () => number, slow: number, prefix: string): Said {
  const fault = KINDS[1 + Math.floor(random() * ONE_IN)];
  const kind = calm || fault === undefined ? "token" : fault;
  const delay = kind === "slow" ? slow : random() * MAX_DELAY_MS;
  const padding = "p".repeat(random() * 2_000);
  const token = `{ "access_token":"${prefix}${user}-for-${callId}",\n  "token_type":"N_A", "pad":"${padding}" }\n`;
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
  // In two pieces, so that pieces of different answers alternate.
  outgoing.write(bytes.subarray(0, bytes.length >> 1));
  outgoing.end(bytes.subarray(bytes.length >> 1));
}

async function readText(incoming: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of incoming.setEncoding("utf8")) text += chunk;
  return text;
}
