// The options of `npm run bench`.

import { parseArgs } from "node:util";
import { VARIANT_NAMES, type VariantName } from "./variants.ts";

export const HELP = `npm run bench -- [options]

What to measure (default: everything except --growth):
  --compare          all variants under load
  --rate             600 and 200 calls/s with Poisson arrivals, one ES256 signature per call
  --idle             CPU and memory of idle processes
  --start            time from spawn to the first answered call
  --waiting          peak memory with 512 calls waiting for a provider that takes 50 ms
  --growth           cost by length of the answer, connections, and size of the configuration
  --profile VARIANT  measures nothing: prints the functions that take the most time
  --plot             measures nothing: draws docs/bench.svg from bench/results.json or --json FILE

How to measure:
  --before REF       measures another commit as well, for example HEAD~1
  --rounds N         number of rounds; each has every variant once (default 7)
  --seconds N        whole seconds per variant and round (default 5)
  --connections N    connections of the load (default 64)
  --only A,B         only these variants in --compare:
                     ${VARIANT_NAMES.slice(0, 7).join(", ")},
                     ${VARIANT_NAMES.slice(7).join(", ")}
  --quick            3 rounds of 1 second, to try it out
  --json FILE        also writes the result to this file
`;

export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const MODES = ["compare", "rate", "idle", "start", "waiting", "growth"] as const;
export type Mode = (typeof MODES)[number];

export interface Options {
  help: boolean;
  plot: boolean;
  profile: VariantName | undefined;
  modes: Mode[];
  before: string | undefined;
  rounds: number;
  seconds: number;
  connections: number;
  only: VariantName[] | undefined;
  json: string | undefined;
}

/** @throws {UsageError} */
export function readOptions(args: string[]): Options {
  const given = parse(args);
  const { help = false, plot = false, quick = false, before, json } = given;
  const parseName = (name: string) => parseVariantName(name, before);
  const profile = given.profile === undefined ? undefined : parseName(given.profile);
  const modes = MODES.filter((mode) => given[mode]);
  const standard = profile === undefined ? MODES.filter((mode) => mode !== "growth") : [];
  return {
    help,
    plot,
    profile,
    modes: modes.length > 0 ? modes : standard,
    before,
    rounds: parseCount("rounds", given.rounds, quick ? 3 : 7),
    seconds: parseCount("seconds", given.seconds, quick ? 1 : 5),
    connections: parseCount("connections", given.connections, 64),
    only: given.only?.split(",").map(parseName),
    json,
  };
}

function parse(args: string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  try {
    return parseArgs({
      args,
      options: {
        help: flag,
        compare: flag,
        rate: flag,
        idle: flag,
        start: flag,
        waiting: flag,
        growth: flag,
        profile: text,
        plot: flag,
        before: text,
        rounds: text,
        seconds: text,
        connections: text,
        only: text,
        quick: flag,
        json: text,
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${(error as Error).message}. See --help`);
  }
}

function parseVariantName(text: string, before: string | undefined): VariantName {
  const name = VARIANT_NAMES.find((each) => each === text);
  if (name === undefined) throw new UsageError(`unknown variant "${text}": choose from ${VARIANT_NAMES.join(", ")}`);
  if (name.startsWith("before") && before === undefined) throw new UsageError(`the variant "${name}" needs --before`);
  return name;
}

function parseCount(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new UsageError(`--${name} is "${text}", but must be a whole number from 1`);
  }
  return value;
}
