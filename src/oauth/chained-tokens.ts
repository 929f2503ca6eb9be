// Requests the tokens of other providers that a token request contains, and keeps some of them.
// Such a token is a leg of the call. Its own request may need legs too, and a call asks each
// provider once. A leg that is kept is requested with no value of a call.

import { startCallTime, type TimeLimit } from "../core/call-time.ts";
import { TokenProxyError } from "../core/errors.ts";
import { readJsonObject } from "../core/json.ts";
import type { Leg, Trace, TraceHeaders } from "../core/trace.ts";
import type { Values } from "../core/values.ts";
import { readJwt } from "./describe-token.ts";
import { withoutBackslashes } from "./echoed-credential.ts";
import { type Answer, relayedText } from "./judge-answer.ts";
import type { Provider, ProviderDeps, Providers } from "./provider.ts";
import type { ProviderSettings } from "./provider-settings.ts";
import { callNamesOfChain, chainOf, tokensNeeded } from "./template-names.ts";
import { TOKEN_PREFIX } from "./template-rules.ts";

type Call = Parameters<Provider["requestToken"]>[1];
type Deps = Pick<ProviderDeps, "clock" | "sharesPromises">;

/** What a provider issued for the request of another one. */
interface Issued {
  members: Readonly<Record<string, unknown>>;
  /** By clock.elapsed(). */
  keepUntil: number;
}

/** Asks each provider at most once in a call. @throws {LegFailed} */
type Legs = (provider: string) => Promise<Issued>;

/** The call ends with the answer that refuses its user, else with the cause. */
class LegFailed extends Error {
  override readonly name = "LegFailed";
  provider = "";
  refusal?: Answer;
}

const legFailed = (provider: string, why: { cause: unknown } | { refusal: Answer }) =>
  Object.assign(new LegFailed(), { provider, ...why });

/** @returns the same providers; those that need tokens of others request these first */
export function chainProviders(
  providers: Providers,
  settings: Readonly<Record<string, ProviderSettings>>,
  deps: Deps,
): Providers {
  const { clock } = deps;
  const tokensOf = new Map(Object.entries(settings).map(([name, one]) => [name, tokensNeeded(one)]));
  const caches = new Map<string, ReturnType<typeof createTokenCache>>();
  for (const [name, { cache }] of Object.entries(settings)) {
    if (!cache) continue;
    const none: Values = new Map(); // with no value of a call, what is kept cannot be a user's
    const request = (call: Call) => issueLeg(name, none, call, legsOf(none, call));
    const timeouts = [name, ...chainOf(name, settings)].map((one) => settings[one]?.timeout ?? 0);
    const limit = { key: `${keyOf(name)}.timeout`, ms: timeouts.reduce((sum, ms) => sum + ms) };
    caches.set(name, createTokenCache(limit, request, deps));
  }

  function legsOf(values: Values, call: Call): Legs {
    const started = new Map<string, Promise<Issued>>();
    const legs: Legs = (name) => {
      const cache = caches.get(name);
      const kept = cache?.kept();
      if (kept !== undefined) return Promise.resolve(kept);
      const ask = (part: Call) => cache?.request(part) ?? issueLeg(name, values, part, legs);
      const token = started.get(name) ?? call.trace.step(`token.${name}`, (headers) => ask(partOf(call, headers)));
      started.set(name, token);
      return token;
    };
    return legs;
  }

  async function issueLeg(name: string, values: Values, call: Call, legs: Legs): Promise<Issued> {
    const [now, elapsed] = [clock.now(), clock.elapsed()];
    const answer = await requestWithLegs(name, values, call, legs);
    const members = readJsonObject(answer.body) ?? {};
    if (answer.refusal === undefined) return { members, keepUntil: elapsed + keepFor(members, now) };
    if (callNamesOfChain(name, settings).length > 0) throw legFailed(name, { refusal: answer });
    const message = `the provider "${keyOf(name)}" refuses a token, although its request names no user`;
    const detail = { provider_status: answer.providerStatus, ...answer.refusal.words() };
    throw new TokenProxyError("provider_rejected_proxy", message, { detail });
  }

  /** Asks for all legs of the request at the same time, and then sends it. */
  async function requestWithLegs(name: string, values: Values, call: Call, legs: Legs): Promise<Answer> {
    const provider = providers.get(name) as Provider;
    provider.assertNotSuspended(); // or tokens would be requested in vain
    const tokens = tokensOf.get(name) ?? [];
    const issued = new Map<string, Issued>();
    const failures: LegFailed[] = [];
    const all = [...new Set(tokens.map((token) => token.provider))].map(async (leg) => {
      try {
        issued.set(leg, await legs(leg));
      } catch (error) {
        failures.push(error instanceof LegFailed ? error : legFailed(leg, { cause: error }));
      }
    });
    await Promise.all(all); // nothing of a call may go on after its response
    const failure = failures.find(({ refusal }) => refusal !== undefined) ?? failures[0];
    if (failure !== undefined) throw failure;

    const forget = () => {
      for (const [leg, one] of issued) caches.get(leg)?.forget(one);
    };
    const lacking = tokens.find((token) => textOf(token, issued) === "");
    if (lacking !== undefined) {
      // Or no call would get a token before the kept one expires.
      caches.get(lacking.provider)?.forget(issued.get(lacking.provider));
      throw legFailed(lacking.provider, { cause: lacksMember(lacking, name) });
    }
    const texts = new Map(tokens.map((token) => [token.name, textOf(token, issued)]));
    const answer = await provider.requestToken(new Map([...values, ...texts]), call).catch((error: unknown) => {
      if (isRejection(error)) forget();
      throw error;
    });
    // If nobody knows that the error is about the user, it may be about the token.
    if (answer.refusal?.judgedBy === "general") forget();
    const kept = tokens.filter((token) => caches.has(token.provider)).map((token) => texts.get(token.name) as string);
    if (kept.length > 0 && answer.refusal === undefined) assertNone(kept, answer, name);
    return answer;
  }

  return new Map(
    [...providers].map(([name, provider]) => {
      if (tokensOf.get(name)?.length === 0) return [name, provider];
      const requestToken: Provider["requestToken"] = async (values, call) => {
        provider.assertValues(values);
        try {
          return await requestWithLegs(name, values, call, legsOf(values, call));
        } catch (error) {
          if (!(error instanceof LegFailed)) throw error;
          call.trace.note({ provider: error.provider }); // the one that log and metrics are about
          if (error.refusal !== undefined) return error.refusal;
          const { cause, provider: leg } = error;
          if (!(cause instanceof TokenProxyError && cause.code === "call_deadline")) throw cause;
          throw new TokenProxyError(cause.code, `${cause.message} of "${keyOf(leg)}"`, cause);
        }
      };
      return [name, { ...provider, requestToken }];
    }),
  );
}

