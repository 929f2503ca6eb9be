// What Node knows of a request beyond what it says: the path of the request line, the certificate and the address of its socket.

import { BlockList, isIPv6, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { HttpBindings } from "@hono/node-server";
import type { ClientCertificate, Inbound } from "../../core/inbound.ts";
import { limitedAddress } from "../../core/limited-address.ts";

/** @param trustedProxies addresses and ranges of load balancers whose X-Forwarded-For is believed */
export function createNodeInbound(trustedProxies: readonly string[]): Inbound {
  const trusted = blockList(trustedProxies);
  const isTrusted = (address: string) => trusted.check(address, isIPv6(address) ? "ipv6" : "ipv4");
  return {
    // The URL of the Request would have its dot segments resolved, and would take in whatever a Host header smuggles before
    // the path.
    pathAsSent(_request, env) {
      const { url = "" } = incomingOf(env);
      return url.split("?", 1)[0] as string;
    },
    recipient: (env) => (env as HttpBindings).outgoing,
    clientCertificate: (_request, env) => certificateOf(incomingOf(env).socket),
    clientAddress(request, env) {
      const hops = (request.headers.get("x-forwarded-for") ?? "").split(",").map((hop) => hop.trim());
      let address = plain(incomingOf(env).socket.remoteAddress ?? "");
      // From the last hop backwards, as far as those who say so are believed: what stands before is anybody's word.
      while (isTrusted(address) && hops.length > 0) {
        const before = plain(hops.pop() as string);
        if (before === "") break;
        address = before;
      }
      return limitedAddress(address);
    },
  };
}

function incomingOf(env: unknown): HttpBindings["incoming"] {
  return (env as HttpBindings).incoming;
}

/**
 * The address alone. Some load balancers write the port behind it, with which every connection would be another client; and a
 * dual-stack socket shows the IPv4 address 192.0.2.1 as `::ffff:192.0.2.1`.
 */
function plain(hop: string): string {
  const address = /^\[(.+)\](?::\d+)?$/.exec(hop)?.[1] ?? hop.replace(/^(\d+(?:\.\d+){3}):\d+$/, "$1");
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address, prefix] = range.split("/") as [string, string | undefined];
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

interface Peer {
  certificate: ClientCertificate;
  /** Milliseconds since the epoch. */
  validTo: number;
}

/** Read once for each connection, which may carry many calls; listener.ts lets none be renegotiated. */
const peers = new WeakMap<Socket, Peer | undefined>();

function certificateOf(socket: Socket): ClientCertificate | undefined {
  // `authorized` says that the chain ended at server.tls.client_ca when the connection, or the TLS session it takes up, was made.
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  if (!peers.has(socket)) peers.set(socket, readPeer(socket));
  const peer = peers.get(socket);
  return peer === undefined || peer.validTo < Date.now() ? undefined : peer.certificate;
}

function readPeer(socket: TLSSocket): Peer | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  return {
    validTo: certificate.validToDate.getTime(),
    certificate: {
      sha256: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
      dnsNames: dnsNames(certificate.subjectAltName ?? ""),
    },
  };
}

/** One name of a subjectAltName as Node writes it; what could be read two ways is in quotes, as a JSON text. */
const ALT_NAME = /([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;

/** A name in quotes holds a comma or a control character, so that it is no DNS name; it is passed over as a whole. */
function dnsNames(subjectAltName: string): string[] {
  const names: string[] = [];
  ALT_NAME.lastIndex = 0;
  while (ALT_NAME.lastIndex < subjectAltName.length) {
    const match = ALT_NAME.exec(subjectAltName);
    if (match === null) return []; // not what Node documents: then nothing of it counts
    const [, kind, value = ""] = match;
    if (kind === "DNS" && !value.startsWith('"')) names.push(value.toLowerCase());
  }
  return names;
}
