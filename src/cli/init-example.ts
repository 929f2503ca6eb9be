// A file of examples/, fitted to the answers of `init`: the only description of its provider.

import { readdirSync, readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { dirname, join } from "node:path";
import { isMap, isScalar, isSeq, parseDocument, type Scalar, type YAMLMap } from "yaml";
import { parseConfig } from "../config/parse.ts";
import { credentialOf, isSigned } from "../oauth/client-authentication.ts";
import type { ProviderSettings } from "../oauth/provider-settings.ts";
import type { TokenEndpointAuthMethod } from "../oauth/settings.ts";

/** From the root of the package, in the sources and in the bundle. */
const FOLDER = join(dirname(findPackageJSON(import.meta.url) as string), "examples");

export const productOf = (name: string): string => name.replace(/-.*/, "");

/** Each product begins with its shortest name: `--provider keycloak` means that one. */
export const exampleNames = (): string[] =>
  readdirSync(FOLDER)
    .flatMap((file) => /^(.*)\.yaml$/.exec(file)?.slice(1) ?? [])
    .sort((a, b) => productOf(a).localeCompare(productOf(b)) || a.length - b.length || a.localeCompare(b));

/** A text in the file. */
export interface Text {
  /** For example `providers.hydra.jwt.user.claims.aud.1`. */
  key: string;
  node: Scalar<string>;
  /** At the end of its line. */
  comment: string;
  /** Whether it is only an example, so that everybody needs another one. */
  isOpen: boolean;
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

const STEPS = /^# At the provider.*?\n(?=# Source:)/ms;

export class Example {
  /** The comment, without its first line for editors. */
  readonly #header: string;
  readonly title: string;
  readonly document;
  readonly provider: string;
  /** The template for any provider. */
  readonly isOther: boolean;
  /** As in the example. */
  readonly settings: ProviderSettings;
  readonly client: YAMLMap;
  /** Texts that are replaced in the steps at the provider. */
  readonly changes: [old: string, next: string][] = [];

  constructor(name: string) {
    const text = readFileSync(join(FOLDER, `${name}.yaml`), "utf8");
    this.isOther = name === "other";
    const [, header = "", body = ""] = /^.*?\n((?:#[^\n]*\n)+)(.*)/s.exec(text) ?? [];
    this.#header = header;
    this.title = header.replace(/^# |[:\n].*/gs, "");
    this.document = parseDocument(body);
    const { providers, get_token } = parseConfig(text, name).config;
    this.provider = get_token[0]?.provider ?? (Object.keys(providers)[0] as string);
    this.settings = providers[this.provider] as ProviderSettings;
    this.client = this.document.getIn(["providers", this.provider]) as YAMLMap;
  }

  /** At the provider, as comments. @param load and unload give the commands the secrets */
  steps(load: string, unload: string): string {
    const loading = `# - the commands use the secrets of the env file:\n#     ${load}\n# - `;
    const unloading = `# - take the secrets out of the shell, where they would override the env file:\n#     ${unload}\n`;
    const steps = replaced(STEPS.exec(this.#header)?.[0] ?? "", this.changes);
    return steps.replace("# - ", () => loading) + unloading;
  }

  textWith(steps: string): string {
    return this.#header.replace(STEPS, () => steps) + this.document.toString({ lineWidth: 0 });
  }

  texts(node: unknown = this.document.contents, key = "", outer = ""): Text[] {
    const comment = (node as Scalar | null)?.comment ?? outer;
    const below = (name: string | number, value: unknown) => this.texts(value, `${key}${key && "."}${name}`, comment);
    if (isMap<Scalar<string>>(node)) return node.items.flatMap((pair) => below(String(pair.key), pair.value));
    if (isSeq(node)) return node.items.flatMap((item, index) => below(index, item));
    if (!isScalar<string>(node) || typeof node.value !== "string") return [];
    const isOpen = comment.startsWith(" your ") || /\.example\b|^\/run\/secrets\//.test(node.value);
    return [{ key, node, comment, isOpen }];
  }

  change({ node }: Text, next: string): void {
    if (next !== node.value && !/\s/.test(next)) this.changes.push([node.value, next]);
    node.value = next;
  }

  /** Also changes the server in other URLs, and the realm in commands of Keycloak. */
  changeIssuer(next: string): void {
    const { issuer = "" } = this.settings;
    const partsOf = (url: string) => /^(.*)\/realms\/([^/]+)$/.exec(url)?.slice(1) ?? [new URL(url).origin];
    const [oldServer = "", oldRealm] = partsOf(issuer);
    const [server = "", realm] = partsOf(next);
    this.changes.push([issuer, next], [oldServer, server]);
    if (oldRealm && realm)
      this.changes.push([`-r ${oldRealm}`, `-r ${realm}`], [`realm ${oldRealm}`, `realm ${realm}`]);
    const texts = this.texts().filter(({ key }) => key.startsWith("providers."));
    for (const { node } of texts) node.value = replaced(node.value, this.changes);
  }

  changeAuthMethod(next: TokenEndpointAuthMethod): void {
    const { token_endpoint_auth_method: old } = this.settings;
    this.changes.push([`method ${old}`, `method ${next}`], [`methods=${old}`, `methods=${next}`]);
    const credential = credentialOf(next);
    const isSame = credential === credentialOf(old);
    const stale = [isSigned(next) ? "" : "client_assertion", ...(isSame ? [] : ["client_secret", "client_key", "tls"])];
    for (const key of ["token_endpoint_auth_method", ...stale]) this.client.delete(key);
    const added = isSame || (credential === "key" && this.document.has("signing")) ? {} : CREDENTIALS[credential];
    const { items } = this.document.createNode({ token_endpoint_auth_method: next, ...added }) as YAMLMap;
    this.client.items.splice(this.client.items.findIndex(({ key }) => String(key) === "client_id") + 1, 0, ...items);
  }
}

/** Earlier changes have precedence, and no change applies to the text of another. */
function replaced(text: string, [change, ...others]: readonly (readonly [string, string])[]): string {
  if (change === undefined) return text;
  const parts = text.split(change[0]);
  return parts.map((part) => replaced(part, others)).join(change[1]);
}
