// What only Node's connection shows of a request: raw path and headers, certificate, address.

import type { IncomingMessage } from "node:http";
import { BlockList, isIPv6, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Http2Bindings, HttpBindings } from "@hono/node-server";
import type { ClientCertificate, Inbound } from "../../core/inbound.ts";
import { limitedAddress } from "../../steps/limited-address.ts";

/**
 * @param trustedProxies addresses and ranges of load balancers whose X-Forwarded-For is trusted
 * @param isOutdated as in Inbound, for a connection
 */
export function createNodeInbound(trustedProxies: readonly string[], isOutdated = (_socket: Socket) => false): Inbound {
  const trusted = new BlockList();
  for (const range of trustedProxies) {
    const [address = "", prefix = isIPv6(address) ? 128 : 32] = range.split("/");
    trusted.addSubnet(address, Number(prefix), familyOf(address));
  }
  const incoming = (env: unknown) => (env as HttpBindings).incoming;
  return {
    // Request.url resolves dot segments, and a forged Host header could put text before the path.
    pathAsSent: (_request, env) => (incoming(env).url ?? "").split("?", 1)[0] as string,
    recipient: (_request, env) => endOf(env as HttpBindings),
    afterResponse(_request, env, run) {
      const end = endOf(env as HttpBindings);
      if (end.destroyed) run(false);
      else end.once("close", () => run(end.writableFinished));
    },
    awaitsBody: (env) => !incoming(env).complete,
    clientCertificate: (_request, env) => certificateOf(incoming(env).socket),
    isOutdated: (env) => isOutdated(incoming(env).socket),
    clientAddress(request, env) {
      const hops = (request.headers.get("x-forwarded-for") ?? "").split(",").map((hop) => hop.trim());
      let address = withoutPort(incoming(env).socket.remoteAddress ?? "");
      // BlockList also finds 10.0.0.1 in ::ffff:10.0.0.1, as a dual-stack socket shows it.
      // Backwards from the last hop, as long as a trusted proxy added it. Others can be forged.
      while (trusted.check(address, familyOf(address)) && hops.length > 0) {
        const before = withoutPort(hops.pop() as string);
        if (before === "") break;
        address = before;
      }
      return limitedAddress(address);
    },
  };
}

/** On HTTP/2, the response does not know its end, but its stream does. */
const endOf = ({ outgoing }: HttpBindings | Http2Bindings) => ("stream" in outgoing ? outgoing.stream : outgoing);

/** Some load balancers append the port. */
function withoutPort(hop: string): string {
  return /^\[(.+)\](?::\d+)?$/.exec(hop)?.[1] ?? hop.replace(/^(\d+(?:\.\d+){3}):\d+$/, "$1");
}

const familyOf = (address: string): "ipv6" | "ipv4" => (isIPv6(address) ? "ipv6" : "ipv4");

/** Read once per connection, whose certificate cannot change: listener.ts forbids renegotiation. */
const peers = new WeakMap<Socket, ReturnType<typeof readPeer>>();

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

function readPeer(socket: TLSSocket): { certificate?: ClientCertificate; validTo: number } {
  const x509 = socket.getPeerX509Certificate();
  if (x509 === undefined) return { validTo: 0 };
  const sha256 = x509.fingerprint256.replaceAll(":", "").toLowerCase();
  const certificate = { sha256, dnsNames: dnsNames(x509.subjectAltName ?? "") };
  return { certificate, validTo: x509.validToDate.getTime() };
}

/** An entry of subjectAltName in Node's notation, which quotes a comma or control character. */
const ALT_NAME = /([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/gy;

function dnsNames(subjectAltName: string): string[] {
  const entries = [...subjectAltName.matchAll(ALT_NAME)];
  const isComplete = entries.map(([entry]) => entry).join("") === subjectAltName;
  if (!isComplete) return []; // not the documented notation, so trust none of it
  // A quoted value is not a DNS name.
  const names = entries.filter(([, kind, value]) => kind === "DNS" && !value?.startsWith('"'));
  return names.map(([, , name = ""]) => name.toLowerCase());
}

/**
 * Finds requests that Node accepts but that a proxy in front may read differently (smuggling).
 * @returns true for HTTP/0.9 (a request line without version), a repeated Host (RFC 9112 section
 * 3.2), chunks in HTTP/1.0 (§6.1), and a coding besides `chunked`, which nothing here would decode
 */
export function isAmbiguous({ httpVersionMajor, httpVersionMinor, rawHeaders, headers }: IncomingMessage): boolean {
  if (httpVersionMajor !== 1) return true;
  const coding = headers["transfer-encoding"];
  if (coding !== undefined && (httpVersionMinor === 0 || coding.toLowerCase() !== "chunked")) return true;
  return rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === "host").length > 1;
}
