// A peer on HTTP/2 that sends the frames of some responses twice, late, or in pieces: the
// counterpart of shifting-peer.ts.

import { once } from "node:events";
import { createServer } from "node:http2";
import { connect, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { listenLocally } from "./port.ts";
import {
  answerFault,
  type Faults,
  type PeerAnswer,
  pauseFor,
  type Random,
  type ShiftingPeer,
} from "./shifting-peer.ts";
import { randomFrom } from "./soak-provider.ts";

const HEADERS = 1;
const DATA = 0;
const END_STREAM = 1;
const FRAME_HEAD_BYTES = 9;

/** @param answer as for startShiftingPeer */
export async function startShiftingHttp2(
  answer: PeerAnswer,
  faults: Faults & { tls: TlsOptions },
): Promise<ShiftingPeer> {
  const { duplicate = 0, delay = 0, split = false, seed = 1, tls } = faults;
  const random = randomFrom(seed);
  // Without a table of headers in the connection, the frames of a response can be sent twice.
  const server = createServer({ maxDeflateDynamicTableSize: 0 });
  server.on("sessionError", () => {});
  server.on("stream", async (stream, headers) => {
    stream.on("error", () => {});
    let body = "";
    for await (const chunk of stream.setEncoding("utf8")) body += chunk;
    peer.requests += 1;
    const target = String(headers[":path"]);
    const response = answer({ target, headers: `x-nonce: ${headers["x-nonce"]}\r\n`, body });
    if (delay > 0) await pauseFor(random, delay);
    if (stream.destroyed) return;
    const fault = answerFault(response);
    if (fault === "nothing") return;
    if (fault === "cut off") return stream.close(2);
    const { status, text } = fault ?? { status: 200, text: response as string };
    stream.respond({
      ":status": status,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
    });
    stream.end(text);
  });
  const port = await listenLocally(server);

  const sockets = new Set<Socket>();
  const front = createTlsServer({ ...tls, ALPNProtocols: ["h2"] }, (client) => {
    peer.connections += 1;
    const inner = connect(port, "127.0.0.1");
    for (const socket of [client, inner]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.once("close", () => {
        sockets.delete(socket);
        client.destroy();
        inner.destroy();
      });
    }
    client.pipe(inner);
    const isTwice = () => {
      const result = random() * 1_000 < Number(duplicate);
      if (result) peer.duplicates += 1;
      return result;
    };
    inner.on("data", disturb(client, random, split, isTwice));
  });
  front.on("tlsClientError", () => {});

  const peer: ShiftingPeer = {
    port: await listenLocally(front),
    connections: 0,
    requests: 0,
    duplicates: 0,
    async close() {
      for (const socket of sockets) socket.destroy();
      front.close();
      server.close();
      await once(front, "close");
    },
  };
  return peer;
}

/**
 * @returns a function that takes the bytes of the server and passes frames on, those of some
 * responses twice
 */
function disturb(client: Socket, random: Random, split: boolean, isTwice: () => boolean) {
  let received = Buffer.alloc(0);
  const responses = new Map<number, Buffer[]>();
  let last: Promise<void> = Promise.resolve();
  const send = (bytes: Buffer, wait: number) => {
    last = last.then(async () => {
      if (wait > 0) await pauseFor(random, wait);
      const middle = split ? Math.floor(random() * bytes.length) : 0;
      client.write(bytes.subarray(0, middle));
      client.write(bytes.subarray(middle));
    });
  };
  return (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
    for (;;) {
      const length = FRAME_HEAD_BYTES + (received.length < FRAME_HEAD_BYTES ? 0 : received.readUIntBE(0, 3));
      if (received.length < Math.max(length, FRAME_HEAD_BYTES)) return;
      const frame = received.subarray(0, length);
      received = received.subarray(length);
      send(frame, 0);
      const [type, flags, stream] = [frame[3], frame[4] as number, frame.readUInt32BE(5)];
      if (type !== HEADERS && type !== DATA) continue;
      const frames = [...(responses.get(stream) ?? []), frame];
      responses.set(stream, frames);
      if ((flags & END_STREAM) === 0) continue;
      responses.delete(stream);
      if (isTwice()) send(Buffer.concat(frames), random() < 0.5 ? 5 : 0);
    }
  };
}
