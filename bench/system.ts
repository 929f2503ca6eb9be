// What the operating system knows about a process: CPU time and memory. Pinning to cores.

import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";

export interface Usage {
  cpuSeconds: number;
  rssBytes: number;
  /** The highest RSS so far. Without /proc, the current one. */
  peakBytes: number;
}

/** Lists of cores as `taskset -c` takes them; undefined where pinning is not possible. */
export interface Pinning {
  variant: string | undefined;
  others: string | undefined;
  description: string;
}

interface Entry {
  ppid: number;
  usage(): Usage;
}

/**
 * Adds up a process with its children and threads.
 *
 * @throws when the process has ended
 */
export function readUsage(pid: number): Usage {
  const processes = process.platform === "linux" ? listProc() : listPs();
  const family = [pid];
  for (const parent of family) {
    for (const [child, { ppid }] of processes) if (ppid === parent) family.push(child);
  }
  const total = { cpuSeconds: 0, rssBytes: 0, peakBytes: 0 };
  for (const member of family) {
    const usage = processes.get(member)?.usage();
    if (usage === undefined) throw new Error(`process ${member} has ended`);
    total.cpuSeconds += usage.cpuSeconds;
    total.rssBytes += usage.rssBytes;
    total.peakBytes += usage.peakBytes;
  }
  return total;
}

function listProc(): Map<number, Entry> {
  const processes = new Map<number, Entry>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (Number.isNaN(pid)) continue;
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const kib = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
      processes.set(pid, {
        ppid: kib("PPid"),
        usage: () => ({
          cpuSeconds: readCpuSeconds(pid),
          rssBytes: 1024 * kib("VmRSS"),
          peakBytes: 1024 * kib("VmHWM"),
        }),
      });
    } catch {} // the process has ended meanwhile
  }
  return processes;
}

/** From schedstat, because the 10 ms ticks of /proc/PID/stat are too coarse for an idle process. */
function readCpuSeconds(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
    } catch {} // the thread has ended meanwhile
  }
  return nanoseconds / 1e9;
}

function listPs(): Map<number, Entry> {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,time=,rss="], { encoding: "utf8" }).trim().split("\n");
  return new Map(
    lines.map((line) => {
      const [pid, ppid, time, rss] = line.trim().split(/\s+/) as [string, string, string, string];
      const [days, clock = ""] = time.includes("-") ? time.split("-") : ["0", time];
      const seconds = clock.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
      const bytes = 1024 * Number(rss);
      const usage = { cpuSeconds: Number(days) * 86_400 + seconds, rssBytes: bytes, peakBytes: bytes };
      return [Number(pid), { ppid: Number(ppid), usage: () => usage }];
    }),
  );
}

/** One core for the variant, the others for load and provider, so that they do not compete. */
export function choosePinning(): Pinning {
  const unpinned = (why: string) => ({ variant: undefined, others: undefined, description: `not pinned: ${why}` });
  if (process.platform !== "linux") return unpinned("this system has no taskset");
  if (!isInstalled("taskset", "--version")) return unpinned("taskset is not installed");
  const [variant, ...others] = listAllowedCores();
  if (variant === undefined || others.length === 0) return unpinned("only one core");
  const description = `variant on core ${variant}, load and provider on ${others.join(", ")}`;
  return { variant, others: others.join(","), description };
}

function listAllowedCores(): string[] {
  const list = /^Cpus_allowed_list:\s+(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number) as [number, number?];
    return Array.from({ length: last - first + 1 }, (_, index) => String(first + index));
  });
}

/** nginx is often installed where only administrators have it on their PATH. */
export const PATH = `${process.env.PATH ?? ""}:/usr/sbin:/usr/local/sbin`;

export function isInstalled(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { env: { PATH }, stdio: "ignore" }).status === 0;
}

export function describeMachine(): { cpu: string; cores: number; system: string; node: string } {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? "unknown",
    cores: all.length,
    system: `${process.platform} ${process.arch}`,
    node: process.version,
  };
}
