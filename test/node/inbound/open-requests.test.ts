// Which requests are in flight on which connection, and the limit of one connection.

import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { expect, it } from "vitest";
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
    const response = new EventEmitter() as ServerResponse;
    return { response, isAdmitted: requests.admit({ socket } as IncomingMessage, response) };
  };
  return { requests, connect, admit };
}

it("lists requests without a response, in whatever order responses are sent", () => {
  const { requests, connect, admit } = setUp();
  const [one, other] = [connect(), connect()];
  const open = new Set([one, one, one, other].map((socket) => admit(socket).response));
  expect(new Set(requests.responses())).toEqual(open);
  const [first, second, third, fourth] = [...open];
  for (const response of [second, first, fourth, third] as ServerResponse[]) {
    response.emit("close");
    open.delete(response);
    expect(new Set(requests.responses())).toEqual(open);
  }
});

it("destroys a connection with one request more than the limit, and no other connection", () => {
  const { connect, admit } = setUp();
  const socket = connect();
  const admitted = Array.from({ length: MAX_OPEN_REQUESTS }, () => admit(socket));
  expect(admitted.every(({ isAdmitted }) => isAdmitted)).toBe(true);
  expect([admit(socket).isAdmitted, socket.destroyed]).toEqual([false, true]);
  expect(admit(connect()).isAdmitted).toBe(true);
});

it("does not count requests that have their response", () => {
  const { connect, admit } = setUp();
  const socket = connect();
  for (let i = 0; i < 3 * MAX_OPEN_REQUESTS; i++) {
    const { response, isAdmitted } = admit(socket);
    expect(isAdmitted).toBe(true);
    response.emit("close");
  }
});

it("admits nothing on a refused connection, and forgets a closed one", () => {
  const { requests, connect, admit } = setUp();
  const socket = connect();
  admit(socket);
  requests.refuse(socket);
  expect([admit(socket).isAdmitted, socket.destroyed, requests.responses().length]).toEqual([false, false, 1]);
  socket.emit("close");
  expect(requests.responses()).toEqual([]);
});
