// Tests in a table: what is in the file, and all that is told of it.

import { expect, it } from "vitest";
import { faultsOf } from "./file.ts";

/** The file, and its faults without the file's name, in the order of the file. */
export type Case = [text: string, ...faults: string[]];

export function tells(cases: Case[]): void {
  it.each(cases.map(([text, ...faults]) => [faults.join(" and ") || "nothing", text, faults] as const))(
    "tells %s",
    (_, text, faults) => {
      expect(faultsOf(text)).toEqual(faults.map((fault) => `f.yaml:${fault}`));
    },
  );
}
