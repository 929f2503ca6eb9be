// nginx as the static provider and as a relay.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "./child.ts";
import { isInstalled } from "./system.ts";

export const hasNginx = (): boolean => isInstalled("nginx", "-v");

/** nginx.conf allows 4,096 characters per parameter, so longer texts are split into variables. */
const PIECE_BYTES = 1_024;
const TEMPORARY = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

/** @param answers from path to text, without quotes or dollar signs other than JSON's */
export function nginxProvider(folder: string, port: number, answers: ReadonlyMap<string, string>): Command {
  const locations = [...answers].map(([path, text]) => {
    const pieces = text.match(new RegExp(`.{1,${PIECE_BYTES}}`, "g")) ?? [];
    const names = pieces.map((_, index) => `$piece${index}`);
    const sets = pieces.map((piece, index) => `set ${names[index]} '${piece}';`);
    return `location = ${path} { ${sets.join(" ")} return 200 "${names.join("")}"; }`;
  });
  return nginx(folder, "provider", `server { listen 127.0.0.1:${port}; ${locations.join("\n")} }`);
}

export interface NginxRelay {
  /** The path that callers use. */
  path: string;
  tokenEndpoint: string;
  form: string;
  headers: Readonly<Record<string, string>>;
}

export function nginxRelay(folder: string, port: number, { path, tokenEndpoint, form, headers }: NginxRelay): Command {
  const { host, pathname } = new URL(tokenEndpoint);
  const sent = Object.entries(headers).map(([name, value]) => `proxy_set_header ${name} "${value}";`);
  return nginx(
    folder,
    "relay",
    `upstream provider { server ${host}; keepalive 256; keepalive_requests 1000000000; }
server {
  listen 127.0.0.1:${port};
  location = ${path} {
    proxy_pass http://provider${pathname};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    ${sent.join(" ")}
    proxy_set_body "${form}";
  }
}`,
  );
}

/** Runs one worker process, because every other variant has only one, too. */
function nginx(folder: string, name: string, servers: string): Command {
  const prefix = join(folder, `nginx-${name}`);
  mkdirSync(prefix, { recursive: true });
  const temporary = TEMPORARY.map((kind) => `${kind}_temp_path ${kind};`).join(" ");
  writeFileSync(
    join(prefix, "nginx.conf"),
    `daemon off; worker_processes 1; worker_rlimit_nofile 16384; pid nginx.pid; error_log stderr error;
events { worker_connections 8192; }
http {
  access_log off; ${temporary} default_type application/json;
  keepalive_timeout 600s; keepalive_requests 1000000000;
  ${servers}
}
`,
  );
  return { command: "nginx", args: ["-e", "stderr", "-p", prefix, "-c", join(prefix, "nginx.conf")] };
}
