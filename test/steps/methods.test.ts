// Unknown paths and other methods are refused, with the methods that a path has.

import { expect, it, vi } from "vitest";
import type { CallContext } from "../../src/steps/context.ts";
import { methodNotAllowed, notFound, onlyMethod } from "../../src/steps/methods.ts";
import { thrownBy } from "../support/fakes.ts";

const calledBy = (method: string) => ({ req: { method } }) as CallContext;
const NOT_ALLOWED = { code: "method_not_allowed", message: "allowed on this path: GET, POST", allow: "GET, POST" };

it("lets only its own method pass, also for HEAD, which Hono routes to GET", async () => {
  const next = vi.fn(async () => {});
  const step = onlyMethod("GET", ["GET", "POST"]);
  await step(calledBy("GET"), next);
  expect(next).toHaveBeenCalledOnce();
  expect(await thrownBy(() => step(calledBy("HEAD"), next))).toMatchObject(NOT_ALLOWED);
  expect(next).toHaveBeenCalledOnce();
});

it("refuses every other method, and every unknown path", async () => {
  const next = async () => {};
  const refuse = methodNotAllowed(["GET", "POST"]);
  expect(await thrownBy(() => refuse(calledBy("PUT"), next))).toMatchObject(NOT_ALLOWED);
  expect(await thrownBy(() => notFound(calledBy("GET"), next))).toMatchObject({ code: "not_found" });
});
