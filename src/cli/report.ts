// What `check` finds: lines on a terminal as it goes, or one JSON document at the end.

import type { Risk } from "../config/schema.ts";
import { TokenProxyError } from "../core/errors.ts";
import { escapeInvisible } from "../core/invisible.ts";
import { nodeClock } from "../node/host.ts";

type Level = "ok" | "warning" | "fault";
type Place = { risk?: Risk; line?: number; column?: number };

/** Stable, for pipelines: docs/operations.md describes it. */
interface Finding extends Place {
  level: Level;
  /** A key of the file; empty for the file as a whole. */
  subject: string;
  message: string;
  advice: readonly string[];
}

export interface Report {
  /** For a part of the file. On a terminal its lines are indented. */
  part(subject: string, label?: string, text?: string): Report;
  ok(label: string, text: string): void;
  warn(text: string, advice?: string): void;
  risk(risk: Risk, text: string, advice: string): void;
  fail(text: string, advice?: readonly string[], place?: Place): void;
}

/** Others may send megabytes. */
const MAX_CHARS = 4_096;
const safe = (text: string) => escapeInvisible(text.slice(0, MAX_CHARS));
const print = (label: string, text: string) => console.log(`${label.padEnd(18)}${safe(text)}`);

export function createReport(isJson: boolean) {
  const findings: Finding[] = [];
  const count = (level: Level) => findings.filter((finding) => finding.level === level).length;

  function on(subject: string, indent: string): Report {
    function add(level: Level, label: string, text: string, advice: readonly string[] = [], place: Place = {}) {
      const message = safe(level === "ok" && label !== "" ? `${label}: ${text}` : text);
      findings.push({ level, subject, message, advice: advice.map(safe), ...place });
      if (isJson) return;
      const about = place.risk === undefined ? [] : [subject];
      print(indent + label, level === "fault" ? text : [...about, text, ...advice].join(": "));
      if (level === "fault") for (const one of advice) print(`${indent}advice`, one);
    }
    return {
      part(subject, label, text = "") {
        if (label !== undefined) on(subject, "").ok(label, text);
        return on(subject, "  ");
      },
      ok: (label, text) => add("ok", label, text),
      warn: (text, advice) => add("warning", "warning", text, advice === undefined ? [] : [advice]),
      risk: (risk, text, advice) => add("warning", risk, text, [advice], { risk }),
      fail: (text, advice, place) => add("fault", "FAILED", text, advice, place),
    };
  }

  return {
    ...on("", ""),
    succeeded: () => count("fault") === 0,
    toJson() {
      const risk = findings.filter((finding) => finding.risk !== undefined).length;
      const counts = { ok: count("ok"), warning: count("warning"), fault: count("fault"), risk };
      return JSON.stringify({ succeeded: counts.fault === 0, counts, findings }, null, 2);
    },
  };
}

/** @returns the text with its details in parentheses, like `text (status 401, ECONNREFUSED)` */
export function withDetails(text: string, details: object = {}, cause?: string): string {
  const all = [...Object.entries(details).map(([name, value]) => `${name} ${value}`), ...(cause ? [cause] : [])];
  return all.length === 0 ? text : `${text} (${all.join(", ")})`;
}

/**
 * Runs one request. Its line says how long that took, or why it failed.
 * @param describe what the line says of the result
 * @param explain reports what was sent and received, and returns what to do about a failure
 * @returns the result, or undefined if the request failed
 */
export async function attempt<T>(
  report: Report,
  label: string,
  run: () => Promise<T>,
  describe: (result: T) => string,
  explain?: (error: TokenProxyError) => Promise<string[]>,
): Promise<T | undefined> {
  const started = nodeClock.elapsed();
  try {
    const result = await run();
    report.ok(label, `${describe(result)} in ${Math.round(nodeClock.elapsed() - started)} ms`);
    return result;
  } catch (error) {
    if (!(error instanceof TokenProxyError)) throw error;
    const advice = await explain?.(error);
    const detail = explain && error.code.startsWith("provider_") ? {} : error.detail;
    report.fail(withDetails(`${error.code}: ${error.message}`, detail, codeOf(error)), advice);
    return undefined;
  }
}

/** The code, or else the name, of what went wrong inside. */
export function codeOf({ cause }: Error): string | undefined {
  const { code, name } = (cause ?? {}) as { code?: string; name?: string };
  return code ?? name;
}
