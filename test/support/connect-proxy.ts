// An egress proxy for tests: opens tunnels for CONNECT, or does with them what a test wants.

import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";

export interface ConnectProxy {
  url: string;
  /** Every CONNECT, and every other request. */
  requests: { method: string | undefined; target: string | undefined; headers: IncomingMessage["headers"] }[];
  /** Connections that are open now. */
  open(): number;
  /** Everything that came through tunnels from the client, as it went over the wire. */
  sent(): Buffer;
  close(): Promise<void>;
}

export interface ConnectProxyOptions {
  /** PEM, for an https proxy. */
  tls?: { certificate: string; private_key: string };
  /** Answers a CONNECT itself. */
  onConnect?: (socket: Socket, request: IncomingMessage) => void;
  /** Where a tunnel to a target, like `sso.bank.example:443`, leads. */
  route?: (target: string) => string;
  host?: string;
}

export async function startConnectProxy(options: ConnectProxyOptions = {}): Promise<ConnectProxy> {
  const { tls, onConnect, route = (target) => target, host = "127.0.0.1" } = options;
  const server = tls ? createHttpsServer({ cert: tls.certificate, key: tls.private_key }) : createHttpServer();
  const sockets = new Set<Socket>();
  const sent: Buffer[] = [];
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).once("close", () => sockets.delete(socket));
  };
  const record = ({ method, url, headers }: IncomingMessage) => proxy.requests.push({ method, target: url, headers });
  server.on("connection", keep);
  server.on("tlsClientError", () => {});
  server.on("request", (request, response) => {
    record(request);
    response.writeHead(400).end();
  });
  server.on("connect", (request: IncomingMessage, socket: Socket) => {
    record(request);
    socket.on("error", () => {}).once("end", () => socket.destroy());
    if (onConnect !== undefined) return onConnect(socket.resume(), request);
    const [, name = "", port] = /^\[?(.*?)\]?:(\d+)$/.exec(route(request.url as string)) ?? [];
    const upstream = connect(Number(port), name, () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      socket.on("data", (bytes: Buffer) => sent.push(bytes));
      socket.pipe(upstream).pipe(socket);
    });
    keep(upstream);
    upstream.once("close", () => socket.destroy());
    socket.once("close", () => upstream.destroy());
  });
  server.listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const proxy: ConnectProxy = {
    url: `${tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`,
    requests: [],
    open: () => sockets.size,
    sent: () => Buffer.concat(sent),
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return proxy;
}
