// Tests as a table: a file, and all the faults reported for it.

import { expect, it } from "vitest";
import { faultsOf } from "./file.ts";

/** A file, and its faults in the order of the file, without the file's name. */
type Case = [text: string, ...faults: string[]];

export function reports(cases: Case[]): void {
  it.each(cases.map(([text, ...faults]) => [faults.join(" and ") || "no fault", text, faults] as const))(
    "reports %s",
    (_, text, faults) => {
      expect(faultsOf(text)).toEqual(faults.map(line));
    },
  );
}

/** @param fault may end with "…" where the words are tested in another folder */
export function line(fault: string): string {
  return fault.endsWith("…") ? expect.stringContaining(`f.yaml:${fault.slice(0, -1)}`) : `f.yaml:${fault}`;
}
