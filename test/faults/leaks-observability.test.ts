// Nothing of a secret, a token or a user comes out where operators look: metrics, health, the status page, traces, and the log in each
// format, whatever the calls were and however many processes took them.

import { existsSync, readFileSync } from "node:fs";
import { Agent } from "node:http";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { callGetToken } from "../support/call.ts";
import { search } from "../support/canaries.ts";
import { ATTACKS, FORGED, TRACE } from "../support/leak-attacks.ts";
import { MARKERS, marked, type Observed, startObserved } from "../support/leak-observed.ts";
import { arrange, callOf, SCENARIOS, type Scenario } from "../support/leak-scenarios.ts";
import { CANARIES, startWorld, type World } from "../support/leak-world.ts";
import { exchange, request } from "../support/raw-call.ts";

const ALL = Object.values(CANARIES);

const CALLS = SCENARIOS.reduce((sum, { times = 1 }) => sum + times, 0);
/** Of one process: several count for themselves, so that it takes more calls than these. */
const counted = ({ code }: Scenario) => code === "rate_limited" || code === "provider_suspended";

const [, TRACE_ID, PARENT] = TRACE.traceparent.split("-");
const TOKEN = SCENARIOS[0] as Scenario;

interface Mode {
  what: string;
  log: { format: "json" | "pretty"; identities?: "plain"; identities_key?: undefined };
  processes: number;
}

const MODES: Mode[] = [
  { what: "json", log: { format: "json" }, processes: 1 },
  { what: "pretty lines", log: { format: "pretty" }, processes: 1 },
  { what: "pretty lines with plain userids", log: { format: "pretty", identities: "plain" }, processes: 1 },
  {
    what: "two processes",
    log: { format: "json", identities_key: undefined },
    processes: 2,
  },
];

/** Opens a connection for each call, so that each process gets some. */
const agent = new Agent({ keepAlive: false });

