// Starts squid and tinyproxy of Debian: installed, or unpacked in the folder EGRESS_PROXIES.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { collect } from "../support/child.ts";
import type { TestCertificate } from "../support/keys.ts";
import { listening } from "../support/listening.ts";
import { freePort } from "../support/port.ts";

const ROOT = process.env.EGRESS_PROXIES ?? "";
const SQUID = `${ROOT}/usr/sbin/squid`;
const TINYPROXY = `${ROOT}/usr/bin/tinyproxy`;
export const hasSquid = existsSync(SQUID);
export const hasTinyproxy = existsSync(TINYPROXY);

export const USER = "token-proxy:s3cret-for-egress";

export interface RealProxy {
  port: number;
  /** With TLS; squid only. */
  tlsPort: number;
  accessLog(): Promise<string>;
  /** Writes a file into its folder. @returns its path */
  write(name: string, text: string): Promise<string>;
  close(): Promise<void>;
}

/** @param hosts names that it resolves to this machine; `certificate` is for its TLS port */
export async function startSquid(hosts: string[], certificate: TestCertificate): Promise<RealProxy> {
  const [port, tlsPort] = [await freePort(), await freePort()];
  return start(port, tlsPort, (file) => ({
    command: SQUID,
    // It does not run as root, so that user needs the folder.
    args: ["-N", "-f", file("squid.conf")],
    files: {
      hosts: hosts.map((host) => `127.0.0.1 ${host}\n`).join(""),
      "tls.pem": `${certificate.private_key}\n${certificate.certificate}\n`,
      "check-user": `#!/bin/sh\nwhile read -r line; do [ "$line" = "${USER.replace(":", " ")}" ] && echo OK || echo ERR; done\n`,
      "squid.conf": `
http_port 127.0.0.1:${port}
https_port 127.0.0.1:${tlsPort} tls-cert=${file("tls.pem")}
auth_param basic program ${file("check-user")}
auth_param basic children 1
acl known proxy_auth REQUIRED
acl forbidden dstdomain forbidden.bank.example
http_access deny !known
http_access deny forbidden
http_access allow CONNECT
http_access deny all
hosts_file ${file("hosts")}
access_log stdio:${file("access.log")}
cache_log ${file("cache.log")}
pid_filename none
cache_effective_user nobody
pinger_enable off
unlinkd_program ${ROOT}/usr/lib/squid/unlinkd
max_filedescriptors 1024
shutdown_lifetime 0 seconds
visible_hostname squid.bank.example
mime_table ${ROOT}/usr/share/squid/mime.conf
icon_directory ${ROOT}/usr/share/squid/icons
error_directory ${file("")}
`,
    },
  }));
}

export async function startTinyproxy(): Promise<RealProxy> {
  const port = await freePort();
  return start(port, 0, (file) => ({
    command: TINYPROXY,
    args: ["-d", "-c", file("tinyproxy.conf")],
    files: {
      filter: "^forbidden\\.bank\\.example$\n",
      "tinyproxy.conf": `
Port ${port}
Listen 127.0.0.1
LogFile "${file("access.log")}"
LogLevel Connect
BasicAuth ${USER.replace(":", " ")}
Filter "${file("filter")}"
FilterExtended On
Timeout 60
`,
    },
  }));
}

interface Plan {
  command: string;
  args: string[];
  files: Record<string, string>;
}

async function start(
  port: number,
  tlsPort: number,
  plan: (file: (name: string) => string) => Plan,
): Promise<RealProxy> {
  const folder = await mkdtemp(join(tmpdir(), "token-proxy-egress-"));
  await chmod(folder, 0o777);
  const { command, args, files } = plan((name) => join(folder, name));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o755 });
  const libraries = ROOT && readdirSync(`${ROOT}/usr/lib`).find((name) => name.endsWith("-linux-gnu"));
  const env = { PATH: process.env.PATH, ...(libraries ? { LD_LIBRARY_PATH: `${ROOT}/usr/lib/${libraries}` } : {}) };
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env });
  const output = collect(child);
  await listening(child, port, output);
  return {
    port,
    tlsPort,
    accessLog: () => readFile(join(folder, "access.log"), "utf8"),
    async write(name, text) {
      await writeFile(join(folder, name), text);
      return join(folder, name);
    },
    async close() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}
