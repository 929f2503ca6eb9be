// For rate limits, a client is an IPv4 address or the /64 of an IPv6 address.

import { expect, it } from "vitest";
import { limitedAddress } from "../../src/steps/limited-address.ts";

it.each(["192.0.2.1", "0.0.0.0", "255.255.255.255"])("counts %s as it is", (address) => {
  expect(limitedAddress(address)).toBe(address);
});

it.each([
  "::ffff:192.0.2.1",
  "::FFFF:192.0.2.1",
  "::ffff:c000:201",
  "::ffff:C000:0201",
  "0:0:0:0:0:ffff:192.0.2.1",
  "0000:0000:0000:0000:0000:ffff:c000:0201",
  "0::0:ffff:c000:201",
  "::ffff:c000:201%eth0",
])("counts an IPv4 address in IPv6 as the IPv4 address: %s", (address) => {
  expect(limitedAddress(address)).toBe("192.0.2.1");
});

it("counts ::ffff:0:0 and other IPv4 addresses with zeros as IPv4", () => {
  expect(["::ffff:0:0", "::ffff:7f00:1", "::ffff:a00:0"].map(limitedAddress)).toEqual([
    "0.0.0.0",
    "127.0.0.1",
    "10.0.0.0",
  ]);
});

it.each([
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:0db8:0001:0002:0003:0004:0005:0006", "2001:db8:1:2::/64"],
  ["2001:DB8:1:2::ABCD", "2001:db8:1:2::/64"],
  ["2001:db8:1:2::", "2001:db8:1:2::/64"],
  ["2001:db8:12::1", "2001:db8:12::/64"],
  ["2001:db8::1", "2001:db8::/64"],
  ["2001:db8::4:5:6:7:8", "2001:db8:0:4::/64"],
  ["2001:db8:0000:0000:1:0:0:1", "2001:db8::/64"],
  ["::2:3:4:5:6:7:8", "0:2:3:4::/64"],
  ["::1", "::/64"],
  ["::", "::/64"],
  ["fe80::1:2:3:4%25en1:x", "fe80::/64"],
  ["64:ff9b::192.0.2.1", "64:ff9b::/64"],
])("counts %s as %s", (address, counted) => {
  expect(limitedAddress(address)).toBe(counted);
});

it.each([
  ...["", "unknown", "_hidden", "a b", "127.1", "010.0.0.1", "0x7f.0.0.1", "1.2.3.256", "1.2.3.4.5", "1.2.3.4:80"],
  ...[":", "::::", ":::", "1::2::3", "a:b", "1:2:3:4:5:6:7:8:9:10", "%:", "[::1]:80", "::1]/[", "::1]@[::2"],
  ...[":".repeat(10_000), "1".repeat(10_000)],
])("counts everything that is not an address as one client: %.20s", (garbage) => {
  expect(limitedAddress(garbage)).toBe("");
});
