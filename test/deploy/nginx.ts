// Starts nginx with the configuration that we ship; only addresses and paths are changed.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { OutgoingHttpHeaders } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Answered, CALL, collectAnswer, NONCE } from "../support/call.ts";
import { collect } from "../support/child.ts";
import { makeAuthority } from "../support/keys.ts";
import { listening } from "../support/listening.ts";
import { freePort } from "../support/port.ts";

export const NGINX = "/usr/sbin/nginx";
const FILE = "deploy/nginx/nextauth-token-proxy.conf";
const HOST = "tokens.bank.example";

export interface Nginx {
  /** Sends a request to it over TLS. */
  send(options?: SendOptions): Promise<Answered>;
  accessLog(): Promise<string>;
  output(): string;
  close(): Promise<void>;
}

export interface SendOptions {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string | Buffer | undefined;
  /** The client's own address, as 127.0.0.2. */
  from?: string;
}

/** Replaces a text that must occur exactly once. */
function replaceOnce(text: string, what: string, by: string): string {
  if (text.split(what).length !== 2) throw new Error(`${FILE} has "${what}" not just once`);
  return text.replace(what, by);
}

export interface Rendered {
  folder: string;
  /** Arguments of nginx. */
  args: string[];
  port: number;
  ca: string;
}

/** @param upstreams `host:port` of each server to relay to */
export async function render(upstreams: string[]): Promise<Rendered> {
  const folder = await mkdtemp(join(tmpdir(), "token-proxy-nginx-"));
  const authority = await makeAuthority();
  const { certificate, private_key } = await authority.issue(HOST, { dns: [HOST] });
  await writeFile(join(folder, "cert.pem"), certificate);
  await writeFile(join(folder, "cert.key"), private_key);
  const port = await freePort();
  let text = await readFile(FILE, "utf8");
  const servers = upstreams.map((at) => `server ${at} max_fails=1 fail_timeout=5s;`).join("\n");
  text = replaceOnce(text, "server 127.0.0.1:8080 max_fails=1 fail_timeout=5s;", servers);
  text = replaceOnce(text, "  listen 443 ssl;", `  listen 127.0.0.1:${port} ssl;`);
  text = replaceOnce(text, "  listen [::]:443 ssl;", "");
  text = replaceOnce(text, `/etc/nginx/tls/${HOST}.pem`, join(folder, "cert.pem"));
  text = replaceOnce(text, `/etc/nginx/tls/${HOST}.key`, join(folder, "cert.key"));
  text = replaceOnce(text, "/var/log/nginx/nextauth-token-proxy.log", join(folder, "access.log"));
  await writeFile(join(folder, "site.conf"), text);
  // These folders do not exist, so a body or an answer that nginx does not keep in memory fails.
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${join(folder, name)};`)
    .join("\n");
  await writeFile(
    join(folder, "nginx.conf"),
    `pid ${join(folder, "pid")};\nworker_processes 1;\nevents {}\nhttp {\n${temporary}\ninclude ${join(folder, "site.conf")};\n}\n`,
  );
  const args = ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr", "-g", "daemon off;"];
  return { folder, args, port, ca: authority.certificate };
}

export async function startNginx(upstreams: string[]): Promise<Nginx> {
  const { folder, args, port, ca } = await render(upstreams);
  const child = spawn(NGINX, args, { stdio: ["ignore", "pipe", "pipe"] });
  const output = collect(child);
  await listening(child, port, output);
  return {
    send: (options) => send(port, ca, options),
    accessLog: () => readFile(join(folder, "access.log"), "utf8"),
    output,
    async close() {
      if (child.exitCode === null) {
        child.kill("SIGTERM");
        await once(child, "exit");
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function send(port: number, ca: string, options: SendOptions = {}): Promise<Answered> {
  const { method = "POST", path = "/getToken", headers = {}, from } = options;
  const body = "body" in options ? options.body : JSON.stringify(CALL);
  const all: OutgoingHttpHeaders = {
    Host: HOST,
    "X-nonce": NONCE,
    ...(body === undefined
      ? {}
      : { "Content-Type": "application/json", "Content-Length": String(Buffer.byteLength(body)) }),
    ...headers,
  };
  return new Promise((resolve, reject) => {
    const to = { host: "127.0.0.1", port, servername: HOST, ca, agent: false as const, method, path, headers: all };
    const outgoing = request({ ...to, ...(from === undefined ? {} : { localAddress: from }) }, (incoming) =>
      collectAnswer(incoming).then(resolve, reject),
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
