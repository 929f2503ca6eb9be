// What only Node's connection shows of a request: the raw path, the client's certificate and its address.

import { BlockList, isIPv6, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { HttpBindings } from "@hono/node-server";
import type { ClientCertificate, Inbound } from "../../core/inbound.ts";
import { limitedAddress } from "../../core/limited-address.ts";

/** @param trustedProxies addresses and ranges of load balancers whose X-Forwarded-For is trusted */
export function createNodeInbound(trustedProxies: readonly string[]): Inbound {
  const trusted = blockList(trustedProxies);
  const incoming = (env: unknown) => (env as HttpBindings).incoming;
  return {
    // Request.url resolves dot segments, and a forged Host header could put text before the path.
    pathAsSent: (_request, env) => (incoming(env).url ?? "").split("?", 1)[0] as string,
    recipient: (env) => (env as HttpBindings).outgoing,
    clientCertificate: (_request, env) => certificateOf(incoming(env).socket),
    clientAddress(request, env) {
      const hops = (request.headers.get("x-forwarded-for") ?? "").split(",").map((hop) => hop.trim());
      let address = withoutPort(incoming(env).socket.remoteAddress ?? "");
      // Backwards from the last hop, as long as a trusted proxy has added it. Anybody can forge the others.
      while (trusted.check(address, familyOf(address)) && hops.length > 0) {
        const before = withoutPort(hops.pop() as string);
        if (before === "") break;
        address = before;
      }
      return limitedAddress(address);
    },
  };
}

/** Some load balancers append the port. A dual-stack socket shows 192.0.2.1 as ::ffff:192.0.2.1. */
function withoutPort(hop: string): string {
  const address = /^\[(.+)\](?::\d+)?$/.exec(hop)?.[1] ?? hop.replace(/^(\d+(?:\.\d+){3}):\d+$/, "$1");
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address, prefix] = range.split("/") as [string, string | undefined];
    if (prefix === undefined) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(prefix), familyOf(address));
  }
  return list;
}

function familyOf(address: string): "ipv6" | "ipv4" {
  return isIPv6(address) ? "ipv6" : "ipv4";
}

/** Read once per connection, whose certificate cannot change: listener.ts forbids renegotiation. */
const peers = new WeakMap<Socket, { certificate?: ClientCertificate; validTo: number }>();

function certificateOf(socket: Socket): ClientCertificate | undefined {
  // `authorized` means the chain ended at server.tls.client_ca when the TLS session was created.
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  let peer = peers.get(socket);
  if (peer === undefined) {
    peer = readPeer(socket);
    peers.set(socket, peer);
  }
  return peer.validTo < Date.now() ? undefined : peer.certificate;
}

function readPeer(socket: TLSSocket) {
  const x509 = socket.getPeerX509Certificate();
  if (x509 === undefined) return { validTo: 0 };
  const sha256 = x509.fingerprint256.replaceAll(":", "").toLowerCase();
  return {
    certificate: { sha256, dnsNames: dnsNames(x509.subjectAltName ?? "") },
    validTo: x509.validToDate.getTime(),
  };
}

/** One entry of a subjectAltName in Node's notation, which quotes values with a comma or control character. */
const ALT_NAME = /([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;

function dnsNames(subjectAltName: string): string[] {
  const names: string[] = [];
  ALT_NAME.lastIndex = 0;
  while (ALT_NAME.lastIndex < subjectAltName.length) {
    const match = ALT_NAME.exec(subjectAltName);
    if (match === null) return []; // not the documented notation, so trust none of it
    const [, kind, value = ""] = match;
    if (kind === "DNS" && !value.startsWith('"')) names.push(value.toLowerCase()); // quoted: not a DNS name
  }
  return names;
}
