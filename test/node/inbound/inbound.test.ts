// What counts of a connection: the raw path, the client's address, the names of a certificate.

import "reflect-metadata"; // @peculiar/x509 asks for it
import { X509Certificate } from "node:crypto";
import { TLSSocket } from "node:tls";
import { type JsonGeneralName, SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import { describe, expect, it, vi } from "vitest";
import { createNodeInbound } from "../../../src/node/inbound/inbound.ts";

const { clientCertificate, pathAsSent } = createNodeInbound([]);
const REQUEST = new Request("http://proxy.example/resolved");

it.each([
  ["/getToken?a=/b?c", "/getToken"],
  ["/%67etToken%2F", "/%67etToken%2F"],
  ["//getToken", "//getToken"],
  ["/a/../getToken", "/a/../getToken"],
  ["?a", ""],
  ["http://evil.example/getToken", "http://evil.example/getToken"],
  [undefined, ""],
])("the path of %s is %j, as sent", (url, path) => {
  expect(pathAsSent(REQUEST, { incoming: { url } })).toBe(path);
});

/** @param forwarded values of X-Forwarded-For, each a header of its own */
function addressOf(remoteAddress: string | undefined, forwarded: string[], trusted: string[]): string {
  const request = new Request("http://proxy.example/token", {
    headers: [
      ...forwarded.map((value): [string, string] => ["x-forwarded-for", value]),
      ...["x-real-ip", "cf-connecting-ip", "true-client-ip"].map((name): [string, string] => [name, "203.0.113.66"]),
      ["forwarded", "for=203.0.113.66"],
    ],
  });
  return createNodeInbound(trusted).clientAddress(request, { incoming: { socket: { remoteAddress } } });
}

describe("the client's address", () => {
  it.each([
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    [undefined, ""],
  ])("without trusted proxies is that of the socket: %s", (socket, address) => {
    expect(addressOf(socket, ["198.51.100.9"], [])).toBe(address);
  });

  const TRUSTED = ["10.0.0.0/8", "192.0.2.7", "fd00::/8", "2001:db8::7"];

  it.each<[string, string | undefined, string[], string]>([
    ["an untrusted socket", "198.51.100.1", ["203.0.113.5"], "198.51.100.1"],
    ["an untrusted socket that names a trusted address", "198.51.100.1", ["10.0.0.1"], "198.51.100.1"],
    ["a trusted range", "10.1.2.3", ["203.0.113.5"], "203.0.113.5"],
    ["a trusted address", "192.0.2.7", ["203.0.113.5"], "203.0.113.5"],
    ["the neighbour of a trusted address", "192.0.2.8", ["203.0.113.5"], "192.0.2.8"],
    ["a trusted IPv6 range", "fd12::1", ["203.0.113.5"], "203.0.113.5"],
    ["a trusted IPv6 address in another notation", "2001:db8:0:0:0:0:0:7", ["203.0.113.5"], "203.0.113.5"],
    ["the neighbour of a trusted IPv6 address", "2001:db8::8", ["203.0.113.5"], "2001:db8::/64"],
    ["a trusted address on a dual-stack socket", "::ffff:10.0.0.1", ["203.0.113.5"], "203.0.113.5"],
    ["a forged start of the list", "10.0.0.1", ["127.0.0.1, 10.9.9.9, 203.0.113.5"], "203.0.113.5"],
    ["several headers", "10.0.0.1", ["198.51.100.1", "203.0.113.5"], "203.0.113.5"],
    ["a chain of proxies", "10.0.0.1", ["203.0.113.5, 192.0.2.7, ::ffff:10.0.0.2"], "203.0.113.5"],
    ["only trusted addresses", "10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"],
    ["no header", "10.0.0.1", [], "10.0.0.1"],
    ["an empty header", "10.0.0.1", [""], "10.0.0.1"],
    ["an empty last part", "10.0.0.1", ["203.0.113.5, "], "10.0.0.1"],
    ["no space", "10.0.0.1", ["198.51.100.1,203.0.113.5"], "203.0.113.5"],
    ["spaces and tabs", "10.0.0.1", ["  198.51.100.1 ,\t 203.0.113.5\t "], "203.0.113.5"],
    ["a text that is not an address", "10.0.0.1", ["203.0.113.5, unknown"], ""],
    ["a proxy in hexadecimal form", "::ffff:a00:1", ["203.0.113.5, ::ffff:a00:2"], "203.0.113.5"],
    ["an IPv4 address in IPv6", "10.0.0.1", ["::ffff:203.0.113.5"], "203.0.113.5"],
    ["an IPv6 address", "10.0.0.1", ["2001:db8:1:2::9"], "2001:db8:1:2::/64"],
    ["a port", "10.0.0.1", ["203.0.113.5:41952, 10.0.0.2:443"], "203.0.113.5"],
    ["brackets and a port", "10.0.0.1", ["[2001:db8:1:2::9]:41952"], "2001:db8:1:2::/64"],
    ["brackets", "10.0.0.1", ["[2001:db8:1:2:3:4:5:6]"], "2001:db8:1:2::/64"],
    ["a closed socket", undefined, ["203.0.113.5"], ""],
  ])("with trusted proxies, for %s", (_, socket, forwarded, address) => {
    expect(addressOf(socket, forwarded, TRUSTED)).toBe(address);
  });

  it.each(["10.0.0.1.5", "010.0.0.1", "10.0.0", "fd00::1::2", "10.0.0.1 10.0.0.2", "10.0.0.0/8"])(
    "is not looked up behind something that only resembles a trusted address: %s",
    (garbage) => {
      expect(addressOf("10.0.0.1", [`203.0.113.5, ${garbage}`], TRUSTED)).not.toBe("203.0.113.5");
    },
  );

  it.each(["::ffff:10.0.0.1", "::ffff:a00:1", "::ffff:10.0.0.0/104"])("can be trusted as %s", (trusted) => {
    for (const socket of ["10.0.0.1", "::ffff:10.0.0.1", "::ffff:a00:1"]) {
      expect(addressOf(socket, ["203.0.113.5"], [trusted])).toBe("203.0.113.5");
    }
  });

  it("can be anything if the file trusts every address", () => {
    expect(addressOf("198.51.100.1", ["203.0.113.5"], ["0.0.0.0/0", "::/0"])).toBe("203.0.113.5");
    expect(addressOf("2001:db8::1", ["203.0.113.5"], ["::/0"])).toBe("203.0.113.5");
  });
});

interface Shown {
  fingerprint256: string;
  subjectAltName: string | undefined;
  validToDate: Date;
}

/** A TLS connection with this client certificate; `reads` counts how often it was read. */
function connection(certificate: Shown | undefined, authorized = true) {
  const socket = Object.create(TLSSocket.prototype) as { authorized: boolean; reads: number };
  return Object.assign(socket, {
    authorized,
    reads: 0,
    getPeerX509Certificate() {
      socket.reads += 1;
      return certificate;
    },
  });
}

const certificateOf = (socket: unknown) => clientCertificate(REQUEST, { incoming: { socket } });
const shown = (subjectAltName?: string): Shown => ({
  fingerprint256: "AB:".repeat(31).concat("CD"),
  subjectAltName,
  validToDate: new Date(Date.now() + 60_000),
});
const namesOf = (certificate: Shown) => certificateOf(connection(certificate))?.dnsNames;

describe("the certificate of a connection", () => {
  it.each([
    ["a certificate that is not verified", connection(shown("DNS:a.example"), false)],
    ["no certificate", connection(undefined)],
    ["no TLS", { authorized: true, getPeerX509Certificate: () => shown("DNS:a.example") }],
  ])("does not exist with %s", (_, socket) => {
    expect(certificateOf(socket)).toBeUndefined();
  });

  it("is read once for each connection", () => {
    const [first, second, none] = [connection(shown("DNS:a")), connection(shown("DNS:b")), connection(undefined)];
    const found = [first, second, none, first, second, none].map((socket) => certificateOf(socket)?.dnsNames);
    expect(found).toEqual([["a"], ["b"], undefined, ["a"], ["b"], undefined]);
    expect([first.reads, second.reads, none.reads]).toEqual([1, 1, 1]);
  });

  it("no longer counts once it has expired", () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const socket = connection(shown("DNS:a.example"));
    expect(certificateOf(socket)).toBeDefined();
    vi.setSystemTime(Date.now() + 60_001);
    expect(certificateOf(socket)).toBeUndefined();
    vi.useRealTimers();
  });
});