/** Keeps the token of a provider as long as it can be used. */
function createTokenCache(limit: TimeLimit, issue: (call: Call) => Promise<Issued>, { clock, sharesPromises }: Deps) {
  let current: Issued | undefined;
  let pending: Promise<Issued> | undefined;
  const issueAndKeep = async (call: Call) => {
    current = await issue(call);
    return current;
  };

  return {
    kept: () => (current !== undefined && clock.elapsed() < current.keepUntil ? current : undefined),
    async request(call: Call): Promise<Issued> {
      if (!sharesPromises) return issueAndKeep(call);
      // No caller. Without a limit, a Signer that hangs once would hold up all later calls.
      const time = startCallTime(limit, undefined, clock);
      return call.time.within("the token request", () => {
        pending ??= issueAndKeep({ time, trace: UNTRACED }).finally(() => {
          pending = undefined;
        });
        return pending;
      });
    },
    forget(rejected: Issued | undefined) {
      if (current === rejected) current = undefined;
    },
  };
}

const keyOf = (name: string) => `providers.${name}`;

const UNTRACED: Trace = { step: async (_step, run) => run({}), note() {} };

/** The part of a call that one provider's token takes. Only the call's own token is audited. */
function partOf({ time, trace }: Call, headers: TraceHeaders): Call {
  const step: Trace["step"] = async (name, run) =>
    name.startsWith(TOKEN_PREFIX) ? trace.step(name as Leg, run) : run(headers);
  return { time, trace: { step, note() {} } };
}

type Token = ReturnType<typeof tokensNeeded>[number];

/** @returns an empty text if the answer has none */
function textOf({ provider, member }: Token, issued: ReadonlyMap<string, Issued>): string {
  const text = issued.get(provider)?.members[member];
  return typeof text === "string" ? text : "";
}

function lacksMember({ provider, member }: Token, user: string): TokenProxyError {
  const message = `the provider "${keyOf(provider)}" sent no ${member}, which "${keyOf(user)}" needs`;
  return new TokenProxyError("provider_no_token", message);
}

/** A token must still be usable when the request that contains it has arrived. */
const MAX_MARGIN_MS = 30_000;

/** @returns milliseconds for which a token can be kept, 0 if nobody knows how long it lives */
function keepFor({ expires_in, access_token }: Issued["members"], now: number): number {
  const exp = readJwt(access_token)?.exp;
  const seconds = typeof expires_in === "number" ? expires_in : typeof exp === "number" ? exp - now / 1_000 : 0;
  return seconds * 1_000 - Math.min(MAX_MARGIN_MS, seconds * 250);
}

function isRejection(error: unknown): boolean {
  if (!(error instanceof TokenProxyError)) return false;
  const { provider_status } = error.detail ?? {};
  // Nothing was sent, because the token does not fit into the request.
  if (error.code === "provider_no_token") return provider_status === undefined;
  return error.code === "provider_rejected_proxy" || [400, 401, 403].includes(Number(provider_status));
}

/** A kept token is a credential of this proxy: it must never reach a caller. */
function assertNone(kept: readonly string[], answer: Answer, name: string): void {
  const text = withoutBackslashes(relayedText(answer));
  if (!kept.some((token) => text.includes(token))) return;
  const message = `the provider "${keyOf(name)}" repeats a kept token of another provider in its answer, so it is not relayed`;
  throw new TokenProxyError("provider_error", message, { detail: { provider_status: answer.providerStatus } });
}
