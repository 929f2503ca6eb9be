// `check --live`: requests one token, and describes it or explains why there is none. `--probe` asks again.

import { randomUUID } from "node:crypto";
import type { Config, ProviderConfig } from "../config/complete.ts";
import type { Credentials } from "../config/credentials.ts";
import { readJsonObject } from "../core/json.ts";
import { createTracer, startTrace } from "../core/trace.ts";
import { textOf, type Values } from "../core/values.ts";
import { getToken, type UseCase } from "../get-token.ts";
import type { SessionMode } from "../nextauth/binding.ts";
import { nodeClock } from "../node/host.ts";
import { NOTABLE_SKEW_SECONDS } from "../oauth/clock-skew.ts";
import type { Provider } from "../oauth/provider.ts";
import type { ProviderCredentials } from "../oauth/provider-settings.ts";
import { type Exchange, explain, readJwt, wordsOf } from "./check-advice.ts";
import { attempt, line } from "./report.ts";

interface Live extends UseCase {
  config: Config;
  credentials: Credentials;
  providers: ReadonlyMap<string, Provider>;
  exchange: Exchange;
}

/** @returns the name of the provider that granted a token; undefined without one */
export async function requestToken(live: Live, values: Values, probe: boolean): Promise<string | undefined> {
  const hasNextauth = live.config.nextauth.length > 0;
  const session = hasNextauth && values.has("nonce") ? "verify" : "trust";
  line("live", "one token request");
  const { answer, provider } = await ask(live, values, session);
  if (answer === undefined) return undefined;
  if (hasNextauth) line("  session", session === "verify" ? "is logged in" : "not checked: add a nonce with --value");
  if (probe) await probeUnknownUser(live, values, answer.outcome);
  else if (answer.outcome === "refused")
    line("  advice", "if it refuses every user, the setup is wrong: --probe shows that");
  return answer.outcome === "token" ? provider : undefined;
}

/** Only a nonce allows a session check; without one the user is trusted. */
async function ask(live: Live, values: Values, session: SessionMode) {
  const { exchange, config, credentials, providers } = live;
  const trace = startTrace("check", undefined, { clock: nodeClock, tracer: createTracer() });
  const used = () => {
    const name = trace.facts.provider as string;
    return [config.providers[name] as ProviderConfig, credentials.providers.get(name) as ProviderCredentials] as const;
  };
  const userid = () => trace.facts.userid ?? textOf(values, "userid");
  const answer = await attempt(
    "  answer",
    () => getToken(live, { serverids: undefined }, { values, session, trace, recipient: undefined }),
    ({ providerStatus, body }) => `${trace.facts.provider} answered ${providerStatus} with ${body.length} bytes`,
    async (error) => {
      if (error.code.startsWith("provider_")) await explain(exchange, error, ...used());
      if (error.code === "provider_wrong_subject") describeToken(exchange, used()[0], userid());
    },
  );
  const provider = trace.facts.provider as string;
  if (answer?.outcome === "token") {
    const isDated = providers.get(provider)?.state().clockSkew !== undefined;
    describeToken(exchange, used()[0], userid(), isDated);
  } else if (answer?.outcome === "refused") {
    line("  FAILED", `the provider refuses this user (${answer.refusal?.error})`);
    await explain(exchange, undefined, ...used());
  }
  return { answer, provider };
}

async function probeUnknownUser(live: Live, values: Values, outcome: "token" | "refused"): Promise<void> {
  const wordsNow = () => live.exchange.response && wordsOf(live.exchange.response);
  const said = wordsNow();
  line("probe", "one token request for a user that cannot exist");
  const { answer } = await ask(live, new Map(values).set("userid", `no-such-user-${randomUUID()}`), "trust");
  if (answer?.outcome === "token") {
    line("  warning", "the provider mints a token for anybody: it does not limit whom this proxy may name");
  } else if (answer?.outcome === "refused" && outcome === "refused" && wordsNow() === said) {
    const sub = "look at sub in jwt.NAME.claims, or at the parameter that names the user";
    line("  advice", `the same refusal: the setup is wrong, unless your user does not exist there either; ${sub}`);
  }
}

const LONG_LIFETIME_SECONDS = 3_600;

/** What the token says, never the token. @param isDated whether the provider's answers show its clock */
function describeToken({ response }: Exchange, settings: ProviderConfig, userid?: string, isDated = true): void {
  const members = readJsonObject(response?.body as Uint8Array) ?? {};
  const claims = readJwt(members.access_token);
  const lifetime = Number(members.expires_in ?? Number(claims?.exp) - Date.now() / 1_000);
  line("  members", Object.keys(members).join(", "));
  line("  access_token", claims === undefined ? "opaque, not a JWT" : `a JWT, ${JSON.stringify(claims)}`);
  line("  scope", String(members.scope ?? claims?.scope ?? "not stated"));
  line("  lifetime", Number.isNaN(lifetime) ? "not stated" : `${Math.round(lifetime)} s`);
  if (lifetime > LONG_LIFETIME_SECONDS) line("  warning", "the token lives for more than an hour: let it end sooner");
  if (members.refresh_token !== undefined) {
    line("  warning", "the caller also gets the refresh_token: switch it off for this client at the provider");
  }
  if (!isDated) describeClock(Number(claims?.iat));
  if (userid !== undefined) describeSubject(members, claims, settings, userid);
}

/** Keycloak sends no Date, so the time of its token has to do. */
function describeClock(iat: number): void {
  const ahead = Math.round(iat - Date.now() / 1_000);
  const isNotable = Math.abs(ahead) >= NOTABLE_SKEW_SECONDS;
  const seen = Number.isNaN(ahead) ? "no JWT with an iat either" : `its token's iat is ${ahead} s ahead of our clock`;
  line(isNotable ? "  warning" : "  clock", `the provider sends no Date; ${seen}`);
}

/** Finds the user in the tokens, for `expect_subject`. */
function describeSubject(
  { id_token }: Record<string, unknown>,
  claims: Record<string, unknown> | undefined,
  { client_id, expect_subject }: ProviderConfig,
  userid: string,
): void {
  const names = Object.entries({ access_token: claims, id_token: readJwt(id_token) }).flatMap(([member, all = {}]) =>
    ["sub", ...Object.keys(all)].filter((claim) => all[claim] === userid).map((claim) => `${member}.${claim}`),
  );
  if (claims !== undefined && names.length === 0) {
    const who = claims.sub === client_id ? "the client itself" : "not the requested user";
    line("  warning", `the token's sub is ${JSON.stringify(claims.sub)}, ${who}, and no claim has the userid`);
  }
  if (names.includes(`${expect_subject?.member}.${expect_subject?.claim}`)) return;
  const why = claims === undefined ? "the token is opaque" : "sub is the provider's internal id";
  if (names[0] !== undefined) {
    line("  advice", `set expect_subject: ${names[0]}${names[0] === "access_token.sub" ? "" : `, because ${why}`}`);
  } else if (claims === undefined) line("  advice", "expect_subject cannot work: the token is opaque");
}
