// What is put off to the end of a turn runs then, in order, and with nothing between.

import { AsyncLocalStorage } from "node:async_hooks";
import { expect, it } from "vitest";
import { atEndOfTurn } from "../../../src/node/fast-path/turn.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

it("all that is put off runs once, in order, before any promise goes on", async () => {
  const order: string[] = [];
  for (const name of ["a", "b", "c"]) {
    atEndOfTurn(() => {
      order.push(name);
      void Promise.resolve().then(() => order.push(`after ${name}`));
    });
  }
  await Promise.resolve();
  expect(order).toEqual([]);
  await turn();
  expect(order).toEqual(["a", "b", "c", "after a", "after b", "after c"]);
  await turn();
  expect(order.length).toBe(6);
});

it("what is put off meanwhile runs in the next turn", async () => {
  const order: string[] = [];
  atEndOfTurn(() => {
    order.push("first");
    atEndOfTurn(() => order.push("second"));
  });
  await turn();
  expect(order).toEqual(["first"]);
  await turn();
  expect(order).toEqual(["first", "second"]);
});

it("nothing runs in the context of somebody else's call", async () => {
  const storage = new AsyncLocalStorage<string>();
  const contexts: (string | undefined)[] = [];
  for (const user of ["alice", "bob"]) {
    storage.run(user, () => atEndOfTurn(() => contexts.push(storage.getStore())));
  }
  await turn();
  expect(contexts).toEqual([undefined, undefined]);
});
