// What `check` finds: lines on a terminal as it goes, or one JSON document at the end.

import { RISKS, type Risk } from "../config/risks.ts";
import { TokenProxyError } from "../core/errors.ts";
import { escapeInvisible } from "../core/invisible.ts";

type Level = "ok" | "warning" | "fault";
interface Finding {
  level: Level;
  /** A key of the file. */
  subject: string;
  message: string;
  advice: readonly string[];
  risk?: Risk;
}

/** For a part of the file. On a terminal its lines are indented. */
export interface Report {
  /** @param subject a key of the file */
  part(subject: string, label?: string, text?: string): Report;
  ok(label: string, text: string): void;
  warn(text: string, advice?: string): void;
  /** Unless the file accepts it. */
  risk(risk: Risk, advice?: string): void;
  fail(text: string, advice?: readonly string[]): void;
}

/** Others may send megabytes. */
const MAX_CHARS = 4_096;
const safe = (text: string) => escapeInvisible(text.slice(0, MAX_CHARS));

export function createReport(isJson: boolean) {
  const accepted: Risk[] = [];
  const findings: Finding[] = [];

  /** @param about begins each line */
  function on(subject: string, indent: string, about = ""): Report {
    const print = (label: string, text: string) => console.log(`${(indent + label).padEnd(18)}${safe(text)}`);
    function add(level: Level, label: string, text: string, advice: readonly string[] = [], risk?: Risk) {
      const message = level === "ok" ? [label, text].filter(Boolean).join(": ") : text;
      findings.push({ level, subject, message: safe(message), advice: advice.map(safe), ...(risk && { risk }) });
      if (isJson) return;
      print(label, about + [text, ...(level === "fault" ? [] : advice)].join(": "));
      if (level === "fault") for (const one of advice) print("advice", one);
    }
    return {
      part(key, label, text = "") {
        if (label === undefined) return on(key, "  ", key && `${key}: `);
        on(key, "").ok(label, text);
        return on(key, "  ");
      },
      ok: (label, text) => add("ok", label, text),
      warn: (text, advice) => add("warning", "warning", text, advice === undefined ? [] : [advice]),
      risk(risk, advice = RISKS[risk][1]) {
        if (!accepted.includes(risk)) add("warning", "risk", `${risk}: ${RISKS[risk][0]}`, [advice], risk);
      },
      fail: (text, advice) => add("fault", "FAILED", text, advice),
    };
  }

  const succeeded = () => findings.every(({ level }) => level !== "fault");
  return {
    ...on("", ""),
    accepted,
    succeeded,
    hasRisks: () => findings.some(({ risk }) => risk !== undefined),
    /** Its shape is stable, for pipelines: docs/operations.md describes it. */
    toJson: () => JSON.stringify({ succeeded: succeeded(), findings }, null, 2),
  };
}

/** @returns the settings that the file has, like `session: trust, timeout: 8 s` */
export function listed(settings: object): string {
  const all = Object.entries(settings).filter(([, value]) => value && String(value) !== "");
  return all.map(([name, value]) => `${name}: ${[value].flat().join(" and ")}`).join(", ");
}

/** @returns the text with its details in parentheses, like `text (status 401, ECONNREFUSED)` */
export function withDetails(text: string, details: object = {}, cause?: string): string {
  const all = [...Object.entries(details).map(([name, value]) => `${name} ${value}`), ...(cause ? [cause] : [])];
  return all.length === 0 ? text : `${text} (${all.join(", ")})`;
}

/**
 * Runs one request. Its line says what came, or why it failed.
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
  try {
    const result = await run();
    report.ok(label, describe(result));
    return result;
  } catch (error) {
    if (!(error instanceof TokenProxyError)) throw error;
    const advice = await explain?.(error);
    const detail = explain && error.code.startsWith("provider_") ? {} : error.detail;
    // The advice is more specific than the sentence for callers.
    const message = advice?.length ? error.message.replace(/(?<=rejects this proxy): .*/, "") : error.message;
    report.fail(withDetails(`${error.code}: ${message}`, detail, codeOf(error)), advice);
    return undefined;
  }
}

/** The code, or else the name, of what went wrong inside. */
export function codeOf({ cause }: Error): string | undefined {
  const { code, name } = (cause ?? {}) as { code?: string; name?: string };
  return code ?? name;
}
