// A fetch that answers from memory, and checks of the responses to refused requests.

import type { MiddlewareHandler } from "hono";
import { expect } from "vitest";

export interface FakeFetch {
  fetch: typeof fetch;
  /** Every request so far. */
  requests: Request[];
  /** Answers every request from now on, or throws. */
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

/** Never answers and, like the real fetch, gives up with the signal. */
export function hang({ signal }: Request): Promise<Response> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

/** Begins to answer, and never ends. */
export function hangInBody({ signal }: Request): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode("{"));
      signal.addEventListener("abort", () => controller.error(signal.reason));
    },
  });
  return new Response(body);
}

/** Answers that are wrong for every request for JSON. */
export const WRONG_ANSWERS: [what: string, answer: FakeFetch["answer"]][] = [
  ["status 500", () => Response.json({}, { status: 500 })],
  ["status 204", () => new Response(null, { status: 204 })],
  ["a redirect", () => new Response(null, { status: 302, headers: { location: "https://elsewhere.example/" } })],
  ["HTML", () => new Response("<html>Log in</html>", { headers: { "content-type": "text/html" } })],
  ["a large body", () => new Response(`{"keys":[],"active":true,"loggedin":true,"pad":"${"x".repeat(300_000)}"}`)],
  ["no connection", () => Promise.reject(new TypeError("fetch failed"))],
];

/** Shows the reason of a 503, as a resource server may. */
export const showReason: MiddlewareHandler = async (c, next) => {
  await next();
  if (c.error !== undefined) c.header("X-Reason", c.error.message);
};

export const MALFORMED = { status: 400, error: "invalid_request" } as const;
export const INVALID = { status: 401, error: "invalid_token" } as const;
export const UNAVAILABLE = { status: 503, error: "temporarily_unavailable" } as const;

type Expected = (typeof MALFORMED | typeof INVALID | typeof UNAVAILABLE) & {
  /** Text that the response must not repeat. */
  without?: string;
};

/** Checks a response against RFC 6750 section 3. */
export async function expectRefusal(response: Response, { status, error, without }: Expected): Promise<void> {
  const text = await response.text();
  expect(text).toContain(`"error":"${error}"`);
  expect(response.status).toBe(status);
  const { error_description: description } = JSON.parse(text) as { error_description: string };
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

/** RFC 6750 section 3.1: no error code for a request without a credential. */
export async function expectNoCredential(response: Response): Promise<void> {
  expect(response.status).toBe(401);
  expect(await response.text()).toBe("");
  expect(response.headers.get("www-authenticate")).toBe('Bearer realm="resource server"');
  expect(response.headers.get("cache-control")).toBe("no-store");
}
