// For limits an IPv4 address is one client, and of an IPv6 address the first half is, however it is written.

import { describe, expect, it } from "vitest";
import { limitedAddress } from "../../src/core/limited-address.ts";

it.each(["192.0.2.1", "127.0.0.1", "", "unknown", "a b"])("%j counts as it is", (address) => {
  expect(limitedAddress(address)).toBe(address);
});

describe("an IPv6 address", () => {
  it.each([
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0db8:0001:0002:0003:0004:0005:0006", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2::ABCD", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:db8::5:6:7:8", "2001:db8:0:0::/64"],
    ["2001:db8::4:5:6:7:8", "2001:db8:0:4::/64"],
    ["2001:db8:0000:0000:1:0:0:1", "2001:db8:0:0::/64"],
    ["1::8", "1:0:0:0::/64"],
    ["::2:3:4:5:6:7:8", "0:2:3:4::/64"],
    ["1:2:3:4:5:6:7::", "1:2:3:4::/64"],
    ["::", "0:0:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["fe80::1:2:3:4%25en1:x", "fe80:0:0:0::/64"],
    ["64:ff9b::192.0.2.1", "64:ff9b:0:0::/64"],
  ])("%s counts as %s", (address, counted) => {
    expect(limitedAddress(address)).toBe(counted);
  });

  it("is another client where the first half differs", () => {
    const counted = ["2001:db8:1:2::1", "2001:db8:1:3::1", "2001:db8:12::1", "2001:db8:1::2:1"].map(limitedAddress);
    expect(new Set(counted).size).toBe(4);
  });
});

it.each([":", "::::", ":::", "1::2::3", "a:b", "1:2:3:4:5:6:7:8:9:10", "%:", "[::1]:80", ":".repeat(10_000)])(
  "what only looks like one gives some key, and no error: %.20s",
  (garbage) => {
    expect(limitedAddress(garbage)).toMatch(/::\/64$/);
  },
);
