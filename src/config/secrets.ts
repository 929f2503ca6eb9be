// Configuration, second step: every secret that the file names is read before the first call, or the start stops.

import { Secret, type SecretLookup, type SecretReference } from "../secret.ts";
import type { PathFault } from "./faults.ts";
import type { Config, ParsedFile } from "./parse.ts";
import type { Path } from "./position.ts";

/**
 * Reads the text of one secret; each runtime has its own (platform/*).
 * @throws {SecretError} where there is none
 */
export type ReadSecret = (reference: SecretReference) => string | Promise<string>;

/** A secret cannot be read. The message follows its path in the file and says how to cure it. */
export class SecretError extends Error {
  override readonly name = "SecretError";
}

/** 16 characters of a random key are 64 bits and more: below, a key can be guessed. */
const MIN_APIKEY_CHARS = 16;
/** What can be compared with a header's value: visible ASCII, no space. */
const APIKEY = /^[\x21-\x7e]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * @returns the look-up of all secrets
 * @throws {ConfigError} with a fault for every secret that is missing, empty or unusable
 */
export async function loadSecrets({ config, error }: ParsedFile, read: ReadSecret): Promise<SecretLookup> {
  const secrets = new Map<string, Secret>();
  const faults: PathFault[] = [];
  const ownerOfApikey = new Map<string, string>();

  for (const { path, reference, caller } of secretReferences(config)) {
    const fault = (message: string) => faults.push({ path, message, at: "value" });
    try {
      const text = await read(reference);
      const problem = caller === undefined ? secretFault(text) : (secretFault(text) ?? apikeyFault(text));
      if (problem !== undefined) fault(problem);
      if (caller !== undefined) {
        const owner = ownerOfApikey.get(text) ?? caller;
        if (owner !== caller) fault(`is the same key as one of "callers.${owner}": a key must tell who calls`);
        ownerOfApikey.set(text, owner);
      }
      secrets.set(id(reference), new Secret(text));
    } catch (cause) {
      if (!(cause instanceof SecretError)) throw cause;
      fault(cause.message);
    }
  }
  if (faults.length > 0) throw error(faults);
  return (reference) => secrets.get(id(reference)) as Secret;
}

function secretFault(text: string): string | undefined {
  if (text === "") return "names a secret that is empty";
  if (CONTROL.test(text)) return "names a secret with a line break or another control character in it";
  return undefined;
}

function apikeyFault(text: string): string | undefined {
  if (!APIKEY.test(text))
    return "names an API key with a space or a character that is not ASCII, which no header carries";
  if (text.length < MIN_APIKEY_CHARS) {
    return `names an API key of fewer than ${MIN_APIKEY_CHARS} characters: make one with "openssl rand -hex 32"`;
  }
  return undefined;
}

interface NamedReference {
  path: Path;
  reference: SecretReference;
  /** Whose API key it is, if it is one. */
  caller?: string;
}

function secretReferences({ callers, providers }: Config): NamedReference[] {
  const apikeys = Object.entries(callers).flatMap(([caller, { apikeys }]) =>
    apikeys.map((reference, index) => ({ path: ["callers", caller, "apikeys", index], reference, caller })),
  );
  const clientSecrets = Object.entries(providers).flatMap(([name, { client_secret: reference }]) =>
    reference === undefined ? [] : [{ path: ["providers", name, "client_secret"], reference }],
  );
  return [...apikeys, ...clientSecrets];
}

function id(reference: SecretReference): string {
  return "env" in reference ? `env:${reference.env}` : `file:${reference.file}`;
}
