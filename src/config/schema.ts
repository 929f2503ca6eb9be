// The shape of the configuration file. What goes beyond shape (names that must exist, keys that exclude each other) is in check.ts.

import * as z from "zod";
import { caller, getToken, nextauth, server, webnonceExchange } from "./schema-nextauth.ts";
import { named, secretReference, serverid, text } from "./schema-primitives.ts";
import { provider, signing } from "./schema-provider.ts";

const route = z.strictObject({ serverid: serverid.optional(), provider: text });

export const fileSchema = z.strictObject({
  version: z.literal(1, {
    error: ({ input }) => (input === undefined ? "is missing: write version: 1" : "must be the number 1"),
  }),
  server: server.prefault({}),
  callers: named(caller).refine((callers) => Object.keys(callers).length > 0, "must name at least one caller"),
  get_token: getToken,
  nextauth,
  webnonce_exchange: webnonceExchange,
  signing: signing.optional(),
  providers: named(provider).refine(
    (providers) => Object.keys(providers).length > 0,
    "must name at least one provider",
  ),
  routes: z.array(route).min(1, "must hold at least one route, or be left out").optional(),
  log: z
    .strictObject({
      level: z.enum(["error", "warn", "info", "debug"]).default("info"),
      format: z.enum(["auto", "json", "pretty"]).default("auto"),
      identities: z.enum(["hash", "plain"]).default("hash"),
      identities_key: secretReference.optional(),
    })
    .prefault({}),
});

/** The file with its defaults, before what complete.ts derives. */
export type FileConfig = z.output<typeof fileSchema>;
