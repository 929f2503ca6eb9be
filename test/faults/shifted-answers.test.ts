// A peer that sends one response twice on a connection that stays open: every later answer on it belongs to the call before.

import { afterEach, describe, expect, it } from "vitest";
import { CALL, callGetToken } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { type Host, startHost } from "../support/host.ts";
import { type ShiftingPeer, startShiftingPeer } from "../support/shifting-peer.ts";

const CALLS = 50;

let peer: ShiftingPeer;
let host: Host;
afterEach(async () => {
  await host?.close();
  await peer?.close();
});

const tokenOf = (user: string | null) => `{"access_token":"token-of-${user}"}`;

async function callAll(provider: object): Promise<string[]> {
  peer = await startShiftingPeer(({ body }) => tokenOf(new URLSearchParams(body).get("userid")), {
    duplicate: [1],
    shifts: true,
  });
  host = await startHost(fileConfig(`http://127.0.0.1:${peer.port}/token`, { provider }), SECRETS, { runtime: "node" });
  const wrong: string[] = [];
  for (let i = 0; i < CALLS; i++) {
    const answer = await callGetToken(host.url, { body: { ...CALL, userid: `user-${i}` } });
    if (answer.status === 200 && answer.text !== tokenOf(`user-${i}`)) wrong.push(`user-${i} got ${answer.text}`);
  }
  return wrong;
}

describe("a provider that sends one response twice", () => {
  it("gives no user the token of another", async () => {
    expect(await callAll({})).toEqual([]);
  });
});
