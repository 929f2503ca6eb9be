// The readable lines of the log: first what happened, then why, then the other fields.

import { styleText } from "node:util";
import { escapeInvisible } from "../core/invisible.ts";

const COLOURS = { error: "red", warn: "yellow", info: "green", debug: "gray" } as const;

type Value = string | number | boolean;
type Fields = Readonly<Record<string, Value>>;
type Line = Fields & { time: string; level: keyof typeof COLOURS; event: string; reason?: string };

export function readableLine(json: string, isColoured: boolean): string {
  const { time, level, event, reason, ...others } = JSON.parse(json) as Line;
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    isColoured ? styleText(style, text, { validateStream: false }) : text;
  const clock = `${new Date(time).toTimeString().slice(0, 8)}${time.slice(19, 23)}`;
  const [what, fields] = event === "call" ? describeCall(others) : [event, others];
  const parts = [
    paint("gray", clock),
    paint(COLOURS[level], level.toUpperCase().padEnd(5)),
    level === "info" ? what : paint("bold", what),
    ...(reason === undefined ? [] : [`- ${escapeInvisible(reason.replaceAll("\n", "; "))}`]),
    ...Object.entries(fields).map(([name, value]) => `${paint("gray", `${name}=`)}${shown(value)}`),
  ];
  return `${parts.join(" ")}\n`;
}

/** For programs: measurements, hashes, and what is part of the outcome. */
const ONLY_IN_JSON = /^(?:outcome|trace_id|attempts|session|call_bytes|bytes|\w+_ms)$/;

/** @returns what happened, and the fields that say more */
function describeCall(call: Fields): [string, Fields] {
  const { method = "-", route, error_code, status = "-", provider = "-", duration_ms, request_id, ...others } = call;
  const { outcome = "-" } = others;
  const place = `${method} ${route || "(unknown path)"}`;
  const what = [place, error_code ?? outcome, status, shown(provider), `${duration_ms} ms`, request_id].join(" ");
  const expected: Fields = { delivered: true, provider_status: status };
  const more = Object.entries(others).filter(([name, value]) => !ONLY_IN_JSON.test(name) && expected[name] !== value);
  return [what, Object.fromEntries(more)];
}

/** Without spaces, or in quotes. Text of others must not look like another field or line. */
function shown(value: Value): string {
  const text = String(value);
  return escapeInvisible(/^[^\s"=]+$/.test(text) ? text : JSON.stringify(text));
}
