// The status page, as text: what it says of a service, and how it is sent.

import { describe, expect, it } from "vitest";
import { STATUS_PAGE_HEADERS, statusPage } from "../../../src/node/admin/page.ts";
import type { Snapshot } from "../../../src/node/admin/snapshot.ts";
import { busySnapshot, call, HOUR_MS, minute, NOW, provider, snapshot } from "../../support/status-snapshot.ts";

/** What somebody reads, from the main heading on. */
function read(changes: Partial<Snapshot>): string {
  const page = statusPage(snapshot(changes), { now: NOW });
  return page
    .slice(page.indexOf("<h1"))
    .replaceAll(/<(?:svg|title)[\s\S]*?<\/(?:svg|title)>/g, "")
    .replaceAll(/<[^>]*>/g, "|")
    .replaceAll("&quot;", '"')
    .replaceAll(/[|\s]*\|[|\s]*/g, "|");
}

describe("the status page", () => {
  it("says of a service without a call what it is, and that there was none", () => {
    const text = read({});
    expect(text).toContain("|Ready|Version|0.1.0|Node|24.21.0|Processes|1|Up for|20 s|Calls in flight|0|");
    expect(text).toContain("|retail|Ready|No call in the last 30 minutes|calls a minute|0|errors|–|");
    expect(text).toContain("|Last call|no call yet|Metadata|not discovered|");
    expect(text).toContain("|nextAuth Servers|None in the configuration.|");
    expect(text).toContain("|Signing keys|None in the configuration: this proxy signs nothing.|");
    expect(text).toContain("|Certificates|None in the configuration.|");
    expect(text).toContain("|As it was read at the start,|20 s ago|. No reload since.|");
    expect(text).toContain("|Last calls|No call yet.|");
  });

  it("says of a provider what it does now, and how it did in the last five minutes", () => {
    const text = read({
      started_at: NOW - HOUR_MS,
      providers: [
        provider({
          discovered_at: NOW - 14 * 60_000,
          in_flight: 12,
          queued: 3,
          suspensions: 1,
          clock_skew: -42.4,
          last: { outcome: "provider_timeout", at: NOW - 4_000 },
          minutes: [
            minute(9, { errors: 500 }, 5_000),
            minute(2, { tokens: 80, refused: 8, errors: 2 }, 12),
            minute(0, { tokens: 1 }, 900),
          ],
        }),
      ],
    });
    expect(text).toContain(
      "|calls a minute|20|errors|2.2 %|in flight|12|median|14 ms|95 % within|14 ms|99 % within|910 ms|",
    );
    expect(text).toContain(
      "|Last call|provider_timeout|4 s ago|Waiting|3 calls|Metadata|discovered|14 min ago|Clock|42 s behind ours: set one of the two by NTP, or JWTs may be refused|Suspended|1 time so far|",
    );
  });

  it("says in words of each provider in which state it is, with its problem", () => {
    const text = read({
      providers: [
        provider({ name: "a", ready: false, problem: "no discovery yet", breaker: "open" }),
        provider({ name: "b", breaker: "open" }),
        provider({ name: "c", breaker: "half_open" }),
        provider({ name: "d" }),
      ],
    });
    expect(text).toContain("|a|Not ready|no discovery yet|");
    expect(text).toContain("|b|Suspended|");
    expect(text).toContain("|c|Trying again|");
    expect(text).toContain("|d|Ready|");
  });

  it("lists nextAuth Servers, keys with their age, and certificates with their days", () => {
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
    expect(text).toContain("|new|ES256|signs|of today|");
    expect(text).toContain("|old|RS256|published only|113 days|");
    expect(text).toContain("|undated|ES256|published only|not given|");
    expect(text).toContain("|next|ES256|published only|from tomorrow or later|");
    expect(text).toContain(
      "|providers.retail.tls|3 days left: renew now|2026-11-27|server.tls|40 days left|2027-01-03|",
    );
  });

  it("says whether the last reload took effect, and if not, why", () => {
    expect(read({ reload: { at: NOW - 60_000, problem: undefined } })).toContain(
      "|Reloaded|1 min ago|. It took effect.|",
    );
    expect(read({ reload: { at: NOW - 60_000, problem: 'a.yaml:1:2 "x"' } })).toContain(
      '|Not reloaded|1 min ago|. The configuration of|20 s ago|stays:|a.yaml:1:2 "x"|',
    );
  });

  it("lists the last calls", () => {
    const text = read({
      calls: [
        call(),
        call({
          route: "",
          caller: undefined,
          provider: undefined,
          outcome: "error",
          error_code: "not_found",
          status: 404,
          duration_ms: 0.2,
          request_id: "r-2",
        }),
      ],
    });
    expect(text).toContain(
      "|14:03:27|/getToken|nextauth-server|retail|token|200|12.4 ms|6e0f2f6a-8e64-4c0b-9d9a-2a8d3b1d5f10|",
    );
    expect(text).toContain("|14:03:27|unknown path|–|–|not_found|404|0.2 ms|r-2|");
  });

  it("refreshes itself, with a way to stop that, and one to go on", () => {
    const page = statusPage(snapshot(), { now: NOW });
    expect(page).toContain('<meta http-equiv="refresh" content="5">');
    expect(page).toContain('<a href="./?paused">');
    const paused = statusPage(snapshot(), { now: NOW, paused: true });
    expect(paused).not.toContain("http-equiv");
    expect(paused).toContain('<a href="./">');
  });

  it("gives every table a caption and headers, every heading its rank, and every link of its own a target", () => {
    const page = statusPage(busySnapshot(), { now: NOW });
    const tables = page.match(/<table>[\s\S]*?<\/table>/g) ?? [];
    expect(tables).toHaveLength(4);
    for (const table of tables)
      expect(table).toMatch(/^<table>\n<caption>[^<]+<\/caption>\n<thead><tr>(?:<th scope="col"[^>]*>[^<]+<\/th>)+/);
    expect([...page.matchAll(/<h(\d)/g)].map(([, rank]) => rank).join("")).toMatch(/^1(2(3(?!4))*)+$/);
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const wanted = [...page.matchAll(/(?:href="#|aria-labelledby=")([^"]+)"/g)].map(([, id]) => id);
    expect(wanted.length).toBeGreaterThan(10);
    expect(wanted.filter((id) => !ids.includes(id))).toEqual([]);
  });

  it("has no script, no inline style and nothing from elsewhere, and says so to the browser", () => {
    const page = statusPage(busySnapshot(), { now: NOW, tryIt: {} });
    expect(page).not.toMatch(/<script|<iframe|<img| style=| on[a-z]+=|\bsrc=|url\(|@import/i);
    expect(page.match(/(?:href|action)="(?!\.\/|#|data:image\/svg)[^"]*"/g)).toBe(null);
    expect(STATUS_PAGE_HEADERS).toMatchObject({
      "X-Frame-Options": "DENY",
      "Referrer-Policy": "no-referrer",
      "Cache-Control": "no-store",
    });
    const policy = STATUS_PAGE_HEADERS["Content-Security-Policy"]?.split("; ");
    expect(policy).toEqual(
      expect.arrayContaining(["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"]),
    );
    expect(policy?.join()).not.toContain("unsafe");
  });
});
