// Configuration, first step: the file's text becomes a Config, or one ConfigError with every fault in it. No secret is read.

import { isScalar, LineCounter, parseDocument, visit } from "yaml";
import { ConfigError, type Fault } from "../errors.ts";
import type { Binding } from "../nextauth/binding.ts";
import type { ProviderSettings } from "../oauth/provider.ts";
import type { LogLevel } from "../ports.ts";
import type { SecretReference } from "../secret.ts";
import type { Address } from "./address.ts";
import { authMethod, checkGetToken, checkProvider, checkRoutes, checkServer } from "./check.ts";
import { describeIssues, describeType, type PathFault } from "./faults.ts";
import { formatPath, locate, type Path } from "./position.ts";
import { fileSchema, getTokenSchema, providerSchema } from "./schema.ts";

export interface Caller {
  apikeys: readonly SecretReference[];
  /** The virtual servers it may speak for; undefined means all. */
  serverids?: readonly string[] | undefined;
}

export interface Route {
  /** Undefined matches every call. */
  serverid?: string | undefined;
  provider: string;
}

/** The configuration, complete with defaults. Durations are in milliseconds. */
export interface Config {
  server: { listen: Address; admin: Address; shutdown_grace: number };
  callers: Readonly<Record<string, Caller>>;
  get_token: Binding;
  providers: Readonly<Record<string, ProviderSettings>>;
  routes: readonly Route[];
  log: { level: LogLevel };
}

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
        .map(
          ({ path, message, at }): Fault => ({ ...locate(document, lines, path, at), path: formatPath(path), message }),
        )
        .sort((a, b) => a.line - b.line || a.column - b.column),
    );

  const syntaxFaults = [...document.errors, ...document.warnings].map(({ pos, message }): Fault => {
    const { line, col } = lines.linePos(pos[0]);
    return { line, column: col, path: "", message: `is not proper YAML: ${message}` };
  });
  if (syntaxFaults.length > 0) throw new ConfigError(fileName, syntaxFaults);
  if (document.contents === null) {
    throw error([{ path: [], message: "is empty: callers and one provider are the least it needs", at: "value" }]);
  }
  if (hasForbiddenKey(document)) {
    throw error([{ path: [], message: 'has a key "__proto__" or one that is not text', at: "value" }]);
  }

  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch {
    throw error([{ path: [], message: "repeats its parts by aliases too often", at: "value" }]);
  }
  const parsed = fileSchema.safeParse(raw, { error: describeType });
  const faults = parsed.success ? [] : describeIssues(fileSchema, parsed.error.issues);
  faults.push(...checkSoundParts(raw, faults));
  if (!parsed.success || faults.length > 0) throw error(faults);

  const { server, callers, get_token, providers, routes, log } = parsed.data;
  const providerNames = Object.keys(providers);
  return {
    config: {
      server,
      callers,
      get_token,
      providers: Object.fromEntries(
        Object.entries(providers).map(([name, provider]) => [
          name,
          {
            ...provider,
            discovery: provider.token_endpoint === undefined ? (provider.discovery ?? "oidc") : "none",
            token_endpoint_auth_method: authMethod(provider),
          },
        ]),
      ),
      routes: routes ?? [{ provider: providerNames[0] as string }],
      log,
    },
    error,
  };
}

/** Checks each part of the file whose shape is sound, so that one misspelt key does not hide what is wrong elsewhere. */
function checkSoundParts(raw: unknown, faults: readonly PathFault[]): PathFault[] {
  if (typeof raw !== "object" || raw === null) return [];
  const file = raw as Record<string, unknown>;
  const sound = (...path: Path) => !faults.some((fault) => path.every((part, index) => fault.path[index] === part));
  const found: PathFault[] = [];

  let callNames: string[] | undefined;
  if (sound("get_token")) {
    const binding = getTokenSchema.parse(file.get_token ?? {});
    callNames = Object.keys(binding.values);
    found.push(...checkGetToken(binding));
  }
  const providers = (typeof file.providers === "object" && file.providers) || {};
  for (const [name, provider] of Object.entries(providers)) {
    const faulty = faults.filter(({ path }) => path[0] === "providers" && path[1] === name).map(({ path }) => path[2]);
    const rest = Object.entries(provider ?? {}).filter(([key]) => !faulty.includes(key));
    const parsed = providerSchema.safeParse(Object.fromEntries(rest));
    if (parsed.success) found.push(...checkProvider(name, parsed.data, faulty.length === 0, callNames));
  }
  if (sound("routes")) {
    found.push(...checkRoutes(fileSchema.shape.routes.parse(file.routes), Object.keys(providers)));
  }
  if (sound("server")) found.push(...checkServer(fileSchema.shape.server.parse(file.server)));
  return found;
}

/** `__proto__` as a key would be dropped in silence by the schema. */
function hasForbiddenKey(document: ReturnType<typeof parseDocument>): boolean {
  let found = false;
  visit(document, {
    Pair(_, pair) {
      if (!isScalar(pair.key) || pair.key.value === "__proto__" || pair.key.value === null) found = true;
    },
  });
  return found;
}
