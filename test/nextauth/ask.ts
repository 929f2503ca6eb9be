// A client of a fake nextAuth Server, with credentials and values that are easy to find in output.

import { Secret } from "../../src/core/secret.ts";
import { createNextAuthClient, type NextAuthSettings } from "../../src/nextauth/client.ts";
import { type FakeProvider, fakeClock, fakeProvider, response } from "../support/fakes.ts";

export const APIKEY = "apikey-Zq7xWv4kPj";
export const SERVERID = "c2VydmVyLTE=";
export const NONCE = "nonce-5f1d7a84db00";
export const USERID = "userid-alice";
/** The key of a server in a list. */
const KEY = "nextauth[1]";

export const LOGGED_IN = { loggedin: true, userid: USERID, accountid: 7 };

export function client(answer: FakeProvider["answer"], settings: Partial<NextAuthSettings> = {}) {
  const server = fakeProvider(answer);
  const transport = server.createTransport({ connect_timeout: 1, connections: 1 });
  const whole = { url: "https://ns.example", timeout: 2_000, ...settings };
  const asking = createNextAuthClient(whole, new Secret(APIKEY), KEY, transport, fakeClock());
  return { ...asking, requests: server.requests };
}

/** Both operations, each with a good answer. */
export const OPERATIONS = {
  getSession: {
    good: LOGGED_IN,
    ask: ({ getSession }: ReturnType<typeof client>) => getSession(SERVERID, NONCE),
  },
  getUserAttributes: {
    good: { mail: "a@b.example" },
    ask: ({ getUserAttributes }: ReturnType<typeof client>) => getUserAttributes(SERVERID, USERID),
  },
};

export type Operation = keyof typeof OPERATIONS;

export function asking(operation: Operation, answer: FakeProvider["answer"]) {
  return OPERATIONS[operation].ask(client(answer));
}

export const answering = (status: number, body: unknown) => () => response(status, body);
