// Alerts and dashboard use metrics that exist, promtool accepts them, and each alert fires.

import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { ERROR_TABLE } from "../../src/core/errors.ts";
import { callGetToken } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { startHost } from "../support/host.ts";
import { startRecordingProvider } from "../support/recording-provider.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { itWhere, versionOf } from "./it-where.ts";
import { groupingOf, METRICS, TARGET_LABELS, usesOf } from "./promql.ts";

const run = promisify(execFile);
const RULES = "deploy/prometheus/alerts.yaml";

interface Alert {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: { summary: string; description: string; runbook: string };
}
interface Panel {
  title: string;
  description: string;
  datasource: { uid: string };
  targets: { expr: string }[];
}

const alerts: Alert[] = parse(await readFile(RULES, "utf8")).groups.flatMap(({ rules }: { rules: Alert[] }) => rules);
const dashboard = JSON.parse(await readFile("deploy/grafana/dashboard.json", "utf8"));
const panels: Panel[] = dashboard.panels;
const dashboardExpressions = [
  ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ...dashboard.annotations.list.map(({ expr }: { expr: string }) => expr),
];
const expressions = [...alerts.map(({ expr }) => expr), ...dashboardExpressions];
const codes = Object.keys(ERROR_TABLE);

describe("every expression", () => {
  it("uses only metrics and labels of the contract", () => {
    for (const expression of expressions) {
      const uses = usesOf(expression);
      expect(uses, expression).not.toEqual([]);
      const known = new Set(TARGET_LABELS);
      for (const { metric, labels } of uses) {
        expect(METRICS, expression).toHaveProperty(metric);
        const own = METRICS[metric] as string[];
        for (const label of labels) expect([...own, ...TARGET_LABELS], expression).toContain(label);
        for (const label of own) known.add(label);
      }
      const grouping = groupingOf(expression);
      for (const label of grouping) expect([...known, "le"], expression).toContain(label);
    }
  });

  it("is about codes, outcomes and states that exist", () => {
    const values = {
      error_code: ["", ...codes],
      outcome: ["token", "refused", "error"],
      state: ["closed", "open", "half_open"],
      use: ["sign", "verify"],
    };
    for (const expression of expressions) {
      for (const [, label, pattern = ""] of expression.matchAll(/(error_code|outcome|state|use)=~?"([^"]*)"/g)) {
        for (const part of pattern.split("|")) {
          const anchored = new RegExp(`^(?:${part})$`);
          expect(
            values[label as keyof typeof values].some((value) => anchored.test(value)),
            `${label} ${part}`,
          ).toBe(true);
        }
      }
    }
  });

  it("uses every metric of the contract somewhere", () => {
    const used = new Set(expressions.flatMap((expression) => usesOf(expression).map(({ metric }) => metric)));
    expect(Object.keys(METRICS).filter((metric) => !used.has(metric))).toEqual([]);
  });

  it("uses metrics that a started proxy has", async () => {
    const provider = await startRecordingProvider();
    const host = await startHost(fileConfig(provider.tokenEndpoint), SECRETS, { runtime: "node" });
    try {
      await callGetToken(host.url);
      const text = await (await fetch(`${host.adminUrl}/metrics`)).text();
      const types = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);
      for (const metric of Object.keys(METRICS)) expect(types).toContain(metric);
      const labels = /^token_proxy_calls_total\{([^}]*)\} 1$/m.exec(text)?.[1] ?? "";
      const names = [...labels.matchAll(/(\w+)="/g)].map(([, name]) => name);
      expect(names.toSorted()).toEqual(METRICS.token_proxy_calls_total?.toSorted());
    } finally {
      await host.close();
      await provider.close();
    }
  });
});

describe("the alerts", () => {
  it("have a severity, a summary and a description", () => {
    for (const { alert, labels, annotations } of alerts) {
      expect(["page", "ticket"], alert).toContain(labels.severity);
      expect(annotations.summary.length, alert).toBeGreaterThan(15);
      expect(annotations.summary, alert).not.toMatch(/\.$/);
      expect(annotations.description.length, alert).toBeGreaterThan(60);
    }
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  });

  it("name only labels that their expression keeps", () => {
    for (const { alert, expr, annotations } of alerts) {
      for (const [, label] of JSON.stringify(annotations).matchAll(/\$labels\.(\w+)/g)) {
        expect([...groupingOf(expr), ...(/\bby \(/.test(expr) ? [] : TARGET_LABELS)], alert).toContain(label);
      }
    }
  });

  it("name the part of the page where their rows are", async () => {
    expect(await readFile("docs/operations.md", "utf8")).toContain("\n### When an alert fires\n");
    for (const { alert, annotations } of alerts) {
      expect(annotations.runbook, alert).toBe("docs/operations.md#when-an-alert-fires");
    }
  });

  it("count every error as a failure, except those of the caller", () => {
    const fails = alerts.find(({ alert }) => alert === "TokenProxyCallsFail")?.expr as string;
    const ours = new RegExp(`^(?:${/error_code=~"([^"]+)"/.exec(fails)?.[1]})$`);
    // Each new code needs a decision for one of the two lists.
    expect(codes.filter((code) => !ours.test(code))).toEqual([
      ...[
        "caller_unauthenticated",
        "caller_not_allowed",
        "call_too_large",
        "call_invalid",
        "call_timeout",
        "caller_gone",
        "method_not_allowed",
      ],
      ...["not_found", "no_route", "session_not_logged_in", "session_mismatch", "attribute_missing"],
      ...["grant_type_unsupported", "rate_limited"],
    ]);
  });
});

describe("promtool", async () => {
  const itWithPromtool = itWhere((await versionOf("promtool", "--version")) !== "", "no promtool");

  itWithPromtool("understands every rule", async () => {
    const { stdout } = await run("promtool", ["check", "rules", RULES]);
    expect(stdout).toContain(`SUCCESS: ${alerts.length} rules found`);
  });

  const folder = temporaryFolder();

  itWithPromtool("understands every expression of the dashboard", async () => {
    const rules = dashboardExpressions.map((expr, index) => ({
      record: `expression_${index}`,
      expr: expr.replaceAll("$__rate_interval", "5m").replaceAll(/\$(job|provider)/g, ".*"),
    }));
    await writeFile(join(folder, "rules.yaml"), stringify({ groups: [{ name: "dashboard", rules }] }));
    const { stdout } = await run("promtool", ["check", "rules", join(folder, "rules.yaml")]);
    expect(stdout).toContain(`SUCCESS: ${rules.length} rules found`);
  });

  itWithPromtool("sees each alert fire where it should, and none where all is well", async () => {
    const { stdout } = await run("promtool", ["test", "rules", "deploy/prometheus/alerts.test.yaml"]);
    expect(stdout).toContain("SUCCESS");
    const worlds = await readFile("deploy/prometheus/alerts.test.yaml", "utf8");
    for (const { alert } of alerts) expect(worlds).toContain(`alertname="${alert}"`);
  });
});

it("the dashboard shows every metric that an alert is about", () => {
  const shown = new Set(dashboardExpressions.flatMap((expression) => usesOf(expression).map(({ metric }) => metric)));
  const missing = alerts.filter(({ expr }) => usesOf(expr).some(({ metric }) => !shown.has(metric)));
  expect(missing.map(({ alert }) => alert)).toEqual([]);
});

it("each panel of the dashboard has a description, and takes its data from the chosen Prometheus", () => {
  for (const { title, description, datasource } of panels) {
    expect(description.length, title).toBeGreaterThan(5);
    expect(datasource.uid, title).toBe("$" + "{datasource}");
  }
});
