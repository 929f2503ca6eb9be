// `check --live`: requests one token, and describes it or explains why there is none.

import { randomUUID } from "node:crypto";
import { startCallTime } from "../core/call-time.ts";
import { createTracer, startTrace } from "../core/trace.ts";
import type { TransportResponse } from "../core/transport.ts";
import { textOf, type Values } from "../core/values.ts";
import { getToken, type UseCase } from "../get-token.ts";
import type { NextAuthServers } from "../nextauth/servers.ts";
import type { Binding } from "../nextauth/settings.ts";
import { nodeClock } from "../node/host.ts";
import { NOTABLE_SKEW_SECONDS } from "../oauth/clock-skew.ts";
import { findToken, plainMembers, readJwt } from "../oauth/describe-token.ts";
import { repeatsCredential } from "../oauth/echoed-credential.ts";
import { type Asked, explain, sentSecrets, wordsOf } from "./check-advice.ts";
import { attempt, type Report } from "./report.ts";

interface Live extends UseCase {
  nextauth: NextAuthServers;
  report: Report;
  /** @param name of a provider */
  askedOf(name: string, report: Report): Asked;
}

/** Only a nonce allows a session check. @returns the provider that granted a token */
export async function checkLive(live: Live, values: Values, binding: Binding, probe: boolean) {
  const session = live.nextauth.all.length > 0 && values.has("nonce") ? "verify" : "trust";
  const report = live.report.part("live", "live", "one token request");
  const { provider, outcome, words } = await requestToken({ ...live, report }, values, binding, session);
  if (probe) {
    const probed = live.report.part("probe", "probe", "one token request for a user that cannot exist");
    const nobodys = new Map(values).set("userid", `no-such-user-${randomUUID()}`);
    // A refusal is what we hope for.
    const expected = { ...probed, fail: (text: string) => probed.ok("answer", text) };
    const nobody = await requestToken({ ...live, report: expected }, nobodys, binding, "trust");
    if (nobody.outcome === "token") probed.warn("it mints a token for anybody whom this proxy names");
    else if (outcome === "refused" && nobody.words === words) {
      const cure = "look at sub in jwt.NAME.claims, or at the parameter that names the user";
      probed.ok("advice", `the same refusal: the setup is wrong, unless your user is unknown there too; ${cure}`);
    }
  } else if (outcome === "refused") {
    report.ok("advice", "if it refuses every user, the setup is wrong: --probe shows that");
  }
  return outcome === "token" ? provider : undefined;
}

async function requestToken(live: Live, values: Values, binding: Binding, session: Binding["session"]) {
  const { report } = live;
  const trace = startTrace("check", undefined, { clock: nodeClock, tracer: createTracer() });
  const time = startCallTime({ key: "get_token.timeout", ms: binding.timeout }, undefined, nodeClock);
  const call = { values, session, useridRule: binding.values.userid, provider: binding.provider, trace, time };
  // The one that failed, else that of the call.
  const asked = () => live.askedOf(trace.facts.provider as string, report);
  const userid = () => trace.facts.userid ?? textOf(values, "userid");
  const answer = await attempt(
    report,
    "answer",
    () => getToken(live, { serverids: undefined }, call),
    ({ providerStatus, body }) => `${trace.facts.provider} answered ${providerStatus} with ${body.length} bytes`,
    async (error) => {
      // Discovery was explained before.
      const isNew = error.code.startsWith("provider_") && asked().exchange.request?.method === "POST";
      const advice = isNew ? await explain(asked(), error) : [];
      if (/^provider_(?:wrong_(?!endpoint)|forbidden)/.test(error.code)) describeToken(asked(), userid());
      return advice;
    },
  );
  const { provider } = trace.facts;
  const { response } = asked().exchange ?? {};
  const words = response && wordsOf(response).replaceAll(userid() ?? "", "");
  if (answer?.outcome === "refused") {
    report.fail(`the provider refuses this user (${answer.refusal?.error})`, await explain(asked()));
  } else if (answer !== undefined) {
    describeToken(asked(), userid());
  }
  return { provider, outcome: answer?.outcome, words };
}

const HOUR_SECONDS = 3_600;

/** What the token says, never the token. */
function describeToken(asked: Asked, userid: string | undefined): void {
  const { settings, report } = asked;
  const { body, headers } = asked.exchange.response as TransportResponse;
  if (repeatsCredential(new TextDecoder().decode(body), sentSecrets(asked))) {
    report.warn("its answer repeats a credential of this proxy, so it is not shown", "ask the provider why");
    return;
  }
  const { members: all, name, token } = findToken(body);
  const members = plainMembers(all);
  const claims = readJwt(token);
  // Apps follow expires_in, and resource servers the JWT.
  const ends = [members.expires_in, Number(claims?.exp) - Date.now() / 1_000].map(Number);
  const lifetime = Math.round(Math.max(...ends.filter((seconds) => !Number.isNaN(seconds))));
  report.ok("members", Object.keys(members).join(", "));
  const { alg, kid, iss, sub, aud, azp, client_id, iat, exp } = claims ?? {};
  const shown = JSON.stringify({ alg, kid, iss, sub, aud, azp, client_id, iat, exp });
  report.ok(name, claims === undefined ? "opaque, not a JWT" : `a JWT, ${shown}`);
  report.ok("scope", String(members.scope ?? claims?.scope ?? "not stated"));
  report.ok("lifetime", lifetime === Number.NEGATIVE_INFINITY ? "not stated" : `${lifetime} s`);
  if (lifetime > HOUR_SECONDS) report.warn("the token lives for more than an hour", "let it end sooner");
  if (members.refresh_token !== undefined)
    report.warn("there is a refresh_token", "switch it off at the provider, and set forbid_members");
  if (userid !== undefined && settings.answer.format !== "any") {
    adviseOnSubject(claims, readJwt(members.id_token), userid, asked);
  }
  if (headers.get("date") !== null) return;
  // Keycloak sends no Date, so the time of its token has to do.
  const ahead = Math.round(Number(claims?.iat) - Date.now() / 1_000);
  const seen = `its token's iat is ${Math.abs(ahead)} s ${ahead < 0 ? "behind" : "ahead of"} our clock`;
  const text = `it sends no Date, and ${Number.isNaN(ahead) ? "no iat" : seen}`;
  if (Math.abs(ahead) >= NOTABLE_SKEW_SECONDS) report.warn(text);
  else report.ok("clock", text);
}

type Claims = Record<string, unknown> | undefined;

/** Finds the user in the tokens, for expect_subject. */
function adviseOnSubject(access_token: Claims, id_token: Claims, userid: string, { settings, report }: Asked): void {
  const { client_id, expect_subject } = settings;
  const names = Object.entries({ access_token, id_token }).flatMap(([member, claims = {}]) =>
    ["sub", ...Object.keys(claims)].filter((name) => claims[name] === userid).map((name) => `${member}.${name}`),
  );
  const why = access_token === undefined ? "the token is opaque" : "sub is the provider's internal id";
  if (access_token !== undefined && names.length === 0) {
    const whose = access_token.sub === client_id ? "the client itself" : "not the requested user";
    report.warn(`the token's sub is ${JSON.stringify(access_token.sub)}, ${whose}; no claim has the userid`);
  } else if (names[0] === undefined) {
    report.ok("advice", `expect_subject cannot work, because ${why}: let the provider issue JWTs`);
  } else if (!names.includes(`${expect_subject?.member}.${expect_subject?.claim}`)) {
    report.ok("advice", `set expect_subject: ${names[0]}${names[0] === "access_token.sub" ? "" : `, because ${why}`}`);
  }
}
