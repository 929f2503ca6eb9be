// Configuration, first step: the file's text becomes a Config, or one ConfigError with every fault in it. No secret is read.

import { LineCounter, parseDocument } from "yaml";
import { ConfigError, type Fault } from "../errors.ts";
import { checkGetToken, checkRoutes, checkServer, checkServeridUse, checkSigning } from "./check.ts";
import { checkProvider, type Surroundings } from "./check-provider.ts";
import { type Config, complete } from "./complete.ts";
import { describeIssues, describeType, fault, type PathFault } from "./faults.ts";
import { formatPath, locate, type Path, writtenPath } from "./position.ts";
import { fileSchema, getTokenSchema, providerSchema, signingSchema } from "./schema.ts";
import { yamlFaults } from "./yaml-faults.ts";

export interface ParsedFile {
  config: Config;
  /** Makes the error for faults that show themselves only later, as a secret that is not there. */
  error(faults: readonly PathFault[]): ConfigError;
}

/** YAML aliases may repeat a part of the file this often; more is an attack or a mistake (the "billion laughs"). */
const MAX_ALIASES = 100;

/**
 * @param text YAML or JSON
 * @param fileName for the faults alone
 * @throws {ConfigError}
 */
export function parseConfig(text: string, fileName: string): ParsedFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const error = (faults: readonly PathFault[]) =>
    new ConfigError(
      fileName,
      faults
        .map(({ path: full, message, at }): Fault => {
          const path = writtenPath(document, full);
          return { ...locate(document, lines, path, at), path: formatPath(path), message };
        })
        .sort((a, b) => a.line - b.line || a.column - b.column),
    );

  const textFaults = yamlFaults(document);
  if (textFaults.length > 0) {
    throw new ConfigError(
      fileName,
      textFaults.map(({ offset, message }): Fault => {
        const { line, col } = lines.linePos(offset);
        return { line, column: col, path: "", message };
      }),
    );
  }
  if (document.contents === null) {
    throw error([fault([], "is empty: callers and one provider are the least it needs")]);
  }
  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch {
    throw error([fault([], "repeats its parts by aliases too often")]);
  }
  const parsed = fileSchema.safeParse(raw, { error: describeType });
  const faults = parsed.success ? [] : describeIssues(fileSchema, parsed.error.issues);
  faults.push(...checkSoundParts(raw, faults));
  if (!parsed.success || faults.length > 0) throw error(faults);

  return { config: complete(parsed.data), error };
}

/** Checks each part of the file whose shape is sound, so that one misspelt key does not hide what is wrong elsewhere. */
function checkSoundParts(raw: unknown, faults: readonly PathFault[]): PathFault[] {
  if (typeof raw !== "object" || raw === null) return [];
  const file = raw as Record<string, unknown>;
  const sound = (...path: Path) => !faults.some((fault) => path.every((part, index) => fault.path[index] === part));
  const found: PathFault[] = [];

  const written = (file.get_token ?? {}) as { values?: unknown };
  const values = getTokenSchema.shape.values.safeParse(written.values);
  const callNames = values.success ? Object.keys(values.data) : undefined;
  if (sound("get_token")) found.push(...checkGetToken(getTokenSchema.parse(written), written.values !== undefined));
  let signing: Surroundings["signing"];
  if (sound("signing")) {
    signing = signingSchema.parse(file.signing) ?? null;
    if (signing !== null) found.push(...checkSigning(signing));
  }
  const providers = (typeof file.providers === "object" && file.providers) || {};
  for (const [name, provider] of Object.entries(providers)) {
    const faulty = faults.filter(({ path }) => path[0] === "providers" && path[1] === name).map(({ path }) => path[2]);
    const rest = Object.entries(provider ?? {}).filter(([key]) => !faulty.includes(key));
    // Where the grant_type is at fault itself, any other stands in for it, so that the rest can be looked at.
    const parsed = providerSchema.safeParse({ grant_type: "unknown", ...Object.fromEntries(rest) });
    if (parsed.success) found.push(...checkProvider(name, parsed.data, faulty.length === 0, { callNames, signing }));
  }
  if (sound("routes")) {
    found.push(...checkRoutes(fileSchema.shape.routes.parse(file.routes), Object.keys(providers)));
  }
  if (callNames !== undefined && !callNames.includes("serverid")) found.push(...checkServeridUse(file));
  if (sound("server")) found.push(...checkServer(fileSchema.shape.server.parse(file.server)));
  return found;
}
