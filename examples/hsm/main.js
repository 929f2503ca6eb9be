// The proxy with a key in an HSM: node main.js

import { readFileSync } from "node:fs";
import { serve } from "@hono/node-server";
import { createApp } from "nextauth-token-proxy";
import { openSigner } from "./pkcs11-signer.js";

const {
  PKCS11_MODULE,
  PKCS11_TOKEN,
  PKCS11_PIN,
  PKCS11_LABEL,
  CONFIG = "token-proxy.yaml",
  PORT = "8080",
} = process.env;
const signer = openSigner({
  module: PKCS11_MODULE,
  token: PKCS11_TOKEN,
  pin: PKCS11_PIN,
  label: PKCS11_LABEL,
  kid: "hsm-2026-11", // as in the file
});
const log = (level, event, fields) => console.log(JSON.stringify({ level, ...fields, event }));
const app = await createApp(readFileSync(CONFIG, "utf8"), { signers: [signer], log });
serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(PORT) }, ({ port }) => log("info", "started", { port }));
