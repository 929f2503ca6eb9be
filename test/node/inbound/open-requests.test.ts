// Which answers are open on which connection, whatever order they are sent in.

import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { OpenRequests } from "../../../src/node/inbound/open-requests.ts";

const MAX_OPEN_REQUESTS = 32;

class FakeSocket extends EventEmitter {
  destroyed = false;
  destroy(): void {
    this.destroyed = true;
  }
}

function setUp() {
  const requests = new OpenRequests();
  const connect = () => new FakeSocket() as unknown as Socket & FakeSocket;
  const admit = (socket: Socket) => {
    const outgoing = new EventEmitter() as ServerResponse;
    return { outgoing, isAdmitted: requests.admit({ socket } as IncomingMessage, outgoing) };
  };
  return { requests, connect, admit };
}

describe("open requests", () => {
  it("are those without an answer, also where a later one is answered first", () => {
    const { requests, connect, admit } = setUp();
    const [one, other] = [connect(), connect()];
    const answers = [one, one, one, other].map((socket) => admit(socket).outgoing);
    expect(requests.answers()).toEqual(answers);
    for (const index of [1, 0, 3, 2]) {
      answers[index]?.emit("close");
      answers.splice(index, 1, undefined as never);
      const left = answers.filter((answer) => answer !== undefined);
      expect(new Set(requests.answers())).toEqual(new Set(left));
      expect(requests.size).toBe(left.length);
    }
  });

  it("are so many on a connection, and the next one ends it; on another one there is room", async () => {
    const { connect, admit } = setUp();
    const socket = connect();
    const admitted = Array.from({ length: MAX_OPEN_REQUESTS }, () => admit(socket));
    expect(admitted.every(({ isAdmitted }) => isAdmitted)).toBe(true);
    expect([admit(socket).isAdmitted, socket.destroyed]).toEqual([false, true]);
    expect(admit(connect()).isAdmitted).toBe(true);
  });

  it("may follow once those before are answered", () => {
    const { connect, admit } = setUp();
    const socket = connect();
    for (let i = 0; i < 3 * MAX_OPEN_REQUESTS; i++) {
      const { outgoing, isAdmitted } = admit(socket);
      expect(isAdmitted).toBe(true);
      outgoing.emit("close");
    }
  });

  it("are none on a connection that is refused, and are forgotten with it", () => {
    const { requests, connect, admit } = setUp();
    const socket = connect();
    admit(socket);
    requests.refuse(socket);
    expect([admit(socket).isAdmitted, socket.destroyed, requests.size]).toEqual([false, false, 1]);
    socket.emit("close");
    expect(requests.answers()).toEqual([]);
  });
});
