// What the operating system knows of a process: CPU time and memory, threads and children included; and which core it runs on.

import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";

/** Of /proc/PID/stat; Linux has had no other for user space on any machine of today. */
const TICKS_PER_SECOND = 100;

export interface Usage {
  cpuSeconds: number;
  /** The highest so far where /proc tells it; elsewhere what it is now. */
  peakBytes: number;
}

/** Where processes are pinned to, as `taskset -c` takes it; undefined where nothing can be pinned. */
export interface Pinning {
  variant: string | undefined;
  others: string | undefined;
  said: string;
}

/** @throws where the process is gone */
export function usage(pid: number): Usage {
  const processes = process.platform === "linux" ? fromProc() : fromPs();
  const family = [pid];
  for (const parent of family) {
    for (const [child, { ppid }] of processes) if (ppid === parent) family.push(child);
  }
  let cpuSeconds = 0;
  let peakBytes = 0;
  for (const member of family) {
    const entry = processes.get(member);
    if (entry === undefined) throw new Error(`the process ${member} is gone`);
    cpuSeconds += entry.cpuSeconds;
    peakBytes += entry.peakBytes();
  }
  return { cpuSeconds, peakBytes };
}

interface Entry {
  ppid: number;
  cpuSeconds: number;
  peakBytes(): number;
}

function fromProc(): Map<number, Entry> {
  const processes = new Map<number, Entry>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (Number.isNaN(pid)) continue;
    try {
      // The name of the program, in parentheses, may hold spaces: what follows it is counted from its end.
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const [utime, stime, childrenUtime, childrenStime] = fields.slice(11, 15).map(Number) as [
        number,
        number,
        number,
        number,
      ];
      processes.set(pid, {
        ppid: Number(fields[1]),
        cpuSeconds: (utime + stime + childrenUtime + childrenStime) / TICKS_PER_SECOND,
        peakBytes: () => 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0),
      });
    } catch {} // it has ended meanwhile
  }
  return processes;
}

function fromPs(): Map<number, Entry> {
  const processes = new Map<number, Entry>();
  for (const line of execFileSync("ps", ["-A", "-o", "pid=,ppid=,time=,rss="], { encoding: "utf8" })
    .trim()
    .split("\n")) {
    const [pid, ppid, time, rss] = line.trim().split(/\s+/) as [string, string, string, string];
    const [days, clock] = time.includes("-") ? time.split("-") : ["0", time];
    const seconds = (clock ?? "0").split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
    const cpuSeconds = Number(days) * 86_400 + seconds;
    processes.set(Number(pid), { ppid: Number(ppid), cpuSeconds, peakBytes: () => 1024 * Number(rss) });
  }
  return processes;
}

/** One core for what is measured, all others for the load and the provider, so that neither takes from it. */
export function choosePinning(): Pinning {
  const unpinned = (why: string) => ({ variant: undefined, others: undefined, said: `nothing pinned: ${why}` });
  if (process.platform !== "linux") return unpinned("no taskset on this system");
  if (!isInstalled("taskset", "--version")) return unpinned("taskset is not installed");
  const cores = allowedCores();
  const [variant, ...others] = cores;
  if (variant === undefined || others.length === 0) return unpinned("one core alone");
  const said = `the variant on core ${variant}, load and provider on ${others.length === 1 ? "core" : "cores"} ${others.join(", ")}`;
  return { variant, others: others.join(","), said };
}

function allowedCores(): string[] {
  const list = /^Cpus_allowed_list:\s+(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number) as [number, number?];
    return Array.from({ length: last - first + 1 }, (_, index) => String(first + index));
  });
}

/** Programs of administrators are not on everybody's PATH. */
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
