// Runs `check --live` on a broken setup, and compares what it says with the table.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { vi } from "vitest";
import { runCommand } from "../../cli/run-command.ts";
import type { BrokenSetup, Place } from "../broken-setups.ts";
import { merge } from "../cases.ts";
import type { Settings } from "../proxy.ts";

/** A file that works. */
export interface Base {
  /** With one provider. */
  file: { providers: Record<string, object>; [key: string]: unknown };
  env: Readonly<Record<string, string>>;
  place: Place;
  /** Further options of `check`. */
  options?: readonly string[];
}

/** @returns what is wrong with the output; nothing if it is as the table says */
export async function checkSetup(
  setup: BrokenSetup,
  { file, env, place, options: more = [] }: Base,
  folder: string,
): Promise<string[]> {
  const { provider = {}, file: changes = {}, secrets = {}, userid = "alice", options = [], clock } = setup;
  const resolve = (patch: object | ((at: Place) => object)) =>
    (typeof patch === "function" ? patch(place) : patch) as Settings;
  const [[name, settings]] = Object.entries(file.providers) as [[string, Settings]];
  const broken = { ...file, providers: { [name]: merge(settings, resolve(provider)) } };
  await writeFile(join(folder, "token-proxy.yaml"), JSON.stringify(merge(broken, resolve(changes))));
  const used = { ...env, ...secrets };
  if (clock !== undefined) vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + clock * 1_000 });
  try {
    const args = ["check", "--live", "--userid", userid, ...more, ...options];
    const { status, out, err } = await runCommand(args, { cwd: folder, env: used });
    return faultsOf(setup, status, out + err, used, JSON.stringify(merge(settings, resolve(provider))));
  } finally {
    vi.useRealTimers();
  }
}

/** Lines that say what is wrong. Those that repeat the file could match by accident. */
const FINDINGS = /^(?: {2}| +)?(?:FAILED|it says|request|advice|warning|certificate|token-proxy\.yaml:).*$/gm;

function faultsOf(
  { expect, says, setting }: BrokenSetup,
  status: number | undefined,
  output: string,
  env: Readonly<Record<string, string>>,
  provider: string,
): string[] {
  const found = classOf(status, output);
  const findings = (output.match(FINDINGS) ?? []).join("\n");
  const isSaid = typeof says === "string" ? findings.includes(says) : says.test(findings);
  const secrets = Object.values(env).filter((secret) => secret.length > 8 && output.includes(secret));
  return [
    ...(found === expect ? [] : [`is ${found} instead of ${expect}`]),
    ...(isSaid ? [] : [`does not say ${says}`]),
    ...(setting === undefined || findings.includes(setting) ? [] : [`does not name ${setting}`]),
    ...(secrets.length === 0 ? [] : ["prints a secret"]),
    ...(/\bclient_secret\b/.test(output) && !provider.includes("client_secret") ? ["mentions client_secret"] : []),
  ].map((fault) => `${fault}; it says:\n${findings}`);
}

function classOf(status: number | undefined, output: string): string {
  if (status === 2) return "config";
  if (status === 0) return "token";
  if (/FAILED +the provider refuses this user/.test(output)) return "refused";
  return /FAILED +(\w+):/.exec(output)?.[1] ?? "unknown";
}
