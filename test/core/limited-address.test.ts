// For rate limits, a client is an IPv4 address or the /64 of an IPv6 address.

import { expect, it } from "vitest";
import { limitedAddress } from "../../src/core/limited-address.ts";

it.each(["192.0.2.1", "", "unknown", "a b"])("returns other text unchanged: %j", (address) => {
  expect(limitedAddress(address)).toBe(address);
});

it.each([
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:0db8:0001:0002:0003:0004:0005:0006", "2001:db8:1:2::/64"],
  ["2001:DB8:1:2::ABCD", "2001:db8:1:2::/64"],
  ["2001:db8:1:2::", "2001:db8:1:2::/64"],
  ["2001:db8:12::1", "2001:db8:12:0::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["2001:db8::4:5:6:7:8", "2001:db8:0:4::/64"],
  ["2001:db8:0000:0000:1:0:0:1", "2001:db8:0:0::/64"],
  ["::2:3:4:5:6:7:8", "0:2:3:4::/64"],
  ["::1", "0:0:0:0::/64"],
  ["::", "0:0:0:0::/64"],
  ["fe80::1:2:3:4%25en1:x", "fe80:0:0:0::/64"],
  ["64:ff9b::192.0.2.1", "64:ff9b:0:0::/64"],
])("counts %s as %s", (address, counted) => {
  expect(limitedAddress(address)).toBe(counted);
});

it.each([":", "::::", ":::", "1::2::3", "a:b", "1:2:3:4:5:6:7:8:9:10", "%:", "[::1]:80", ":".repeat(10_000)])(
  "returns some key for invalid text: %.20s",
  (garbage) => {
    expect(limitedAddress(garbage)).toMatch(/::\/64$/);
  },
);
