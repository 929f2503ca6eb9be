// What tests put in place of the network of a resource server: a fetch that answers from memory, and the judgement of a refusal.

import type { MiddlewareHandler } from "hono";
import { expect } from "vitest";

export interface FakeFetch {
  fetch: typeof fetch;
  /** Every request so far. */
  requests: Request[];
  /** What every request is answered with from now on; throws where there is to be no answer. */
  answer: (request: Request) => Response | Promise<Response>;
}

export function fakeFetch(answer: FakeFetch["answer"]): FakeFetch {
  const fake: FakeFetch = {
    answer,
    requests: [],
    fetch: async (input, init) => {
      const request = new Request(input, init);
      fake.requests.push(request);
      return fake.answer(request);
    },
  };
  return fake;
}

/** Never answers: as the real fetch, it gives up with the signal. */
export function hang({ signal }: Request): Promise<Response> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

/** Begins to answer, and never goes on. */
export function hangInBody({ signal }: Request): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode("{"));
      signal.addEventListener("abort", () => controller.error(signal.reason));
    },
  });
  return new Response(body);
}

/** What no server should answer to a question for JSON, and what it is not. */
export const NONSENSE: [what: string, answer: (request: Request) => Response | Promise<Response>][] = [
  ["status 500", () => Response.json({}, { status: 500 })],
  ["status 401", () => Response.json({}, { status: 401 })],
  ["status 204", () => new Response(null, { status: 204 })],
  ["a redirect", () => new Response(null, { status: 302, headers: { location: "https://elsewhere.example/" } })],
  ["HTML", () => new Response("<html>Log in</html>", { headers: { "content-type": "text/html" } })],
  ["nothing", () => new Response("")],
  ["a list", () => Response.json([])],
  ["null", () => Response.json(null)],
  ["more than it may", () => new Response(`{"keys":[],"active":true,"loggedin":true,"pad":"${"x".repeat(300_000)}"}`)],
  [
    "no connection",
    () => {
      throw new TypeError("fetch failed");
    },
  ],
];

/** What a resource server may do with the reason of a 503; here its tests see it. */
export const showReason: MiddlewareHandler = async (c, next) => {
  await next();
  if (c.error !== undefined) c.header("X-Reason", c.error.message);
};

export const MALFORMED = { status: 400, error: "invalid_request" } as const;
export const INVALID = { status: 401, error: "invalid_token" } as const;
export const UNAVAILABLE = { status: 503, error: "temporarily_unavailable" } as const;

type Expected = (typeof MALFORMED | typeof INVALID | typeof UNAVAILABLE) & {
  /** What the answer must not repeat. */
  without?: string;
};

/** Holds an answer to RFC 6750 §3. */
export async function expectRefusal(response: Response, { status, error, without }: Expected): Promise<void> {
  const text = await response.text();
  expect(text).toContain(`"error":"${error}"`);
  expect(response.status).toBe(status);
  const { error_description: description } = JSON.parse(text) as { error_description: string };
  expect(JSON.parse(text)).toEqual({ error, error_description: expect.stringMatching(/^[^"\\]+$/) });
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(response.headers.get("cache-control")).toBe("no-store");
  const challenge = response.headers.get("www-authenticate");
  if (status === 503) {
    expect(challenge).toBeNull();
    expect(response.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
  } else {
    expect(challenge).toBe(`Bearer realm="resource server", error="${error}", error_description="${description}"`);
  }
  if (without !== undefined) expect(text + JSON.stringify([...response.headers])).not.toContain(without);
}

/** The answer to a request without a credential: RFC 6750 §3.1 wants no error in it. */
export async function expectNoCredential(response: Response): Promise<void> {
  expect(response.status).toBe(401);
  expect(await response.text()).toBe("");
  expect(response.headers.get("www-authenticate")).toBe('Bearer realm="resource server"');
  expect(response.headers.get("cache-control")).toBe("no-store");
}
