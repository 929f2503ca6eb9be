// A bug becomes a 500 of our own: what it says about itself reaches neither the caller nor the log.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Runtime } from "../../src/app.ts";
import { fakeIds, hashText } from "../support/fakes.ts";
import { buildApp, call, ownAnswer, whole } from "./build-app.ts";

const CANARY = "Zq7xWv4kPj";
const INTERNAL = ownAnswer(
  500,
  "server_error",
  "internal",
  "the proxy failed; its log has the reason under this request_id",
);

const printed: unknown[] = [];
beforeEach(() => {
  printed.length = 0;
  for (const level of ["error", "warn", "info", "log", "debug"] as const) {
    vi.spyOn(console, level).mockImplementation((...values: unknown[]) => void printed.push(...values.map(String)));
  }
});
afterEach(() => {
  vi.restoreAllMocks();
});

function bug(): never {
  throw new TypeError(`${CANARY} is not a function`);
}

/** Parts of the host that fail, from the second time they are used: the first is while the app is built. */
const BUGS: [string, () => Partial<Runtime>][] = [
  ["the transport", () => ({ createTransport: () => bug })],
  ["the transport, asynchronously", () => ({ createTransport: () => async () => bug() })],
  [
    "the hash",
    () => {
      let used = false;
      return {
        hashText: (text) => {
          if (used) bug();
          used = true;
          return hashText(text);
        },
      };
    },
  ],
];

describe("a bug", () => {
  it.each(BUGS)("in %s is a 500 that says nothing of it", async (_, deps) => {
    const { app, lines } = await buildApp({ deps: deps() });
    const answer = await whole(await app.request(call()));
    expect(answer).toEqual(INTERNAL);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level: "error",
      event: "call",
      fields: { request_id: "uuid-1", outcome: "error", error_code: "internal", cause: "TypeError" },
    });
    expect(lines[0]?.fields.stack).toMatch(/^at .*internal-error\.test\.ts/);
    expect(JSON.stringify([answer, lines, printed])).not.toContain(CANARY);
    expect(printed).toEqual([]);
  });

  it("in making the uuid of a template is one too", async () => {
    const ids = fakeIds();
    let used = 0;
    const uuid = () => {
      used += 1;
      return used > 1 ? bug() : ids.uuid();
    };
    const { app, lines } = await buildApp({ provider: { params: { u: "{{uuid}}" } }, deps: { ids: { ...ids, uuid } } });
    expect(await whole(await app.request(call()))).toEqual(INTERNAL);
    expect(JSON.stringify([lines, printed])).not.toContain(CANARY);
  });

  it.each([CANARY, undefined, null, { message: CANARY }, Symbol(CANARY)])(
    "that throws no error is one too",
    async (thrown) => {
      const transport = async () => {
        throw thrown;
      };
      const { app, lines } = await buildApp({ deps: { createTransport: () => transport } });
      expect(await whole(await app.request(call()))).toEqual(INTERNAL);
      expect(lines).toHaveLength(1);
      expect(JSON.stringify([lines, printed])).not.toContain(CANARY);
    },
  );

  it("in the log itself still gives an answer of our own", async () => {
    const { app } = await buildApp({ deps: { log: bug } });
    const answer = await whole(await app.request(call()));
    expect(JSON.stringify([answer, printed])).not.toContain(CANARY);
    expect(answer.headers).toMatchObject({ "content-type": "application/json", "cache-control": "no-store" });
  });

  it("of one call leaves the next one alone", async () => {
    const { app, upstream } = await buildApp();
    const { answer } = upstream;
    upstream.answer = bug;
    expect((await app.request(call())).status).toBe(500);
    upstream.answer = answer;
    expect((await app.request(call())).status).toBe(200);
  });
});
