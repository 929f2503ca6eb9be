// Finds the program that listens on a port, for an error message. Linux only.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { escapeInvisible } from "../../core/invisible.ts";

/** Names the program if it is known: for another user's, only root can find out. */
export function describeUse(port: number): string {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  // Local address, remote address, state 0A (listening), four more, then the inode (proc_net_tcp).
  const listening = new RegExp(`: \\w+:${hex} \\S+ 0A (?:\\S+ +){5}(\\d+)`, "g");
  const tables = ["tcp", "tcp6"].map((name) => unlessGone(() => readFileSync(`/proc/net/${name}`, "latin1"), ""));
  const sockets = [...tables.join("").matchAll(listening)].map(([, inode]) => `socket:[${inode}]`);
  const pid = unlessGone(() => readdirSync("/proc"), []).find((name) =>
    unlessGone(() => readdirSync(`/proc/${name}/fd`), []).some((fd) =>
      sockets.includes(unlessGone(() => readlinkSync(`/proc/${name}/fd/${fd}`), "")),
    ),
  );
  // Not /proc/PID/comm: it names a thread, which Node calls MainThread.
  const command = pid && unlessGone(() => readFileSync(`/proc/${pid}/cmdline`, "utf8").split(/[\0 ]/)[0], "");
  const name = pid && basename(command || "unknown");
  return `the port is in use${name ? ` by "${escapeInvisible(name)}" (process ${pid})` : ""}. Stop that program, or choose another port.`;
}

/** A process may end meanwhile, or belong to another user. */
function unlessGone<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
