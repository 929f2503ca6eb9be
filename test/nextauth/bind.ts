// Makes a binding from the sources of its values, as the file has them.

import { parseSource, type Source } from "../../src/nextauth/binding.ts";
import type { Binding } from "../../src/nextauth/settings.ts";
import { ruleOf } from "../../src/nextauth/values.ts";

export type Places = Readonly<Record<string, readonly string[]>>;

export function bind(places: Places, path = "/getToken", method: Binding["method"] = "POST"): Binding {
  const values = Object.entries(places).map(([name, texts]) => {
    const from = texts.map((text) => parseSource(text) as Source);
    return [name, { ...ruleOf(name), required: false, from }];
  });
  const answer = { refusals: "relay", statuses: {} } as const;
  const rest = { session: "trust", timeout: 8_000, apikey_header: "x-apikey", answer } as const;
  return { method, path, values: Object.fromEntries(values), ...rest };
}
