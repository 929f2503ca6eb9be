// One provider of the file, ready to be asked: endpoint, request, answer.

import { TokenProxyError } from "../errors.ts";
import type { Clock, Ids } from "../ports.ts";
import type { SecretLookup, SecretReference } from "../secret.ts";
import { createClientAuthentication, type TokenEndpointAuthMethod } from "./client-authentication.ts";
import { createDiscovery, type Discovery, type DiscoveryKind, type Metadata } from "./discovery.ts";
import { exchangeError } from "./exchange-error.ts";
import { parseTemplate } from "./template.ts";
import { compileTokenRequest, effectiveParams, HeaderValueError, type TokenRequestSettings } from "./token-request.ts";
import { type ErrorRules, judgeTokenResponse, type TokenAnswer } from "./token-response.ts";
import type { CreateTransport, TransportSettings } from "./transport.ts";

/** A provider as the file describes it. Durations are in milliseconds. */
export interface ProviderSettings extends TokenRequestSettings, ErrorRules, TransportSettings {
  issuer?: string | undefined;
  /** Whether, and by which document, the token endpoint is looked up from the issuer. */
  discovery: DiscoveryKind | "none";
  token_endpoint?: string | undefined;
  client_id?: string | undefined;
  token_endpoint_auth_method: TokenEndpointAuthMethod;
  client_secret?: SecretReference | undefined;
  timeout: number;
  max_response_bytes: number;
}

/** A template's values that come with the call; undefined where the call has none of that name. */
export type CallValues = (name: string) => string | undefined;

export interface Provider {
  readonly name: string;
  /** Undefined where the file names the token endpoint. */
  readonly discovery: Discovery | undefined;
  /**
   * Asks for one token.
   * @throws {TokenProxyError} `call_invalid` where the call lacks a value, before anything is sent; else `provider_…`
   */
  requestToken(callValues: CallValues): Promise<TokenAnswer>;
}

export interface ProviderDeps {
  createTransport: CreateTransport;
  clock: Clock;
  ids: Ids;
  secrets: SecretLookup;
}

/** Names of templates that the provider gives itself; every other name comes from the call. */
export const PROVIDER_TEMPLATE_NAMES = ["client_id", "issuer", "token_endpoint", "now", "uuid"] as const;

type OwnName = (typeof PROVIDER_TEMPLATE_NAMES)[number];

/** @param name the provider's name in the file */
export function createProvider(name: string, settings: ProviderSettings, deps: ProviderDeps): Provider {
  const { clock, ids } = deps;
  const key = `providers.${name}`;
  const transport = deps.createTransport(settings);
  const discovery =
    settings.discovery === "none" || settings.issuer === undefined
      ? undefined
      : createDiscovery({ issuer: settings.issuer, discovery: settings.discovery }, key, { transport, clock });
  const buildRequest = compileTokenRequest(
    settings,
    createClientAuthentication(
      settings.token_endpoint_auth_method,
      settings.client_id,
      settings.client_secret === undefined ? undefined : deps.secrets(settings.client_secret),
    ),
  );
  const neededOfCall = namesNeededOfCall(settings);

  return {
    name,
    discovery,
    async requestToken(callValues) {
      for (const needed of neededOfCall) {
        if (callValues(needed) === undefined) throw missingValue(needed, key);
      }
      const deadline = clock.elapsed() + settings.timeout;
      try {
        const endpoint = await tokenEndpoint(settings, discovery, settings.timeout);
        const own: Record<OwnName, () => string> = {
          client_id: () => settings.client_id ?? "",
          issuer: () => endpoint.issuer,
          token_endpoint: () => endpoint.token_endpoint,
          now: () => String(Math.floor(clock.now() / 1000)),
          uuid: () => ids.uuid(),
        };
        const request = buildRequest((valueName) =>
          Object.hasOwn(own, valueName) ? own[valueName as OwnName]() : (callValues(valueName) as string),
        );
        const response = await transport({
          method: "POST",
          url: endpoint.token_endpoint,
          headers: request.headers,
          body: request.body,
          timeout: deadline - clock.elapsed(),
          maxResponseBytes: settings.max_response_bytes,
        });
        return judgeTokenResponse(response, settings, key, clock.now());
      } catch (error) {
        if (error instanceof HeaderValueError) {
          throw new TokenProxyError(
            "call_invalid",
            `a value of the call cannot stand in the header "${key}.headers.${error.header}"`,
          );
        }
        throw exchangeError(error, key);
      }
    },
  };
}

/** Every name that stands in a template of these settings. */
export function templateNames(settings: TokenRequestSettings): string[] {
  const texts = [...Object.values(effectiveParams(settings)), ...Object.values(settings.headers)].flat();
  return [...new Set(texts.flatMap((text) => parseTemplate(text).names))];
}

function namesNeededOfCall(settings: TokenRequestSettings): string[] {
  return templateNames(settings).filter((name) => !(PROVIDER_TEMPLATE_NAMES as readonly string[]).includes(name));
}

async function tokenEndpoint(
  settings: ProviderSettings,
  discovery: Discovery | undefined,
  timeout: number,
): Promise<Metadata> {
  if (discovery !== undefined) return discovery.metadata(timeout);
  // The schema lets nothing through that has neither discovery nor a token endpoint.
  return { issuer: settings.issuer ?? "", token_endpoint: settings.token_endpoint as string };
}

function missingValue(name: string, key: string): TokenProxyError {
  return new TokenProxyError("call_invalid", `the call has no value "${name}", which "${key}" needs`);
}
