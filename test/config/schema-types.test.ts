// Durations are whole numbers with a unit; addresses are host:port, with brackets around an IPv6 host.

import { describe, expect, it } from "vitest";
import { configOf, faultsOf, withKeys } from "./file.ts";

const delay = (text: string) => withKeys(`server: { shutdown_delay: ${JSON.stringify(text)} }`);
const listen = (text: string) => withKeys(`server: { listen: ${JSON.stringify(text)} }`);

describe("a duration", () => {
  it.each([
    ["0ms", 0],
    ["1ms", 1],
    ["500ms", 500],
    ["007s", 7_000],
    ["10m", 600_000],
    ["24h", 86_400_000],
    ["86400000ms", 86_400_000],
  ])("of %s is %i milliseconds", (text, ms) => {
    expect(configOf(delay(text)).server.shutdown_delay).toBe(ms);
  });

  it.each([
    "",
    "5",
    "s",
    "5 s",
    " 5s",
    "5s ",
    "5s\n",
    "5S",
    "-5s",
    "1.5s",
    "5sec",
    "1m30s",
    "1d",
    "1e3ms",
    "٥s",
    "1234567890ms",
  ])("must not be written %j", (text) => {
    expect(faultsOf(delay(text))).toEqual([
      'f.yaml:11:27 "server.shutdown_delay" must be a duration with a unit, like 500ms, 5s or 10m',
    ]);
  });

  it.each(["25h", "86400001ms", "999999999h"])("must not be as long as %s", (text) => {
    expect(faultsOf(delay(text))).toEqual(['f.yaml:11:27 "server.shutdown_delay" must be between 0s and 24h']);
  });
});

describe("an address", () => {
  it.each([
    ["127.0.0.1:8080", { host: "127.0.0.1", port: 8080 }],
    ["0.0.0.0:0", { host: "0.0.0.0", port: 0 }],
    ["[::1]:9614", { host: "::1", port: 9614 }],
    ["[::]:65535", { host: "::", port: 65_535 }],
    ["proxy-1.bank.example:443", { host: "proxy-1.bank.example", port: 443 }],
  ])("%s is split into host and port", (text, address) => {
    expect(configOf(listen(text)).server.listen).toEqual(address);
  });

  it.each(["", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:http", "::1:8080", "[::1]"])(
    "must not be written %j",
    (text) => {
      expect(faultsOf(listen(text))).toEqual([
        expect.stringMatching(/^f\.yaml:11:19 "server\.listen" must be host:port/),
      ]);
    },
  );

  it.each(["http://127.0.0.1:80", "127.0.0.1:80/", "127.0.0.1:80\n", "*:80", "127.0.0.1:-1"])(
    "must not contain more: %j",
    (text) => {
      expect(faultsOf(listen(text))).toEqual([expect.stringMatching(/"server\.listen" must be host:port/)]);
    },
  );
});
