// The path comes from the request line; the client from the socket, or from X-Forwarded-For of trusted proxies.

import { describe, expect, it } from "vitest";
import { createNodeInbound } from "../../../src/node/inbound/inbound.ts";

describe("the raw path", () => {
  const { pathAsSent } = createNodeInbound([]);
  /** The Request has another one, which must not count. */
  const pathOf = (url: string | undefined) =>
    pathAsSent(new Request("http://proxy.example/resolved"), { incoming: { url } });

  it.each([
    ["/getToken", "/getToken"],
    ["/getToken?a=/b?c", "/getToken"],
    ["/%67etToken%2F", "/%67etToken%2F"],
    ["//getToken", "//getToken"],
    ["/a/../getToken", "/a/../getToken"],
    ["/getToken/.", "/getToken/."],
    ["/", "/"],
    ["?a", ""],
    ["*", "*"],
    ["http://evil.example/getToken", "http://evil.example/getToken"],
    [undefined, ""],
  ])("of %s is %j", (url, path) => {
    expect(pathOf(url)).toBe(path);
  });
});

it.each([true, false])("a body has arrived if Node has read all of it: %s", (complete) => {
  expect(createNodeInbound([]).awaitsBody({ incoming: { complete } })).toBe(!complete);
});

/** @param forwarded what X-Forwarded-For says, each header by itself */
function addressOf(remoteAddress: string | undefined, forwarded: string[], trusted: string[]): string {
  const headers = new Headers();
  for (const value of forwarded) headers.append("x-forwarded-for", value);
  const request = new Request("http://proxy.example/token", { headers });
  return createNodeInbound(trusted).clientAddress(request, { incoming: { socket: { remoteAddress } } });
}

describe("without trusted proxies the client", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["::1", "0:0:0:0::/64"],
    [undefined, ""],
  ])("of socket %s is %j, whatever X-Forwarded-For says", (socket, address) => {
    expect(addressOf(socket, [], [])).toBe(address);
    expect(addressOf(socket, ["198.51.100.9"], [])).toBe(address);
  });
});

