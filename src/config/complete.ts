// The configuration with every default filled in, including those that depend on other keys.

import { type Binding, isRequired } from "../nextauth/binding.ts";
import { ruleOf } from "../nextauth/values.ts";
import type { HmacAlgorithm } from "../oauth/client-authentication.ts";
import { withDefaults } from "../oauth/grants.ts";
import type { ProviderSettings } from "../oauth/provider-settings.ts";
import type { SigningAlgorithm } from "../oauth/signing-key.ts";
import { jwtsNeeded } from "../oauth/template-names.ts";
import type { FileConfig } from "./schema.ts";
import type { FileBinding } from "./schema-nextauth.ts";
import { clientAssertion, type FileProvider } from "./schema-provider.ts";

export type Route = NonNullable<FileConfig["routes"]>[number];

/** A provider with references to its credentials, which credentials.ts loads. */
export interface ProviderConfig extends ProviderSettings, Pick<FileProvider, "client_secret" | "client_key" | "tls"> {
  proxy?: FileProvider["proxy"];
  /** Selects among the keys that can authenticate the client; undefined means all. */
  client_key_alg: SigningAlgorithm | undefined;
}

/** Durations are in milliseconds. */
export interface Config extends Omit<FileConfig, "get_token" | "providers" | "routes"> {
  /** The first one with the call's path and method is used. */
  get_token: readonly Binding[];
  providers: Readonly<Record<string, ProviderConfig>>;
  routes: readonly Route[];
}

/** @param file that passed all checks */
export function complete(file: FileConfig): Config {
  const { get_token, providers, routes } = file;
  return {
    ...file,
    get_token: get_token.map(completeBinding),
    providers: Object.fromEntries(
      Object.entries(providers).map(([name, provider]) => [name, completeProvider(provider)]),
    ),
    // With several providers and no routes, everything names its provider (checkRoutes).
    routes: routes ?? Object.keys(providers).flatMap((provider, _, all) => (all.length > 1 ? [] : [{ provider }])),
  };
}

function completeBinding(binding: FileBinding): Binding {
  const values = Object.entries(binding.values).map(([name, value]) => {
    const rule = ruleOf(name);
    const { from, type = rule.type, max_length = rule.max_length } = value;
    const pattern = value.pattern === undefined ? undefined : new RegExp(value.pattern, "su");
    const required = value.required === true || isRequired(name, binding.session);
    return [name, { from, type, max_length, pattern, required }] as const;
  });
  return { ...binding, values: Object.fromEntries(values) };
}

function completeProvider(provider: FileProvider): ProviderConfig {
  const { discovery = "oidc", token_endpoint, issuer, answer } = provider;
  const assertion = provider.client_assertion ?? clientAssertion.parse({});
  const hasIssuer = issuer !== undefined;
  const { alg } = assertion;
  const isHmac = alg?.startsWith("HS") === true;
  const jwts = jwtsNeeded(provider).map((name) => [name, withDefaults(provider.jwt[name] ?? {}, hasIssuer)]);
  return {
    ...provider,
    discovery: token_endpoint === undefined ? discovery : "none",
    answer: { ...answer, require: answer.require ?? (answer.format === "any" ? [] : ["access_token"]) },
    client_key_alg: isHmac ? undefined : (alg as SigningAlgorithm | undefined),
    client_assertion: {
      ...assertion,
      // The revision of RFC 7523 allows only the issuer.
      aud: assertion.aud ?? (hasIssuer ? "{{issuer}}" : "{{token_endpoint}}"),
      alg: isHmac ? (alg as HmacAlgorithm) : undefined,
    },
    jwt: Object.fromEntries(jwts),
  };
}
