// The options of `npm run bench`.

import { parseArgs } from "node:util";
import { findVariant, VARIANTS } from "./variants.ts";

export const HELP = `npm run bench -- [options]

What to do (without any of these: --compare --start --waiting):
  --compare          all variants under load, interleaved
  --start            from spawn to the first answered call
  --waiting          512 calls on a provider that takes 50 ms
  --growth           cost by body size, connections, number of providers, and processes
  --profile VARIANT  the functions that take most, of a variant that runs in Node
  --plot             docs/bench.svg of bench/results.json, or of --json FILE; measures nothing

How:
  --rounds N         rounds, each with every variant once (default 7)
  --seconds N        whole seconds of load per variant and round (default 5)
  --connections N    connections of the load (default 64)
  --only A,B         these variants of --compare: ${VARIANTS.map((variant) => variant.name).join(", ")}
  --quick            3 rounds of 1 second, to see that it works; no figures to keep
  --json FILE        write the result there too
  --cli FILE         the proxy's entry (default dist/cli.js, built before)
`;

export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface Options {
  help: boolean;
  compare: boolean;
  start: boolean;
  waiting: boolean;
  growth: boolean;
  profile: string | undefined;
  plot: boolean;
  rounds: number;
  seconds: number;
  connections: number;
  /** Names, in the order of the table. */
  only: string[];
  json: string | undefined;
  cli: string | undefined;
}

/** @throws {UsageError} */
export function readOptions(args: string[]): Options {
  const given = parse(args);
  const { help = false, start = false, waiting = false, growth = false, plot = false, profile, json, cli } = given;
  const named = [given.compare, start, waiting, growth, plot, profile].some(Boolean);
  const all = VARIANTS.map((variant) => variant.name);
  const only = given.only?.split(",");
  for (const name of [...(only ?? []), ...(profile === undefined ? [] : [profile])]) check(() => findVariant(name));
  return {
    help,
    compare: given.compare ?? !named,
    start: start || !named,
    waiting: waiting || !named,
    growth,
    profile,
    plot,
    rounds: count("rounds", given.rounds, given.quick ? 3 : 7),
    seconds: count("seconds", given.seconds, given.quick ? 1 : 5),
    connections: count("connections", given.connections, 64),
    only: all.filter((name) => only?.includes(name) ?? true),
    json,
    cli,
  };
}

function parse(args: string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  return check(
    () =>
      parseArgs({
        args,
        options: {
          help: flag,
          compare: flag,
          start: flag,
          waiting: flag,
          growth: flag,
          plot: flag,
          quick: flag,
          profile: text,
          rounds: text,
          seconds: text,
          connections: text,
          only: text,
          json: text,
          cli: text,
        },
      }).values,
  );
}

function check<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function count(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new UsageError(`--${name} takes a whole number from 1`);
  return value;
}
