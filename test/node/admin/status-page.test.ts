// The status page as text: its contents, escaping, and security headers.

import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { COPY_SCRIPT } from "../../../src/node/admin/elements.ts";
import { MAX_RECENT } from "../../../src/node/admin/recorder.ts";
import type { Snapshot } from "../../../src/node/admin/snapshot.ts";
import { STATUS_PAGE_HEADERS, statusPage } from "../../../src/node/admin/status-page.ts";
import { forAll } from "../../fuzz/fuzz.ts";
import { busySnapshot, call, HOUR_MS, NOW, provider, recent, snapshot } from "../../support/status-snapshot.ts";

/** The text from the main heading on, with "|" between elements. */
function read(changes: Partial<Snapshot>): string {
  const page = String(statusPage(snapshot(changes), "refreshing", false));
  return page
    .slice(page.indexOf("<h1"))
    .replaceAll(/<(script|button)[\s\S]*?<\/\1>/g, "")
    .replaceAll(/<[^>]*>/g, "|")
    .replaceAll("&quot;", '"')
    .replaceAll(/[|\s]*\|[|\s]*/g, "|")
    .replaceAll(/\s+/g, " ");
}

describe("the status page", () => {
  it("shows a service without calls", () => {
    const text = read({});
    expect(text).toContain("|Ready|Version|0.1.0|Node|24.21.0|Up for|20 s|Calls in flight|0|Egress proxy|none|");
    expect(text).toContain("|retail|Ready|0|–|–|–|0|no call yet|–|");
    expect(text).toContain("|nextAuth Servers|None.|");
    expect(text).toContain("|Signing keys|None.|");
    expect(text).toContain("|Certificates|None.|");
    expect(text).toContain("|The configuration in use was loaded 20 s ago.|");
    expect(text).toContain("|Last calls|None.|");
  });

  it("shows the state of a provider and its last five minutes", () => {
    const text = read({
      started_at: NOW - HOUR_MS,
      providers: [
        provider({
          discoveredAt: NOW - 14 * 60_000,
          inFlight: 12,
          queued: 3,
          suspensions: 1,
          last: { outcome: "provider_timeout", at: NOW - 4_000 },
          recent: [...recent({ token: 82, refused: 8, provider_error: 1 }), ...recent({ provider_timeout: 1 }, 5_000)],
        }),
      ],
    });
    expect(text).toContain(
      "|Provider|State|Calls a minute|Errors|Median|99 % within|In flight|Last call|Metadata|Paths that name it|" +
        "retail|Ready|suspended 1×|18|2.2 %|12 ms|5,000 ms|12, 3 waiting|provider_timeout|4 s ago|14 min ago|–|",
    );
  });

  it("shows the paths that name a provider", () => {
    const providers = [provider({ paths: ["/getToken", "/token"] }), provider({ name: "staff" })];
    const text = read({ providers });
    expect(text).toContain("|/getToken, /token|staff|");
  });

  it("counts calls a minute over the time since the start, if that is shorter", () => {
    const providers = [provider({ recent: recent({ token: 4 }) })];
    expect(read({ providers, started_at: NOW - 60_000 })).toContain("|retail|Ready|4|");
    expect(read({ providers, started_at: NOW - HOUR_MS })).toContain("|retail|Ready|0.8|");
  });

  it("counts calls a minute over the time of the calls that it remembers", () => {
    const providers = [provider({ recent: recent({ token: MAX_RECENT }) })];
    expect(read({ providers })).toContain(`|retail|Ready|${MAX_RECENT}|`);
  });

  it("names the state of each provider, and the problem of one that is not ready", () => {
    const text = read({
      providers: [
        provider({ name: "a", ready: false, problem: "no discovery yet", breaker: "open" }),
        provider({ name: "b", breaker: "open" }),
        provider({ name: "c", breaker: "half_open" }),
        provider({ name: "d" }),
      ],
    });
    for (const card of ["|no discovery yet|", "|a|Not ready|", "|b|Suspended|", "|c|Trying again|", "|d|Ready|"]) {
      expect(text).toContain(card);
    }
  });

  it("lists nextAuth Servers, the age of keys, and the expiry of certificates", () => {
    const text = read({
      nextauth: [{ key: "nextauth[0]", last: { outcome: "session_check_failed", at: NOW - 60_000 } }],
      keys: [
        { kid: "new", alg: "ES256", use: "sign", created: "2026-11-24" },
        { kid: "old", alg: "RS256", use: "verify", created: "2026-08-03" },
        { kid: "undated", alg: "ES256", use: "verify", created: undefined },
        { kid: "next", alg: "ES256", use: "verify", created: "2026-12-01" },
      ],
      certificates: [
        { place: "server.tls", expires_at: NOW + 40 * 24 * HOUR_MS },
        { place: "providers.retail.tls", expires_at: NOW + 3 * 24 * HOUR_MS },
      ],
    });
    expect(text).toContain("|nextauth[0]|session_check_failed|1 min ago|");
    expect(text).toContain("|new|ES256|signs|2026-11-24, today|");
    expect(text).toContain("|old|RS256|published only|2026-08-03, 113 d ago|");
    expect(text).toContain("|undated|ES256|published only|–|");
    expect(text).toContain("|next|ES256|published only|2026-12-01, in the future|");
    expect(text).toContain("|providers.retail.tls|expires in 3 d|server.tls|expires in 40 d|");
  });

  it("shows whether the last reload took effect, and if not, why", () => {
    expect(read({ reload: { at: NOW - 60_000, problem: undefined } })).not.toContain("Reload failed");
    expect(read({ reload: { at: NOW - 60_000, problem: 'a.yaml:1:2 "x"' } })).toContain(
      '|The configuration in use was loaded 20 s ago.|Reload failed|1 min ago:|a.yaml:1:2 "x"|',
    );
  });

  it("lists the last calls", () => {
    const unknown = {
      ...{ route: "", caller: undefined, provider: undefined, status: 404, duration_ms: 0.2, request_id: "r-2" },
      ...({ outcome: "error", error_code: "not_found" } as const),
    };
    const text = read({ calls: [call({ request_id: "r-1" }), call({ delivered: false }), call(unknown)] });
    expect(text).toContain("|14:03:27|token|200|POST /getToken|nextauth-server|retail|12 ms|r-1|");
    expect(text).toContain("|14:03:27|token|, not delivered|200|");
    expect(text).toContain("|14:03:27|not_found|404|POST (unknown path)|–|–|0.2 ms|r-2|");
  });

  it("loads nothing, and its policy allows only its own style sheet and script", () => {
    const page = String(statusPage(busySnapshot(), "paused", true));
    expect(page).not.toMatch(/<iframe|<img| style=| on[a-z]+=|\bsrc=|url\(|@import/i);
    expect(page.match(/(?:href|action)="(?!\.\/|#|data:,)[^"]*"/g)).toBe(null);
    const hashes = ["style", "script"].map((name) => {
      const [[, content]] = [...page.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, "g"))] as [RegExpExecArray];
      return createHash("sha256")
        .update(content as string)
        .digest("base64");
    });
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(STATUS_PAGE_HEADERS).toEqual({
      "Content-Security-Policy": `default-src 'none'; style-src 'sha256-${hashes[0]}'; script-src 'sha256-${hashes[1]}'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
      "X-Frame-Options": "DENY",
      "Referrer-Policy": "no-referrer",
      "Cross-Origin-Resource-Policy": "same-origin",
    });
    expect(COPY_SCRIPT).not.toMatch(/fetch|XMLHttp|innerHTML|eval|location/);
  });
});

describe("hostile values", () => {
  /** Values that select what the page shows; they are never free text. */
  const DATES = ["2026-11-02", "2026-08-03"];
  const ENUMS = [
    ...DATES,
    "open",
    "closed",
    "half_open",
    "sign",
    "verify",
    "token",
    "refused",
    "error",
    "answered",
    "",
  ];

  /** Breaks out of text, attributes, comments and the elements of the page. */
  const hostile = fc
    .array(
      fc.oneof(
        fc.constantFrom("<", ">", '"', "'", "&", "=", "`", "/", " ", "\n", "\r", "\0", "${", "&lt;", "&#", "--", "]]>"),
        fc.constantFrom("<script>", "</pre>", "</title>", "</style>", "<!--", '" onload="', "javascript:"),
        fc.string({ unit: "binary", maxLength: 6 }),
      ),
      { minLength: 1, maxLength: 8 },
    )
    .map((parts) => parts.join(""))
    .filter((text) => !ENUMS.includes(text));

  /** The value with every text replaced. */
  function withTexts<T>(value: T, text: () => string): T {
    if (typeof value === "string") return (ENUMS.includes(value) ? value : text()) as T;
    if (Array.isArray(value)) return value.map((one) => withTexts(one, text)) as T;
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withTexts(one, text)])) as T;
  }

  /** All tags with their attributes' names, then every angle bracket or quote outside of tags. */
  function skeleton(page: string): string[] {
    const rest = page.replaceAll(/<(style|script)>[\s\S]*?<\/\1>/g, "");
    const tags = (rest.match(/<[^>]*>/g) ?? []).map((tag) => tag.replaceAll(/"[^"]*"/g, '""'));
    return [...tags, rest.replaceAll(/<[^>]*>/g, "").replaceAll(/[^<>"']/g, "")];
  }

  const busy = busySnapshot();

  const pageOf = (text: () => string) => String(statusPage(withTexts(busy, text), "paused", false));

  it("change neither the tags nor the attributes of the page", () => {
    const expected = skeleton(pageOf(() => "x"));
    expect(expected.length).toBeGreaterThan(500);
    // Each case has hundreds of texts.
    return forAll(
      fc.infiniteStream(hostile),
      (texts) => expect(skeleton(pageOf(() => texts.next().value as string))).toEqual(expected),
      0.2,
    );
  });
});
