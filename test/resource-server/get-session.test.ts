// Only the nextAuth Server's own clear word lets a request pass.

import { afterEach, describe, expect, it, vi } from "vitest";
import { expectRefusal, type FakeFetch, fakeFetch, hang, hangInBody, NONSENSE, UNAVAILABLE } from "./fake-fetch.ts";
import { LOGGED_IN, NONCE, resourceServer } from "./fake-nextauth-server.ts";

afterEach(() => {
  vi.useRealTimers();
});

describe("a nextAuth Server", () => {
  it.each<[string, FakeFetch["answer"]]>([
    ...NONSENSE,
    ["bytes that are not UTF-8", () => new Response(Buffer.from('{"loggedin":true,"userid":"\xff"}', "latin1"))],
    ["loggedin as text", () => Response.json({ ...LOGGED_IN, loggedin: "true" })],
    ["no loggedin", () => Response.json({ userid: "alice" })],
    ["no userid", () => Response.json({ loggedin: true })],
    ["an empty userid", () => Response.json({ loggedin: true, userid: "" })],
    ["an accountid as text", () => Response.json({ ...LOGGED_IN, accountid: "7" })],
  ])("that answers with %s lets nobody pass", async (_, answer) => {
    await expectUnavailable(await resourceServer(fakeFetch(answer))({ "x-nonce": NONCE }));
  });

  it.each([
    ["never answers", hang],
    ["never ends its answer", hangInBody],
  ])("that %s lets nobody pass, and is waited for no longer than the timeout", async (_, answer) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const pending = resourceServer(fakeFetch(answer), { timeout: 700 })({ "x-nonce": NONCE });
    await vi.advanceTimersByTimeAsync(700);
    const response = await pending;
    expect(response.headers.get("x-reason")).toContain("did not answer in time");
    await expectUnavailable(response);
  });

  async function expectUnavailable(response: Response): Promise<void> {
    expect(response.headers.get("x-reason")).toContain('"ns-api.bank.example"');
    await expectRefusal(response, { ...UNAVAILABLE, without: NONCE });
  }
});
