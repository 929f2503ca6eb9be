// A bug whose message quotes a secret is logged without it, also when it ends the process.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { callGetToken } from "../support/call.ts";
import { search } from "../support/canaries.ts";
import { type Host, startHost } from "../support/host.ts";
import { callOf } from "../support/leak-scenarios.ts";
import { CANARIES, SECRETS, startWorld, type World } from "../support/leak-world.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const ALL = Object.values(CANARIES);

let world: World;
const folder = temporaryFolder();
let host: Host | undefined;

beforeAll(async () => {
  world = await startWorld();
});
afterEach(() => host?.close());
afterAll(() => world?.close());

describe("a bug whose message quotes a secret", () => {
  /** Hashing, which every API key comes by, fails for some of them. */
  const PRELOAD = `import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
const { hash } = crypto;
crypto.hash = (algorithm, bytes, encoding) => {
  const text = Buffer.from(bytes).toString("latin1");
  const bug = () => { throw new TypeError("cannot hash " + text + "\\n    at " + text + "\\n"); };
  if (text.includes("bug in a call")) bug();
  if (text.includes("bug in a timer")) setImmediate(bug);
  if (text.includes("bug in a promise")) Promise.reject(new TypeError(text));
  if (text.includes("bug in Node")) setImmediate(() => Buffer.from(Symbol(text + "\\n    at " + text)));
  return hash(algorithm, bytes, encoding);
};
syncBuiltinESMExports();`;

  async function startWithBugs(): Promise<Host> {
    const path = join(folder, "bugs.mjs");
    await writeFile(path, PRELOAD);
    host = await startHost(world.file, { ...SECRETS, NODE_OPTIONS: `--import ${path}` }, { runtime: "node" });
    return host;
  }
  const keyOf = (bug: string) => callOf("main", { headers: { "X-apikey": `${bug} ${CANARIES.wrongApikey.text}` } });

  it("is logged in a call only by its name and place", async () => {
    const host = await startWithBugs();
    const answer = await callGetToken(host.url, keyOf("bug in a call"));
    expect(answer.json()).toMatchObject({ error_code: "internal" });
    await expect.poll(() => host.output()).toContain('"cause":"TypeError","stack":"at bug');
    expect(search(host.output() + answer.text, ALL)).toEqual([]);
  });

  it.each(["bug in a timer", "bug in a promise", "bug in Node"])(
    "is logged the same way when it ends the process: %s",
    async (bug) => {
      const host = await startWithBugs();
      await callGetToken(host.url, keyOf(bug)).catch(() => {}); // the process may end first
      await expect.poll(() => host.process.exitCode).toBe(1);
      await expect.poll(() => host.output()).toMatch(/ended by a bug: TypeError\n( +at .*\n)* +at .*bugs\.mjs/);
      expect(search(host.output(), ALL)).toEqual([]);
    },
  );
});
