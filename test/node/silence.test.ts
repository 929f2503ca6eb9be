// Every proxy that a test starts is searched for its secrets when it is closed; this shows that the search works.

import { expect, it } from "vitest";
import { NONCE } from "../support/call.ts";
import { assertSilent } from "../support/host.ts";
import { makeKey } from "../support/keys.ts";

it("finds a secret, the body of a key and the nonce, and nothing else", async () => {
  const secrets = { CLIENT_SECRET: "s3cret of the client", KEY: (await makeKey("ES256")).pem };
  const keyLine = secrets.KEY.split("\n")[1] as string;
  expect(() => assertSilent(`{"a":"${secrets.CLIENT_SECRET}"}`, secrets)).toThrow("CLIENT_SECRET");
  expect(() => assertSilent(`x ${keyLine} y`, secrets)).toThrow("KEY");
  expect(() => assertSilent(`nonce ${NONCE}`, {})).toThrow("NONCE");
  expect(() => assertSilent('{"event":"started"}', secrets)).not.toThrow();
});
