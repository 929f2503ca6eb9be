// Addresses to listen on are host:port, an IPv6 host in brackets.

import { expect, it } from "vitest";
import { parseAddress } from "../../src/config/address.ts";

it.each([
  ["127.0.0.1:8080", { host: "127.0.0.1", port: 8080 }],
  ["0.0.0.0:0", { host: "0.0.0.0", port: 0 }],
  ["[::1]:9613", { host: "::1", port: 9613 }],
  ["[::]:65535", { host: "::", port: 65_535 }],
  ["localhost:80", { host: "localhost", port: 80 }],
  ["proxy-1.bank.example:443", { host: "proxy-1.bank.example", port: 443 }],
])("%s is host and port", (text, address) => {
  expect(parseAddress(text)).toEqual(address);
});

it.each([
  "",
  "8080",
  ":8080",
  "127.0.0.1",
  "127.0.0.1:",
  "127.0.0.1:65536",
  "127.0.0.1:http",
  "::1:8080",
  "[::1]",
  "http://127.0.0.1:80",
  "127.0.0.1:80/",
  "127.0.0.1:80\n",
  "*:80",
  "127.0.0.1:-1",
])("%j is no address", (text) => {
  expect(parseAddress(text)).toBeUndefined();
});
