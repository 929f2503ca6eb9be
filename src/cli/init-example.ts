// A file of examples/, fitted to the answers of `init`: the only description of its provider.

import { readdirSync, readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { dirname, join } from "node:path";
import { isMap, isScalar, isSeq, parseDocument, type Scalar, type YAMLMap } from "yaml";
import type { ProviderConfig } from "../config/complete.ts";
import { parseConfig } from "../config/parse.ts";
import { credentialOf, isSigned, type TokenEndpointAuthMethod } from "../oauth/client-authentication.ts";

/** The root of the package, in the sources and in the bundle. */
export const PACKAGE = dirname(findPackageJSON(import.meta.url) as string);
const FOLDER = join(PACKAGE, "examples");

export const exampleNames = (): string[] => readdirSync(FOLDER).map((file) => file.replace(".yaml", ""));

export type Example = ReturnType<typeof openExample>;

export function openExample(name: string) {
  const text = readFileSync(join(FOLDER, `${name}.yaml`), "utf8");
  const [, header = "", body = ""] = /^#[^\n]*\n((?:#[^\n]*\n)+)(.*)/s.exec(text) ?? []; // without the line for editors
  const [title = "", status = ""] = header.split("\n").map((line) => line.slice("# ".length));
  const [[provider, settings]] = Object.entries(parseConfig(text, name).config.providers) as [[string, ProviderConfig]];
  const document = parseDocument(body);
  const client = document.getIn(["providers", provider]) as YAMLMap;
  return { title, status, header, document, provider, client, settings, changes: [] as Change[] };
}

/** Also replaced in the steps at the provider. */
type Change = readonly [old: string, next: string];

const STEPS = /^# At the provider.*?\n(?=# Source:)/ms;

export const stepsOf = ({ header, changes }: Example): string =>
  replaced(STEPS.exec(header)?.[0] ?? "", changes).replaceAll(/^# ?/gm, "");

export const textOf = ({ header, changes, document }: Example): string =>
  header.replace(STEPS, (steps) => replaced(steps, changes)) + document.toString({ lineWidth: 0 });

/** A text in the file. */
export interface Text {
  /** For example `providers.hydra.jwt.user.claims.aud.1`. */
  key: string;
  node: Scalar<string>;
  /** At the end of its line. */
  comment: string;
  /** Whether it is only an example, so that everybody needs another one. */
  isOpen: boolean;
  /** Whether it is a file or value that the user already has. */
  isYours: boolean;
}

/** @returns every text of the file */
export function textsOf({ document }: Example): Text[] {
  const walk = (node: unknown, path: string, outer: string): Text[] => {
    const comment = (node as Scalar | null)?.comment ?? outer;
    if (isMap<Scalar<string>>(node)) {
      return node.items.flatMap(({ key, value }) => walk(value, `${path}${path && "."}${key.value}`, comment));
    }
    if (isSeq(node)) return node.items.flatMap((item, index) => walk(item, `${path}.${index}`, comment));
    if (!isScalar<string>(node) || typeof node.value !== "string") return [];
    const isYours = comment.startsWith(" your ");
    return [{ key: path, node, comment, isYours, isOpen: isYours || /\bbank\b|^\/run\/secrets\//.test(node.value) }];
  };
  return walk(document.contents, "", "");
}

export function changeText({ changes }: Example, { node }: Text, next: string): void {
  if (!/\s/.test(next)) changes.push([node.value, next]);
  node.value = next;
}

/** Also replaces its parts: the server in other URLs, and the realm in commands of Keycloak. */
export function changeIssuer(example: Example, next: string): void {
  const { changes, settings } = example;
  const partsOf = (url: string) => /^(.*)\/realms\/([^/]+)$/.exec(url)?.slice(1) ?? [new URL(url).origin];
  const [oldServer = "", oldRealm] = partsOf(settings.issuer as string);
  const [server = "", realm] = partsOf(next);
  changes.push([settings.issuer as string, next], [oldServer, server]);
  if (oldRealm && realm) changes.push([`-r ${oldRealm}`, `-r ${realm}`]);
  for (const { key, node } of textsOf(example)) {
    if (key.startsWith("providers.")) node.value = replaced(node.value, changes);
  }
}

/** What each kind of credential needs in the file. */
const CREDENTIALS = {
  secret: { client_secret: { env: "CLIENT_SECRET" } },
  key: { client_key: { kid: "2026-11", alg: "ES256", private_key: { file: "/run/secrets/2026-11.pem" } } },
  certificate: {
    tls: { certificate: { file: "/run/secrets/tls.crt" }, private_key: { file: "/run/secrets/tls.key" } },
  },
  nothing: {},
};

export function changeAuthMethod(example: Example, method: TokenEndpointAuthMethod): void {
  const { document, client, changes } = example;
  const { token_endpoint_auth_method: old } = example.settings;
  for (const start of ["method ", "methods="]) changes.push([start + old, start + method]); // in commands
  const credential = credentialOf(method);
  const isSame = credential === credentialOf(old);
  const stale = [isSigned(method) ? "" : "client_assertion", ...(isSame ? [] : ["client_secret", "client_key", "tls"])];
  for (const key of ["token_endpoint_auth_method", ...stale]) client.delete(key);
  const added = isSame || (credential === "key" && document.has("signing")) ? {} : CREDENTIALS[credential];
  const { items } = document.createNode({ token_endpoint_auth_method: method, ...added }) as YAMLMap;
  client.items.splice(client.items.findIndex(({ key }) => String(key) === "client_id") + 1, 0, ...items);
}

/** Earlier changes have precedence, and no change applies to the text of another. */
function replaced(text: string, [change, ...others]: readonly Change[]): string {
  if (change === undefined) return text;
  const parts = text.split(change[0]);
  return parts.map((part) => replaced(part, others)).join(change[1]);
}
