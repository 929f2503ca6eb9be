// The providers and nextAuth Servers of the soak: one of each on HTTP/2, one of each whose
// connections are used once.

import { makeAuthority } from "../support/keys.ts";
import { startShiftingHttp2 } from "../support/shifting-http2.ts";
import { type PeerAnswer, type PeerRequest, type Random, startShiftingPeer } from "../support/shifting-peer.ts";

/** Of 1,000 requests to a provider; rare enough that the breaker does not open. */
const FAULTS: [number, ReturnType<PeerAnswer>][] = [
  [4, "cut off"],
  [4, { status: 429 }],
  [1, "nothing"],
];
const PEER = { duplicate: 20, delay: 20, split: true };

export type Peers = Awaited<ReturnType<typeof startPeers>>;

/**
 * @param shifts whether the second provider and its connections are such that users get wrong
 * tokens
 */
export async function startPeers(users: number, random: Random, { shifts, seed }: { shifts: boolean; seed: number }) {
  const authority = await makeAuthority();
  const { certificate, private_key } = await authority.issue("127.0.0.1", { ips: ["127.0.0.1"] });
  const tls = { cert: certificate, key: private_key };
  const nonces = Array.from({ length: users }, (_, user) => `nonce-${user}-${Math.floor(random() * 1e9)}`);
  const userOfNonce = new Map(nonces.map((nonce, user) => [nonce, `user-${user}`]));
  /** What the providers have said in the present call of each user. */
  const said = new Map<string, Buffer[]>();
  const wrongRequests: string[] = [];
  let tokens = 0;

  const token: PeerAnswer = ({ body }) => {
    const form = new URLSearchParams(body);
    const user = form.get("userid") ?? "";
    if (userOfNonce.get(form.get("nonce") ?? "") !== user) wrongRequests.push(`a token for ${user} was requested`);
    let dice = random() * 1_000;
    for (const [share, fault] of FAULTS) {
      dice -= share;
      if (dice < 0) return fault;
    }
    tokens += 1;
    const padding = "p".repeat(random() * 1_500);
    const text = `{ "access_token":"token ${tokens} of ${user}",\n "n":9007199254740993, "pad":"${padding}\\u0041" }\n`;
    said.set(user, [...(said.get(user) ?? []), Buffer.from(text)]);
    return text;
  };
  const session: PeerAnswer = ({ headers }: PeerRequest) => {
    const userid = userOfNonce.get(/x-nonce: (\S+)/i.exec(headers)?.[1] ?? "");
    return JSON.stringify(userid === undefined ? { loggedin: false } : { loggedin: true, userid });
  };
  const all = {
    http2Provider: await startShiftingHttp2(token, { ...PEER, tls, seed: seed + 10 }),
    provider: await startShiftingPeer(token, { ...PEER, shifts, seed: seed + 11 }),
    http2NextAuth: await startShiftingHttp2(session, { ...PEER, tls, seed: seed + 12 }),
    nextauth: await startShiftingPeer(session, { ...PEER, seed: seed + 13 }),
  };
  return {
    ...all,
    ca: authority.certificate,
    shifts,
    nonces,
    said,
    wrongRequests,
    duplicates: () => Object.values(all).reduce((sum, { duplicates }) => sum + duplicates, 0),
    close: async () => void (await Promise.all(Object.values(all).map((peer) => peer.close()))),
  };
}
