// Configuration, first step: the file's text becomes a Config, or one ConfigError with every fault in it. No secret is read.

import { LineCounter, parseDocument } from "yaml";
import { ConfigError, type Fault } from "../core/errors.ts";
import { checkRoutes, checkServer, checkSigning } from "./check.ts";
import {
  checkBindings,
  checkExchange,
  checkExchangeNames,
  checkNextAuth,
  checkServeridUse,
  type NextAuthSurroundings,
} from "./check-nextauth.ts";
import { checkProvider } from "./check-provider.ts";
import type { Surroundings } from "./check-templates.ts";
import { type Config, complete } from "./complete.ts";
import { describeIssues, describeType, fault, type PathFault } from "./faults.ts";
import { formatPath, locate, type Path, writtenPath } from "./position.ts";
import { fileSchema } from "./schema.ts";
import { bindingValues } from "./schema-nextauth.ts";
import { provider as providerSchema } from "./schema-provider.ts";
import { yamlFaults } from "./yaml-faults.ts";

export interface ParsedFile {
  config: Config;
  /** Makes the error for faults that show themselves only later, as a secret that is not there. */
  error(faults: readonly PathFault[]): ConfigError;
}

/** YAML aliases may repeat a part of the file this often; more is an attack or a mistake (the "billion laughs"). */
const MAX_ALIASES = 100;

/** Each schema is asked a few times in all: zod would write and compile a function for it first. */
const ONCE = { jitless: true };

/**
 * @param text YAML or JSON
 * @param fileName for the faults alone
 * @throws {ConfigError}
 */
export function parseConfig(text: string, fileName: string): ParsedFile {
  const lines = linesOf(text);
  const document = parseDocument(text, { prettyErrors: false });
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
  if (isCircular(raw)) throw error([fault([], "has an alias (*) inside of its own anchor (&)")]);
  const parsed = fileSchema.safeParse(raw, { ...ONCE, error: describeType });
  const faults = parsed.success ? [] : describeIssues(fileSchema, parsed.error.issues);
  faults.push(...checkSoundParts(raw, faults));
  if (!parsed.success || faults.length > 0) throw error(faults);

  const config = complete(parsed.data);
  const late = checkExchangeNames(config);
  if (late.length > 0) throw error(late);
  return { config, error };
}

/** Not as the parser counts them on its way: behind some faults it misses line breaks. */
function linesOf(text: string): LineCounter {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (const { index } of text.matchAll(/\n/g)) lines.addNewLine(index + 1);
  return lines;
}

function isCircular(raw: unknown): boolean {
  try {
    JSON.stringify(raw);
    return false;
  } catch {
    return true;
  }
}

/** Checks each part of the file whose shape is sound, so that one misspelt key does not hide what is wrong elsewhere. */
function checkSoundParts(raw: unknown, faults: readonly PathFault[]): PathFault[] {
  if (typeof raw !== "object" || raw === null) return [];
  const file = raw as Record<string, unknown>;
  const sound = (...path: Path) => !faults.some((fault) => path.every((part, index) => fault.path[index] === part));
  const { shape } = fileSchema;
  const found: PathFault[] = [];

  const servers = sound("nextauth") ? shape.nextauth.parse(file.nextauth, ONCE) : undefined;
  const nextauth: NextAuthSurroundings = {
    present: file.nextauth !== undefined,
    defaultServerid: !sound("nextauth") || (servers ?? []).some(({ serverid }) => serverid !== undefined),
    serverids: servers?.some(({ serverids }) => serverids === undefined)
      ? undefined
      : servers?.flatMap(({ serverids = [] }) => serverids),
  };
  if (servers !== undefined) found.push(...checkNextAuth(servers));
  const bindings = sound("get_token") ? shape.get_token.parse(file.get_token, ONCE) : undefined;
  if (bindings !== undefined) found.push(...checkBindings(bindings, writtenValues(file.get_token), nextauth));

  let signing: Surroundings["signing"];
  if (sound("signing")) {
    signing = shape.signing.parse(file.signing, ONCE) ?? null;
    if (signing !== null) found.push(...checkSigning(signing));
  }
  const exchange = sound("webnonce_exchange") ? shape.webnonce_exchange.parse(file.webnonce_exchange, ONCE) : undefined;
  const callNames = callNamesOf(file.get_token, nextauth, exchange !== undefined);
  const hasServerid = callNames === undefined || callNames.includes("serverid");
  const around: Surroundings = { callNames, attributesLack: attributesLack(nextauth.present, hasServerid), signing };

  const providers = (typeof file.providers === "object" && file.providers) || {};
  for (const [name, provider] of Object.entries(providers)) {
    const faulty = faults.filter(({ path }) => path[0] === "providers" && path[1] === name).map(({ path }) => path[2]);
    const rest = Object.entries(provider ?? {}).filter(([key]) => !faulty.includes(key));
    // Where the grant_type is at fault itself, any other stands in for it, so that the rest can be looked at.
    const parsed = providerSchema.safeParse({ grant_type: "unknown", ...Object.fromEntries(rest) }, ONCE);
    if (parsed.success) found.push(...checkProvider(name, parsed.data, faulty.length === 0, around));
  }
  if (sound("routes")) found.push(...checkRoutes(shape.routes.parse(file.routes, ONCE), Object.keys(providers)));
  if (exchange !== undefined) {
    const paths = bindings?.map(({ path }) => path);
    found.push(...checkExchange(exchange, nextauth, paths, Object.keys(providers)));
  }
  if (!hasServerid) found.push(...checkServeridUse(file));
  if (sound("server")) found.push(...checkServer(shape.server.parse(file.server, ONCE)));
  return found;
}

/** The bindings as they are written: one, or a list. */
function writtenBindings(written: unknown): { values?: unknown; session?: unknown }[] {
  return (Array.isArray(written) ? written : [written ?? {}]).map((binding) => Object(binding));
}

function writtenValues(written: unknown): boolean[] {
  return writtenBindings(written).map(({ values }) => values !== undefined);
}

/**
 * Every name that some call has a value for: those of the bindings, and those that getSession and the webNonce exchange give.
 * @returns undefined where there is no binding, or the values of one are at fault themselves
 */
function callNamesOf(written: unknown, nextauth: NextAuthSurroundings, exchange: boolean): string[] | undefined {
  const names = new Set<string>();
  const bindings = writtenBindings(written);
  if (bindings.length === 0) return undefined;
  for (const { values, session } of bindings) {
    const parsed = bindingValues.safeParse(values, ONCE);
    if (!parsed.success) return undefined;
    for (const name of Object.keys(parsed.data)) names.add(name);
    if (nextauth.present && session !== "trust") for (const name of ["userid", "accountid"]) names.add(name);
  }
  if (nextauth.present && nextauth.defaultServerid) names.add("serverid");
  if (exchange) for (const name of ["serverid", "userid", "accountid", "nonce"]) names.add(name);
  return [...names];
}

function attributesLack(hasNextauth: boolean, hasServerid: boolean): string | undefined {
  if (!hasNextauth) return '"nextauth": the nextAuth Server that knows them';
  return hasServerid ? undefined : '"get_token.values.serverid" or "nextauth.serverid"';
}
