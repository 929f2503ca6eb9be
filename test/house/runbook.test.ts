// The runbook of docs/operations.md has a complete row for each alert and each error code.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { ERROR_TABLE } from "../../src/core/errors.ts";

const page = readFileSync("docs/operations.md", "utf8");
const runbook = page.slice(page.indexOf("\n## Runbook\n"));
const { groups } = parse(readFileSync("deploy/prometheus/alerts.yaml", "utf8"));

/** The names in the first column of the table below a heading. */
function namesBelow(heading: string): string[] {
  const [, section = ""] = runbook.split(`### ${heading}\n`);
  const rows = (section.split("\n### ")[0] ?? "").split("\n").filter((line) => line.startsWith("| `"));
  return rows
    .filter((row) => !row.startsWith("| `error_code` |"))
    .map((row) => {
      const cells = row
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim());
      expect(cells, row).toHaveLength(5);
      for (const cell of cells) expect(cell, row).not.toBe("");
      return (cells[0] as string).replaceAll("`", "");
    });
}

it("has a row for each alert", () => {
  const alerts = groups.flatMap(({ rules }: { rules: { alert: string }[] }) => rules.map(({ alert }) => alert));
  expect(alerts.length).toBeGreaterThan(20);
  expect(namesBelow("When an alert fires").toSorted()).toEqual([...new Set(alerts)].toSorted());
});

it("has a row for each error code", () => {
  expect(namesBelow("What an error code means").toSorted()).toEqual(Object.keys(ERROR_TABLE).toSorted());
});
