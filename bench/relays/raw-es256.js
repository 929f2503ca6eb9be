// The floor with one ES256 signature per call: the least that a signed assertion can cost.
// The signature stays in DER, because with ieee-p1363 node:crypto takes twice as long.

import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { FORM, serveBareRelay, TOKEN_ENDPOINT } from "./upstream.js";

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
const header = encode({ alg: "ES256", kid: "bench", typ: "JWT" });

serveBareRelay(() => {
  const iat = Math.floor(Date.now() / 1000);
  const claims = { iss: "https://tokens.bank.example", sub: "alice", aud: TOKEN_ENDPOINT.href };
  const input = `${header}.${encode({ ...claims, iat, exp: iat + 60, jti: randomUUID() })}`;
  return `${FORM}&assertion=${input}.${sign("sha256", Buffer.from(input), privateKey).toString("base64url")}`;
});
