// The schema of the configuration file, also as a JSON Schema. Rules between keys are elsewhere.

import * as z from "zod";
import * as t from "../core/schema.ts";
import { getToken, nextauth, serverid, webnonceExchange } from "../nextauth/settings.ts";
import { provider } from "../oauth/provider-settings.ts";
import { signing } from "../oauth/settings.ts";
import { RISKS, type Risk } from "./risks.ts";
import { caller, server } from "./schema-server.ts";

const route = z.strictObject({
  serverid: serverid.optional().describe("The calls of this virtual server; without it, all calls."),
  provider: t.text.describe("The name of the provider."),
});

const log = z
  .strictObject({
    level: z.enum(["error", "warn", "info", "debug"]).default("info").describe("The least severe level to write."),
    format: z.enum(["auto", "json", "pretty"]).default("auto").describe("auto: pretty on a terminal, else JSON."),
    audit: z
      .strictObject({
        file: t.text.describe("Relative to this file. Lines are appended."),
        required: z.boolean().default(true).describe("Whether no token is requested if its line cannot be written."),
      })
      .optional()
      .describe("Two lines per token, for auditors; needs identities_key, or identities: plain. Node only."),
    identities: z.enum(["hash", "plain"]).default("hash").describe("How userids are written."),
    identities_key: t.secretReference
      .optional()
      .describe("Key of the hashes; set it for equal hashes in all instances."),
  })
  // Without a key, hashes have a random one, which each process makes at its start.
  .refine(({ audit, identities, identities_key }) => !audit || identities === "plain" || identities_key, {
    path: ["audit"],
    message: 'could not tell users apart after a restart; set "log.identities_key", or "log.identities" to plain',
  });

const risk = z.enum(Object.keys(RISKS) as [Risk]).meta({ title: "risk" });

export const fileSchema = z.strictObject(
  {
    version: z
      .literal(1, t.missingOrWrong('is missing; write "version: 1"', "must be the number 1"))
      .describe("Version of this format."),
    server: server.prefault({}).describe("The listeners. Node only."),
    callers: t.namedNotEmpty(caller).describe("Who may call getToken, by a name of your choice."),
    get_token: getToken.describe("What the nextAuth Server's call looks like: one binding, or a list."),
    nextauth: nextauth.describe("The nextAuth Server's REST API, for session checks: one, or a list."),
    webnonce_exchange: webnonceExchange.describe(
      "A token endpoint for apps: exchanges a webNonce for a token. One, or a list.",
    ),
    signing: signing.optional().describe("The identity of this proxy when it signs JWTs."),
    providers: t.namedNotEmpty(provider).describe("Where tokens come from, by a name of your choice."),
    routes: z.array(route).min(1).optional().describe("Which provider a call uses; the first match wins."),
    log: log.prefault({}).describe("What the log looks like."),
    check: z
      .strictObject({
        accept: z.array(risk).default([]).describe("Risks that check does not report; docs/operations.md lists them."),
      })
      .prefault({})
      .describe("For the command check."),
  },
  t.unlessMapping("the file must be a mapping with version, callers and providers"),
);

/** The file with the defaults of its schema; parse.ts adds the routes. */
export type FileConfig = z.output<typeof fileSchema>;
export type Route = NonNullable<FileConfig["routes"]>[number];
/** With every default filled in. Durations are in milliseconds. */
export type Config = Omit<FileConfig, "routes"> & { routes: readonly Route[] };

/** The first match; undefined if no route is for this serverid. */
export function routeFor(routes: readonly Route[], serverid: string | undefined): Route | undefined {
  return routes.find((route) => route.serverid === undefined || route.serverid === serverid);
}

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** It accepts every valid file. Rules between keys are not part of it; `check` reports those. */
export function configurationSchema(): JsonSchema {
  const { $schema, ...schema } = z.toJSONSchema(fileSchema, {
    io: "input",
    override({ zodSchema, jsonSchema }) {
      // Validators reject unknown formats, and zod does not check IPv6 by the pattern it gives.
      if (jsonSchema.format?.endsWith("v6")) jsonSchema.pattern = "^[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(?:/[0-9]{1,3})?$";
      delete jsonSchema.format;
      // z.preprocess also accepts an entry instead of a list, or a list instead of `{ from }`.
      const { def } = zodSchema._zod;
      if (def.type !== "pipe" || def.in._zod.def.type !== "transform") return;
      const long = { ...jsonSchema };
      for (const key of Object.keys(long)) delete jsonSchema[key];
      jsonSchema.anyOf = [long.type === "array" ? long.items : long.properties?.from, long] as JsonSchema[];
    },
  });
  // An identifier only; nothing is fetched from it.
  const $id = "urn:nextauth-token-proxy:configuration:1";
  return { $schema, $id, title: "Configuration of nextauth-token-proxy", ...schema } as JsonSchema;
}
