// The command `init`: for every provider in docs/providers.md it writes what `check` accepts.

import { once } from "node:events";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ASSERTION_EXAMPLES } from "../examples/examples-assertion.ts";
import { OTHER_EXAMPLES } from "../examples/examples-other.ts";
import { makeAuthority } from "../support/keys.ts";
import { runCli } from "../support/process.ts";
import { runCommand } from "./run-command.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const folder = temporaryFolder();
const EXAMPLES = { ...ASSERTION_EXAMPLES, ...OTHER_EXAMPLES };
const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/** What the metadata's path is answered with; another path is 404. */
let published: { path: string; body: string };
const server = createServer((request, response) => {
  response.statusCode = request.url === published.path ? 200 : 404;
  response.end(published.body);
});
let base: string;

beforeAll(async () => {
  await once(server.listen(0, "127.0.0.1"), "listening");
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());
beforeEach(() => {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
});

const cli = (...args: string[]) => runCommand(args, { cwd: folder });
const read = (name: string) => readFileSync(join(folder, name), "utf8");
const onLoopback = (text: string) => text.replaceAll(/https:\/\/[^/"]+/g, base);

/** Publishes metadata below the test's own address. @returns its issuer */
function publish(path: string, metadata: { issuer: string }): string {
  published = { path, body: onLoopback(JSON.stringify(metadata)) };
  return onLoopback(metadata.issuer);
}

const SIGNING = ["--signing-issuer", "https://tokens.acme.test"];
const set = (...pairs: string[]) => pairs.flatMap((pair) => ["--set", pair]);

/** What else each provider needs to know. */
const ANSWERS: Readonly<Record<string, string[]>> = {
  "auth0.yaml": [
    ...["--client-id", "abc"],
    ...set("providers.auth0.params.audience=https://api.acme.test"),
    ...set("providers.auth0.params.subject_token_type=urn:acme.test:user"),
  ],
  "entra-on-behalf-of.yaml": [
    ...["--client-id", "3f2c"],
    ...set("providers.entra.token_endpoint=https://login.microsoftonline.com/acme/oauth2/v2.0/token"),
    ...set(
      "providers.entra.client_key.private_key.file=client.key",
      "providers.entra.client_key.certificate.file=client.crt",
    ),
  ],
  "google.yaml": [
    ...set("signing.keys.0.kid=4711", "signing.keys.0.private_key.file=client.key"),
    ...set("providers.google.jwt.user.claims.iss=proxy@acme.iam.gserviceaccount.com"),
    ...set("providers.google.jwt.user.claims.sub={{userid}}@acme.test"),
  ],
  "hydra.yaml": set("providers.hydra.jwt.user.claims.aud.1=https://api.acme.test"),
  "oidc-provider.yaml": [
    ...["--grant-type", "urn:acme.test:user"],
    ...set(
      "providers.op.params.resource.0=https://api.acme.test",
      "providers.op.params.resource.1=https://b.acme.test",
    ),
  ],
  "okta-id-jag.yaml": ["--client-id", "abc"],
  "own-grant.yaml": ["--grant-type", "client_credentials"],
  "pingfederate.yaml": set(
    "providers.pingfederate.tls.certificate.file=client.crt",
    "providers.pingfederate.tls.private_key.file=client.key",
  ),
  "salesforce.yaml": set("providers.salesforce.jwt.user.claims.iss=abc"),
  "wso2.yaml": ["--issuer", "https://is.acme.test/t/a/oauth2/token"],
  "zitadel.yaml": ["--client-id", "abc"],
};

describe("init", () => {
  const rows = [...readFileSync("docs/providers.md", "utf8").matchAll(/^\| .*?\(\.\.\/examples\/([\w.-]+)\)/gm)];
  it.each(rows.map(([, file]) => file as string))("writes a file for %s that check accepts", async (file) => {
    const { discovery } = EXAMPLES[file] as (typeof EXAMPLES)[string];
    const issuer = discovery && publish(new URL(discovery.url).pathname, discovery.metadata as { issuer: string });
    const args = [...(issuer ? ["--issuer", issuer] : []), ...(ANSWERS[file] ?? [])];
    const made = await cli("init", "--provider", file.replace(".yaml", ""), ...args);
;
    expect(made).toMatchObject({ status: 0, err: "" });
    const checked = await cli("check", "--env-file", ".env");
    expect(checked, checked.out).toMatchObject({ status: 0, err: "" });
    expect(read("token-proxy.yaml")).not.toContain("/run/secrets");
  });
});