describe.each(MODES)("at level debug, $what", ({ log, processes }) => {
  let world: World;
  let proxy: Observed;
  /** What each scenario's last answer was. */
  const told = new Map<Scenario, string>();
  /** Of the processes that took calls, where there are several. */
  let pids: number[] = [];

  beforeAll(async () => {
    world = await startWorld();
    const given = world.file as { log: object; server: object };
    proxy = await startObserved(
      marked(world.file, { log: { ...given.log, ...log }, server: { ...given.server, processes } }),
    );
    for (const scenario of SCENARIOS) {
      arrange(world, scenario);
      const headers = { ...TRACE, ...scenario.call.headers };
      for (let i = 0; i < (scenario.times ?? 1); i++) {
        const answer = await callGetToken(proxy.url, { ...scenario.call, headers, agent });
        told.set(scenario, String(answer.status === 200 ? "token" : (answer.json().error_code ?? "refused")));
      }
    }
    await vi.waitFor(() => expect(callLines()).toHaveLength(CALLS), 10_000);
    pids = [...new Set(callLines().flatMap((line) => /"pid":(\d+)/.exec(line)?.[1] ?? []))].map(Number);
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
  const callLines = () => lines().filter((line) => /"request_id"/.test(line));
  const foundIn = (text: string) => Object.values(MARKERS).filter((marker) => search(text, [marker]).length > 0);

  it("every call ended as it should have", () => {
    for (const [scenario, code] of told) {
      if (processes === 1 || !counted(scenario))
        expect(code, scenario.what).toMatch(new RegExp(`^(${scenario.code})$`));
    }
    expect(pids).toHaveLength(processes === 1 ? 0 : processes);
  });

  it("the log says nothing", () => {
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

  it("the log has a line of its own for every call", () => {
    const line =
      log.format === "json" ? /^\{"level":"(info|warn|error|debug)",/ : /^\[[\d:.]{12}\] (INFO|WARN|ERROR|DEBUG)/;
    for (const one of lines()) expect(one).toMatch(line);
    expect(callLines()).toHaveLength(CALLS);
  });

  it.each<[string, number]>([
    ["/metrics", 1],
    ["/readyz", 1],
    ["/", 2],
    ["/healthz", 0],
    ["/version", 0],
  ])("%s says nothing", async (path, markers) => {
    const text = await proxy.page(path);
    expect(text, `${path} is there`).toBeDefined();
    expect(search(text as string, ALL)).toEqual([]);
    expect(foundIn(text as string)).toHaveLength(markers);
  });

  it("spans say nothing", () => {
    const spans = proxy.spans();
    expect(search(JSON.stringify(spans), ALL)).toEqual([]);
    expect(foundIn(JSON.stringify(spans))).toHaveLength(2);
    // A code or the name of an error: its message could quote anything.
    for (const { attributes } of spans) expect(attributes["error.type"] ?? "none").toMatch(/^\w+$/);
    expect(spans.flatMap(({ events, links }) => [...events, ...links])).toEqual([]); // an exception's event quotes its message
  });

  it("spans are there, of each call one, and of what it asked others one each", () => {
    const spans = proxy.spans();
    const calls = spans.filter(({ kind }) => kind === 1);
    expect(calls).toHaveLength(CALLS);
    for (const { name, attributes, parent } of calls) {
      expect(name).toMatch(/^(POST|PUT)( \/(getToken|token))?$/);
      const isOpen = attributes["http.route"] !== "/getToken"; // where anybody may call, and where nothing is
      expect(parent?.spanId, name).toBe(isOpen ? undefined : PARENT);
    }
    const codes = calls.map(({ attributes }) => attributes["error.type"] ?? attributes["token_proxy.outcome"]);
    for (const code of told.values()) expect(codes).toContain(code);
    expect(new Set(spans.map(({ name }) => name))).toEqual(
      new Set([
        ...calls.map(({ name }) => name),
        "getSession",
        "getUserAttributes",
        "discovery",
        "sign",
        "token request",
      ]),
    );
  });

  it("what a provider was asked is below the span that asked it", () => {
    const spans = proxy.spans();
    const ids = new Map(spans.map((span) => [`${span.traceId}-${span.spanId}`, span]));
    const asked = world.provider.requests.filter(({ url }) => url === "/token");
    expect(asked.length).toBeGreaterThan(20);
    for (const { headers } of asked) {
      const [version, trace, id, flags] = String(headers.traceparent).split("-");
      const span = ids.get(`${trace}-${id}`);
      expect([version, flags, span?.name]).toEqual(["00", "01", "token request"]);
      const whole = ids.get(`${trace}-${span?.parent?.spanId}`);
      expect(whole?.kind).toBe(1);
      expect(trace === TRACE_ID).toBe(whole?.attributes["http.route"] === "/getToken");
    }
  });

  it.skipIf(!existsSync("/proc/self/environ"))("processes have in their environment what the user gave them", () => {
    for (const pid of [proxy.pid, ...pids]) {
      const environ = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
      const own = environ.filter(
        (entry) => entry !== "" && !/^NODE_(CHANNEL_FD|CHANNEL_SERIALIZATION_MODE|UNIQUE_ID)=/.test(entry),
      );
      expect(
        own.sort().join("\n") === given().sort().join("\n"),
        `environment of ${pid === proxy.pid ? "the first" : "another"}`,
      ).toBe(true);
      expect(search(readFileSync(`/proc/${pid}/cmdline`, "latin1"), ALL)).toEqual([]);
    }
  });
  const given = () => Object.entries(proxy.env).map(([name, value]) => `${name}=${value}`);

  it("the key of the hashes, which goes from process to process, is told nowhere", async () => {
    const pages = await Promise.all(["/metrics", "/readyz", "/"].map(proxy.page));
    expect([proxy.output(), JSON.stringify(proxy.spans()), ...pages].join("\n")).not.toMatch(/[0-9a-f-]{72}/);
    const users = callLines().flatMap((line) => /"user":"([0-9a-f]{16})"/.exec(line)?.[1] ?? []);
    if (log.identities !== "plain") expect(new Set(users).size).toBe(1); // one key for all processes
  });
});

describe.each(["json", "pretty"] as const)("a caller who sends what it likes, where lines are %s", (format) => {
  let world: World;
  let proxy: Observed;
  /** Those that the app itself answered: it has a line and a span for each. */
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
    await vi.waitFor(() => expect(requestIds()).toHaveLength(answered.length), 10_000);
  }, 60_000);
  afterAll(async () => {
    await proxy?.close();
    await world?.close();
  });

  const requestIds = () => proxy.output().match(/"request_id":"[0-9a-f-]{36}"/g) ?? [];

  it("gets nothing of it into the log", () => {
    expect(search(proxy.output(), [FORGED, ...ALL])).toEqual([]);
  });

  it("gets one line for one call, of visible ASCII", () => {
    const lines = proxy.output().trimEnd().split("\n");
    for (const line of lines) {
      expect(line).toMatch(/^[\x20-\x7e]+$/);
      expect(line).toMatch(/^(\{"level":"|\[\d\d:\d\d:\d\d\.\d{3}\] [A-Z]+)/);
    }
    expect(lines.filter((line) => /"route":/.test(line))).toHaveLength(answered.length);
    expect(new Set(requestIds()).size).toBe(answered.length);
  });

  it.each(["/metrics", "/readyz", "/"])("gets nothing of it into %s", async (path) => {
    expect(search((await proxy.page(path)) as string, [FORGED, ...ALL])).toEqual([]);
  });

  it("has nothing of it repeated by the admin listener either", async () => {
    const text = String(FORGED.needles[0]);
    const statuses: number[] = [];
    for (const path of ["/", "/readyz", "/metrics", "/nowhere"]) {
      const sent = request("GET", `${path}?paused=${text}&${text}`, { Host: text }, "");
      const { status, head, body } = await exchange(proxy.adminUrl, sent);
      statuses.push(status);
      expect(search(head + body, [FORGED]), path).toEqual([]);
    }
    expect(statuses).toEqual([200, 503, 200, 404]); // not ready: one of the providers is never discovered
  });

  it("gets nothing of it into a span, and no name of one is of its making", () => {
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

  it("gets nothing of it into a request to the provider but where the file puts it", () => {
    const { requests } = world.provider;
    expect(requests.length).toBeGreaterThan(10);
    const bodies = requests.map(({ body, ...rest }) => {
      expect(search(JSON.stringify(rest), [FORGED])).toEqual([]);
      return [...new URLSearchParams(body)].filter(([name, value]) => search(name + value, [FORGED]).length > 0);
    });
    expect(bodies.flat().map(([name]) => name)).toEqual(["nonce"]);
  });

  it("the state of its trace goes along with the trace, and nowhere else", async () => {
    const state = `a=${FORGED.needles[0]}`;
    world.provider.requests.length = 0;
    const before = proxy.spans().length;
    const sent = callOf("main", { headers: { ...TRACE, tracestate: state } });
    expect((await callGetToken(proxy.url, sent)).status).toBe(200);
    await vi.waitFor(() => expect(requestIds()).toHaveLength(answered.length + 1));
    expect(world.provider.requests.map(({ headers }) => headers.tracestate)).toEqual([state]);
    const spans = proxy.spans().slice(before);
    expect(spans.map(({ traceState }) => traceState)).toEqual(spans.map(() => state));
    const others = spans.map(({ traceState, parent, ...span }) => span);
    expect(search(proxy.output() + JSON.stringify(others), [FORGED])).toEqual([]);
  });

  it("is refused before, where it speaks no HTTP", () => {
    expect(unanswered).toEqual([
      "a method of his own",
      "a path with an escape as it is",
      "a protocol of his own",
      "a Host that is none",
      "a User-Agent with an escape",
      "a header in two lines",
      "a length of the body",
    ]);
  });
});
