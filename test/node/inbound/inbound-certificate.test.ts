// Only the fingerprint and the DNS names of a client certificate count, whatever its other names look like.

import "reflect-metadata"; // @peculiar/x509 asks for it
import { X509Certificate } from "node:crypto";
import { TLSSocket } from "node:tls";
import { type JsonGeneralName, SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import { describe, expect, it, vi } from "vitest";
import { createNodeInbound } from "../../../src/node/inbound/inbound.ts";

const { clientCertificate } = createNodeInbound([]);
const REQUEST = new Request("http://proxy.example/getToken");

interface Shown {
  fingerprint256: string;
  subjectAltName: string | undefined;
  validToDate: Date;
}

/** A TLS connection whose other end has shown this certificate; `asked` counts how often it was looked at. */
function connection(certificate: Shown | undefined, authorized = true) {
  const socket = Object.create(TLSSocket.prototype) as { authorized: boolean; asked: number };
  return Object.assign(socket, {
    authorized,
    asked: 0,
    getPeerX509Certificate() {
      socket.asked += 1;
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
const FINGERPRINT = `${"ab".repeat(31)}cd`;

/** The names of a connection whose certificate says this. */
const namesOf = (certificate: Shown) => certificateOf(connection(certificate))?.dnsNames;

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

describe("a connection", () => {
  it("with a verified certificate has the fingerprint that other tools show", async () => {
    const certificate = await certify([{ type: "dns", value: "ns.bank.example" }]);
    const digest = Buffer.from(await crypto.subtle.digest("SHA-256", certificate.raw)).toString("hex");
    expect(certificateOf(connection(certificate as Shown))).toEqual({ sha256: digest, dnsNames: ["ns.bank.example"] });
    expect(certificateOf(connection(shown()))).toEqual({ sha256: FINGERPRINT, dnsNames: [] });
  });

  it.each([
    ["a certificate that is not verified", connection(shown("DNS:a.example"), false)],
    ["no certificate", connection(undefined)],
    ["no TLS", { authorized: true, getPeerX509Certificate: () => shown("DNS:a.example") }],
    ["nothing", {}],
  ])("with %s has no certificate", (_, socket) => {
    expect(certificateOf(socket)).toBeUndefined();
  });

  it("is examined once for all its calls", () => {
    for (const socket of [connection(shown("DNS:a.example")), connection(undefined)]) {
      const first = certificateOf(socket);
      expect(certificateOf(socket)).toBe(first);
      expect(socket.asked).toBe(1);
    }
  });

  it("has a certificate of its own", () => {
    const [first, second] = [connection(shown("DNS:a.example")), connection(shown("DNS:b.example"))];
    expect([first, second, first].map((socket) => certificateOf(socket)?.dnsNames)).toEqual([
      ["a.example"],
      ["b.example"],
      ["a.example"],
    ]);
  });

  it("whose certificate has expired since has none", () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      const socket = connection(shown("DNS:a.example"));
      expect(certificateOf(socket)).toBeDefined();
      vi.setSystemTime(Date.now() + 60_001);
      expect(certificateOf(socket)).toBeUndefined();
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("a real certificate", () => {
  const dns = (value: string): JsonGeneralName => ({ type: "dns", value });

  it.each<[string, JsonGeneralName[], string[]]>([
    ["without names, whatever its subject is called", [], []],
    ["of one name", [dns("ns.bank.example")], ["ns.bank.example"]],
    ["of several", [dns("a.example"), dns("B.Example"), dns("*.c.example")], ["a.example", "b.example", "*.c.example"]],
    [
      "of names of every kind",
      [
        { type: "ip", value: "192.0.2.1" },
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
    ["of a URL that goes on as a DNS name", [{ type: "url", value: "https://a/, DNS:evil.example" }], []],
    ["of a mail address that ends its quotes", [{ type: "email", value: 'a", DNS:evil.example' }], []],
    ["of a mail address that ends its quotes and opens others", [{ type: "email", value: 'a", DNS:evil, x:"' }], []],
    ["of a DNS name with another in it", [dns("a.example, DNS:evil.example"), dns("b.example")], ["b.example"]],
    ["of a principal that goes on as a DNS name", [{ type: "upn", value: "u, DNS:evil.example" }], []],
    ["of a directory that goes on as a DNS name", [{ type: "dn", value: "CN=a, O=DNS:evil.example" }], []],
    ["of a directory called as a DNS name is", [{ type: "dn", value: "CN=DNS:evil.example" }], []],
    ["of a name with a zero byte", [dns("ns.bank.example\u0000.evil.example"), dns("b.example")], ["b.example"]],
    ["of a name that ends in a backslash", [dns("a\\"), dns("b.example")], ["b.example"]],
    ["of a name with an apostrophe", [dns("a'b"), dns("b.example")], ["b.example"]],
  ])("%s", async (_, names, expected) => {
    expect(namesOf((await certify(names)) as Shown)).toEqual(expected);
  });
});

describe("names in a notation that Node does not use", () => {
  it.each<[string, string[]]>([
    ["", []],
    ["DNS:a.example", ["a.example"]],
    ["DNS:A.EXAMPLE, DNS:b.example", ["a.example", "b.example"]],
    ['URI:"x\\"y, DNS:evil", DNS:a', ["a"]],
    ['URI:"x\\\\", DNS:a', ["a"]],
    ["dns:a, Dns:b, XDNS:c", []],
    ["DNS:DNS:a", ["dns:a"]],
    ['DNS:"a.example"', []],
    ["othername:UPN:a, DNS:b", ["b"]],
  ])("%s gives %j", (subjectAltName, names) => {
    expect(namesOf(shown(subjectAltName))).toEqual(names);
  });

  it.each([
    "DNS:a,DNS:evil",
    "DNS:a,, DNS:evil",
    "DNS:a, evil",
    'DNS:a, URI:x"y", DNS:evil',
    'DNS:a, URI:"x, DNS:evil',
    'DNS:a, URI:"x"y, DNS:evil',
    'DNS:a, URI:"x" , DNS:evil',
    ", DNS:evil",
    ":x, DNS:evil",
    '"URI":x, DNS:evil',
  ])("do not count if they cannot be told apart: %s", (subjectAltName) => {
    expect(namesOf(shown(subjectAltName))).toEqual([]);
  });

  it("are read in linear time", () => {
    const started = performance.now();
    for (const part of ["DNS:a, ", 'URI:"', "a:", '\\"', 'URI:"\\"']) namesOf(shown(part.repeat(20_000)));
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
