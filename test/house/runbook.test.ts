// The runbook of docs/operations.md has a complete row for each alert and each error code.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { ERROR_TABLE } from "../../src/core/errors.ts";

interface Alert {
  alert: string;
  labels: { severity: string };
}

const page = readFileSync("docs/operations.md", "utf8");
const runbook = page.slice(page.indexOf("\n## Runbook\n"));
const { groups } = parse(readFileSync("deploy/prometheus/alerts.yaml", "utf8"));

/** The rows of the table below a heading, whose cells must not be empty. */
function rowsBelow(heading: string): string[][] {
  const [, section = ""] = runbook.split(`### ${heading}\n`);
  const lines = (section.split("\n### ")[0] ?? "").split("\n").filter((line) => line.startsWith("| "));
  const [titles = [], ...rows] = lines.map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll("`", "")),
  );
  for (const row of rows) {
    expect(row, row[0]).toHaveLength(titles.length);
    for (const cell of row) expect(cell, row[0]).not.toBe("");
  }
  return rows;
}

it("has a row for each alert, with its severity", () => {
  const alerts = groups.flatMap(({ rules }: { rules: Alert[] }) => rules);
  expect(alerts.length).toBeGreaterThan(20);
  const severities = alerts.map(({ alert, labels }: Alert) => [alert, labels.severity]);
  expect(rowsBelow("When an alert fires").map((row) => row.slice(0, 2))).toEqual(severities);
});

it("has a row for each error code", () => {
  const codes = rowsBelow("What an error code means").map(([code]) => code);
  expect(codes.toSorted()).toEqual(Object.keys(ERROR_TABLE).toSorted());
});