const EC = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const KEYS = await crypto.subtle.generateKey(EC, true, ["sign", "verify"]);

async function certify(names: JsonGeneralName[]): Promise<X509Certificate> {
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=cn.bank.example",
    keys: KEYS,
    signingAlgorithm: EC,
    extensions: names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)],
  });
  return new X509Certificate(certificate.toString("pem"));
}

describe("the DNS names of a certificate", () => {
  const dns = (value: string): JsonGeneralName => ({ type: "dns", value });

  it.each<[string, JsonGeneralName[], string[]]>([
    ["no names, whatever its subject is called", [], []],
    ["several", [dns("a.example"), dns("B.Example"), dns("*.c.example")], ["a.example", "b.example", "*.c.example"]],
    [
      "names of every kind",
      [
        { type: "ip", value: "2001:db8::1" },
        dns("a.example"),
        { type: "email", value: "a@b.example" },
        { type: "url", value: "https://c.example/x?y" },
        { type: "dn", value: "CN=d.example" },
        { type: "id", value: "1.2.3.4" },
        { type: "upn", value: "e@f.example" },
        dns("g.example"),
      ],
      ["a.example", "g.example"],
    ],
    ["a URL that continues as a DNS name", [{ type: "url", value: "https://a/, DNS:evil.example" }], []],
    ["an email address that ends its quotes", [{ type: "email", value: 'a", DNS:evil, x:"' }], []],
    ["a DNS name that contains another", [dns("a.example, DNS:evil.example"), dns("b.example")], ["b.example"]],
    ["a principal that continues as a DNS name", [{ type: "upn", value: "u, DNS:evil.example" }], []],
    ["a directory name with the text of a DNS name", [{ type: "dn", value: "CN=a, O=DNS:evil.example" }], []],
    ["a zero byte", [dns("ns.bank.example\u0000.evil.example"), dns("b.example")], ["b.example"]],
    ["a backslash at the end", [dns("a\\"), dns("b.example")], ["b.example"]],
  ])("with %s; and the fingerprint is the one that other tools show", async (_, names, expected) => {
    const certificate = await certify(names);
    const sha256 = Buffer.from(await crypto.subtle.digest("SHA-256", certificate.raw)).toString("hex");
    expect(certificateOf(connection(certificate as Shown))).toEqual({ sha256, dnsNames: expected });
  });

  it.each<[string, string[]]>([
    ['URI:"x\\"y, DNS:evil", DNS:a', ["a"]],
    ["dns:a, Dns:b, XDNS:c", []],
    ["DNS:DNS:a", ["dns:a"]],
    ['DNS:"a.example"', []],
    // Not Node's notation: nothing of it counts.
    ["DNS:a,DNS:evil", []],
    ["DNS:a, evil", []],
    ['DNS:a, URI:x"y", DNS:evil', []],
    ['DNS:a, URI:"x, DNS:evil', []],
    ['DNS:a, URI:"x" , DNS:evil', []],
    [", DNS:evil", []],
    ['"URI":x, DNS:evil', []],
  ])("in the text %s are %j", (subjectAltName, names) => {
    expect(namesOf(shown(subjectAltName))).toEqual(names);
  });

  it("are read in linear time: otherwise this would take hours", () => {
    for (const part of ["DNS:a, ", 'URI:"', "a:", '\\"', 'URI:"\\"']) namesOf(shown(part.repeat(200_000)));
  });
});
