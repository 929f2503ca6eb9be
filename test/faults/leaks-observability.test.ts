// No secret, token or user where operators look: metrics, health, status page, traces, and the log.

import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { callGetToken } from "../support/call.ts";
import { search } from "../support/canaries.ts";
import { ATTACKS, FORGED, TRACE } from "../support/leak-attacks.ts";
import { MARKERS, marked, type Observed, startObserved } from "../support/leak-observed.ts";
import { arrange, callOf, SCENARIOS, type Scenario } from "../support/leak-scenarios.ts";
import { CANARIES, startWorld, WORDS, type World } from "../support/leak-world.ts";
import { exchange, request } from "../support/raw-call.ts";

const ALL = Object.values(CANARIES);

const CALLS = SCENARIOS.reduce((sum, { times = 1 }) => sum + times, 0);
const [, TRACE_ID, PARENT] = TRACE.traceparent.split("-");
const TOKEN = SCENARIOS[0] as Scenario;

interface Mode {
  what: string;
  log: { format: "json" | "pretty"; identities?: "plain" };
}

const MODES: Mode[] = [
  { what: "json", log: { format: "json" } },
  { what: "pretty lines with plain userids", log: { format: "pretty", identities: "plain" } },
];

describe.each(MODES)("at level debug, $what", ({ log }) => {
  let world: World;
  let proxy: Observed;
  /** The last response of each scenario. */
  const told = new Map<Scenario, string>();

  beforeAll(async () => {
    world = await startWorld();
    const given = world.file as { log: object };
    proxy = await startObserved(marked(world.file, { log: { ...given.log, ...log } }));
    for (const scenario of SCENARIOS) {
      arrange(world, scenario);
      const headers = { ...TRACE, ...scenario.call.headers };
      for (let i = 0; i < (scenario.times ?? 1); i++) {
        const answer = await callGetToken(proxy.url, { ...scenario.call, headers });
        told.set(scenario, String(answer.status === 200 ? "token" : (answer.json().error_code ?? "refused")));
      }
    }
    await vi.waitFor(() => expect(callLines()).toHaveLength(CALLS), 15_000);
  }, 120_000);
  afterAll(async () => {
    await proxy?.close();
    await world?.close();
  });

  const lines = () =>
    proxy
      .output()
      .split("\n")
      .filter((line) => line !== "");
  const callLines = () => lines().filter((line) => /"route":| ms /.test(line));
  const foundIn = (text: string) => Object.values(MARKERS).filter((marker) => search(text, [marker]).length > 0);

  it("every call ends as expected", () => {
    for (const [scenario, code] of told) {
      expect(code, scenario.what).toMatch(new RegExp(`^(${scenario.code})$`));
    }
  });

  it("the log has none", () => {
    const allowed = log.identities === "plain" ? [CANARIES.userid] : [];
    expect(
      search(
        proxy.output(),
        ALL.filter((canary) => !allowed.includes(canary)),
      ),
    ).toEqual([]);
    expect(foundIn(proxy.output())).toHaveLength(2);
    for (const user of allowed) expect(search(proxy.output(), [user]), user.name).not.toEqual([]);
  });

  it("the log has one line for every call", () => {
    const line =
      log.format === "json" ? /^\{"level":"(info|warn|error|debug)",/ : /^[\d:.]{12} (INFO|WARN|ERROR|DEBUG)/;
    for (const one of lines()) expect(one).toMatch(line);
    expect(callLines()).toHaveLength(CALLS);
  });

  it.each<[string, number]>([
    ["/metrics", 1],
    ["/readyz?verbose", 1],
    ["/", 2],
    ["/healthz", 0],
    ["/version", 0],
  ])("%s has none", async (path, markers) => {
    const text = await proxy.page(path);
    expect(text, `${path} is there`).toBeDefined();
    expect(search(text as string, [...ALL, WORDS])).toEqual([]);
    expect(foundIn(text as string)).toHaveLength(markers);
  });

  it("spans have none", () => {
    const spans = proxy.spans();
    expect(search(JSON.stringify(spans), [...ALL, WORDS])).toEqual([]);
    expect(foundIn(JSON.stringify(spans))).toHaveLength(2);
    // A code or the name of an error: its message could quote anything.
    for (const { attributes } of spans) expect(attributes["error.type"] ?? "none").toMatch(/^\w+$/);
    // An exception's event would quote its message.
    expect(spans.flatMap(({ events, links }) => [...events, ...links])).toEqual([]);
  });

  it("each call has one span, and each of its requests too", () => {
    const spans = proxy.spans();
    const calls = spans.filter(({ kind }) => kind === 1);
    expect(calls).toHaveLength(CALLS);
    for (const { name, attributes, parent } of calls) {
      expect(name).toMatch(/^(POST|PUT)( \/(getToken|token))?$/);
      const isOpen = attributes["http.route"] !== "/getToken"; // its trace is ignored
      expect(parent?.spanId, name).toBe(isOpen ? undefined : PARENT);
    }
    const codes = calls.map(({ attributes }) => attributes["error.type"] ?? attributes["token_proxy.outcome"]);
    for (const code of told.values()) expect(codes).toContain(code);
    expect(new Set(spans.map(({ name }) => name))).toEqual(
      new Set([...calls.map(({ name }) => name), "session_check", "attributes", "discovery", "signing", "provider"]),
    );
  });

  it("a token request's span belongs to its call", () => {
    const spans = proxy.spans();
    const ids = new Map(spans.map((span) => [`${span.traceId}-${span.spanId}`, span]));
    const asked = world.provider.requests.filter(({ url }) => url === "/token");
    expect(asked.length).toBeGreaterThan(20);
    for (const { headers } of asked) {
      const [version, trace, id, flags] = String(headers.traceparent).split("-");
      const span = ids.get(`${trace}-${id}`);
      expect([version, flags, span?.name]).toEqual(["00", "01", "provider"]);
      const whole = ids.get(`${trace}-${span?.parent?.spanId}`);
      expect(whole?.kind).toBe(1);
      expect(trace === TRACE_ID).toBe(whole?.attributes["http.route"] === "/getToken");
    }
  });

  it.skipIf(!existsSync("/proc/self/environ"))("the process has only the given environment", () => {
    const environ = readFileSync(`/proc/${proxy.pid}/environ`, "utf8").split("\0");
    const given = Object.entries(proxy.env).map(([name, value]) => `${name}=${value}`);
    // Without a difference in the output, which would show secrets.
    expect(
      environ
        .filter((entry) => entry !== "")
        .toSorted()
        .join("\n") === given.toSorted().join("\n"),
    ).toBe(true);
    expect(search(readFileSync(`/proc/${proxy.pid}/cmdline`, "latin1"), ALL)).toEqual([]);
  });
});

describe.each(["json", "pretty"] as const)("forged requests, with %s lines", (format) => {
  let world: World;
  let proxy: Observed;
  /** Answered by the app, and so with a line and a span. */
  const answered: string[] = [];
  const unanswered: string[] = [];

  beforeAll(async () => {
    world = await startWorld();
    arrange(world, TOKEN);
    const { log } = world.file as { log: object };
    proxy = await startObserved(marked(world.file, { log: { ...log, format } }));
    for (const [what, bytes] of ATTACKS) {
      const { head, body } = await exchange(proxy.url, bytes);
      expect(search(head + body, [FORGED]), what).toEqual([]);
      (/^x-request-id:/im.test(head) ? answered : unanswered).push(what);
    }
    await vi.waitFor(() => expect(requestIds()).toHaveLength(answered.length), 15_000);
  }, 60_000);
  afterAll(async () => {
    await proxy?.close();
    await world?.close();
  });

  const requestIds = () => [...new Set(proxy.output().match(/(?<="request_id":"| ms )[0-9a-f-]{36}/g))];

  it("do not get into the log", () => {
    expect(search(proxy.output(), [FORGED, ...ALL])).toEqual([]);
  });

  it("get one line of visible ASCII for each call", () => {
    const lines = proxy.output().trimEnd().split("\n");
    for (const line of lines) {
      expect(line).toMatch(/^[\x20-\x7e]+$/);
      expect(line).toMatch(/^(\{"level":"|\d\d:\d\d:\d\d\.\d{3} [A-Z]+)/);
    }
    expect(lines.filter((line) => /"route":| ms /.test(line))).toHaveLength(answered.length);
    expect(requestIds()).toHaveLength(answered.length);
  });

  it.each(["/metrics", "/readyz?verbose", "/"])("do not get into %s", async (path) => {
    expect(search((await proxy.page(path)) as string, [FORGED, ...ALL])).toEqual([]);
  });

  it.each([
    ["by its address", "127.0.0.1", [200, 503, 200, 404]], // one provider is never ready
    ["by another name", undefined, [421, 421, 421, 421]],
  ])("are not repeated by the admin listener %s", async (_, host, expected) => {
    const text = String(FORGED.needles[0]);
    const statuses: number[] = [];
    for (const path of ["/", "/readyz", "/metrics", "/nowhere"]) {
      const sent = request("GET", `${path}?verbose&paused=${text}&${text}`, { Host: host ?? text }, "");
      const { status, head, body } = await exchange(proxy.adminUrl, sent);
      statuses.push(status);
      expect(search(head + body, [FORGED]), path).toEqual([]);
    }
    expect(statuses).toEqual(expected);
  });

  it("do not get into a span or its name", () => {
    const spans = proxy.spans();
    expect(search(JSON.stringify(spans), [FORGED, ...ALL])).toEqual([]);
    const calls = spans.filter(({ kind }) => kind === 1);
    expect(calls).toHaveLength(answered.length);
    const tell = ({ name, attributes }: (typeof calls)[number]) => `${name}: ${attributes["http.request.method"]}`;
    expect([...new Set(calls.map(tell))].sort()).toEqual([
      "HTTP /getToken: _OTHER",
      "HTTP: _OTHER",
      "POST /getToken: POST",
      "POST /token: POST",
      "POST: POST",
    ]);
  });

  it("get into requests to the provider only where the file puts them", () => {
    const { requests } = world.provider;
    expect(requests.length).toBeGreaterThan(10);
    const bodies = requests.map(({ body, ...rest }) => {
      expect(search(JSON.stringify(rest), [FORGED])).toEqual([]);
      return [...new URLSearchParams(body)].filter(([name, value]) => search(name + value, [FORGED]).length > 0);
    });
    expect(bodies.flat().map(([name]) => name)).toEqual(["nonce"]);
  });

  it("have a trace state, which is passed on only with the trace", async () => {
    const state = `a=${FORGED.needles[0]}`;
    world.provider.requests.length = 0;
    const before = proxy.spans().length;
    const sent = callOf("main", { headers: { ...TRACE, tracestate: state } });
    expect((await callGetToken(proxy.url, sent)).status).toBe(200);
    await expect.poll(requestIds).toHaveLength(answered.length + 1);
    // Discovery continues meanwhile, outside this trace.
    const asked = world.provider.requests.filter(({ url }) => url === "/token");
    expect(asked.map(({ headers }) => headers.tracestate)).toEqual([state]);
    const spans = proxy
      .spans()
      .slice(before)
      .filter(({ traceId }) => traceId === TRACE_ID);
    expect(spans.length).toBeGreaterThan(1);
    expect(spans.map(({ traceState }) => traceState)).toEqual(spans.map(() => state));
    const others = spans.map(({ traceState, parent, ...span }) => span);
    expect(search(proxy.output() + JSON.stringify(others), [FORGED])).toEqual([]);
  });

  it("are refused by Node if they are not HTTP", () => {
    expect(unanswered).toEqual([
      "a made-up method",
      "a path with a raw escape",
      "a made-up protocol",
      "an invalid Host",
      "a User-Agent with an escape",
      "a header in two lines",
      "a length of the body",
    ]);
  });
});