describe("with trusted proxies the client", () => {
  const TRUSTED = ["10.0.0.0/8", "192.0.2.7", "fd00::/8", "2001:db8::7"];

  it.each<[string, string | undefined, string[], string]>([
    ["is whoever connects from elsewhere", "198.51.100.1", ["203.0.113.5"], "198.51.100.1"],
    ["is not believed about itself", "198.51.100.1", ["10.0.0.1"], "198.51.100.1"],
    ["is who the proxy says", "10.1.2.3", ["203.0.113.5"], "203.0.113.5"],
    ["is who a proxy by its own address says", "192.0.2.7", ["203.0.113.5"], "203.0.113.5"],
    ["is none whom the neighbour of a proxy names", "192.0.2.8", ["203.0.113.5"], "192.0.2.8"],
    ["is the last of a list", "10.0.0.1", ["198.51.100.1, 203.0.113.5"], "203.0.113.5"],
    ["is the last of several headers", "10.0.0.1", ["198.51.100.1", "203.0.113.5"], "203.0.113.5"],
    ["is not who it claims to forward for", "10.0.0.1", ["127.0.0.1, 10.9.9.9, 203.0.113.5"], "203.0.113.5"],
    ["is found behind a chain of proxies", "10.0.0.1", ["203.0.113.5, 192.0.2.7, 10.0.0.2"], "203.0.113.5"],
    ["is the proxy farthest away where all are", "10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"],
    ["is the proxy where it says nothing", "10.0.0.1", [], "10.0.0.1"],
    ["is the proxy where it says nothing with a header", "10.0.0.1", [""], "10.0.0.1"],
    ["is the proxy where its own part is empty", "10.0.0.1", ["203.0.113.5, "], "10.0.0.1"],
    ["is found without any space between", "10.0.0.1", ["198.51.100.1,203.0.113.5"], "203.0.113.5"],
    ["is found with spaces and tabs around", "10.0.0.1", ["  198.51.100.1 ,\t 203.0.113.5\t "], "203.0.113.5"],
    ["is unknown where the proxy writes no address", "10.0.0.1", ["203.0.113.5, unknown"], ""],
    ["is known behind a proxy in hexadecimal form", "::ffff:a00:1", ["203.0.113.5, ::ffff:a00:2"], "203.0.113.5"],
    ["is an IPv4 address in hexadecimal form too", "10.0.0.1", ["::ffff:cb00:7105"], "203.0.113.5"],
    ["is known behind a socket for both families", "::ffff:10.0.0.1", ["203.0.113.5"], "203.0.113.5"],
    ["is known by the address in another family", "10.0.0.1", ["203.0.113.5, ::ffff:10.0.0.2"], "203.0.113.5"],
    ["is an IPv4 address in whatever form", "10.0.0.1", ["::ffff:203.0.113.5"], "203.0.113.5"],
    ["is a /64 of IPv6", "10.0.0.1", ["2001:db8:1:2::9"], "2001:db8:1:2::/64"],
    ["is who a proxy of IPv6 says", "fd12::1", ["203.0.113.5"], "203.0.113.5"],
    ["is who a proxy by its IPv6 address says", "2001:db8:0:0:0:0:0:7", ["203.0.113.5"], "203.0.113.5"],
    ["is none whom a neighbour by IPv6 names", "2001:db8::8", ["203.0.113.5"], "2001:db8:0:0::/64"],
    ["is one, whichever port the proxy tells", "10.0.0.1", ["203.0.113.5:41952"], "203.0.113.5"],
    ["is one, whichever port of IPv6", "10.0.0.1", ["[2001:db8:1:2::9]:41952"], "2001:db8:1:2::/64"],
    ["is one in brackets", "10.0.0.1", ["[2001:db8:1:2:3:4:5:6]"], "2001:db8:1:2::/64"],
    ["is found behind a proxy with its port", "10.0.0.1", ["203.0.113.5, 10.0.0.2:443"], "203.0.113.5"],
    ["is none where there is no socket any more", undefined, ["203.0.113.5"], ""],
  ])("%s", (_, socket, forwarded, address) => {
    expect(addressOf(socket, forwarded, TRUSTED)).toBe(address);
  });

  it.each(["10.0.0.1.5", "010.0.0.1", "10.0.0", "fd00::1::2", "fd00::g", "10.0.0.1 10.0.0.2", "10.0.0.0/8"])(
    "is the text itself if it is not an address: %s",
    (garbage) => {
      expect(addressOf("10.0.0.1", [`203.0.113.5, ${garbage}`], TRUSTED)).not.toBe("203.0.113.5");
    },
  );

  it("does not depend on X-Real-IP, Forwarded or the headers of Cloudflare", () => {
    const request = new Request("http://proxy.example/token", {
      headers: {
        "x-real-ip": "203.0.113.5",
        forwarded: "for=203.0.113.5",
        "cf-connecting-ip": "203.0.113.5",
        "true-client-ip": "203.0.113.5",
      },
    });
    const { clientAddress } = createNodeInbound(TRUSTED);
    expect(clientAddress(request, { incoming: { socket: { remoteAddress: "10.0.0.1" } } })).toBe("10.0.0.1");
  });

  it.each(["::ffff:10.0.0.1", "::ffff:a00:1", "::ffff:10.0.0.0/104"])("are known by %s in the file too", (trusted) => {
    for (const socket of ["10.0.0.1", "::ffff:10.0.0.1", "::ffff:a00:1"]) {
      expect(addressOf(socket, ["203.0.113.5"], [trusted])).toBe("203.0.113.5");
    }
  });

  it("can be anybody if the file trusts every address", () => {
    expect(addressOf("198.51.100.1", ["203.0.113.5"], ["0.0.0.0/0", "::/0"])).toBe("203.0.113.5");
    expect(addressOf("2001:db8::1", ["203.0.113.5"], ["::/0"])).toBe("203.0.113.5");
  });
});
