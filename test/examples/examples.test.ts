// Runs every file of examples/, and checks each parameter, header and claim that it sends.

import { compactVerify, importJWK } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { type ExampleRun, exampleNames, readExample, runExample } from "../support/examples.ts";
import { ASSERTION_EXAMPLES } from "./examples-assertion.ts";
import { CHAINED_EXAMPLES } from "./examples-chained.ts";
import { OTHER_EXAMPLES } from "./examples-other.ts";
import type { Expectation, ExpectedJwt, Mechanism } from "./expectation.ts";

const EXPECTATIONS: Readonly<Record<string, Expectation>> = {
  ...ASSERTION_EXAMPLES,
  ...OTHER_EXAMPLES,
  ...CHAINED_EXAMPLES,
};

/** On every request to a provider. */
const COMMON_HEADERS = {
  accept: "application/json",
  "accept-encoding": "identity",
  "user-agent": "nextauth-token-proxy",
};
/** What the transport adds by itself. */
const TRANSPORT_HEADERS = ["host", "connection", "content-length"];
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("the files of examples/", () => {
  it("each have an expectation, and each expectation a file", () => {
    expect(Object.keys(EXPECTATIONS).sort()).toEqual(exampleNames());
  });
});

describe.each(Object.entries(EXPECTATIONS))("%s", (name, expected) => {
  const token = `{"access_token" : "${expected.accessToken ?? "the-token"}",\n "expires_in":"3600" }\n`;
  const { earlier = [], callHeaders } = expected;
  let run: ExampleRun;
  beforeAll(async () => {
    const documents = [...earlier, expected].flatMap(({ discovery }) => (discovery ? [discovery] : []));
    const metadata = Object.fromEntries(documents.map((document) => [document.url, document.metadata]));
    const tokens = [...earlier.map(({ answer }) => JSON.stringify(answer)), token];
    run = await runExample(name, { metadata, tokens, callHeaders });
  });

  it("relays the provider's bytes unchanged", () => {
    expect(run.response).toEqual({ status: 200, body: token });
  });

  it("requests the metadata, if it uses discovery, then the token endpoint, and nothing else", () => {
    const asked = run.requests.map(({ method, askedUrl }) => `${method} ${askedUrl}`);
    const wanted = [...earlier, expected].flatMap(({ discovery, tokenEndpoint }) => [
      ...(discovery === undefined ? [] : [`GET ${discovery.url}`]),
      `POST ${tokenEndpoint}`,
    ]);
    expect(asked).toEqual(wanted);
  });

  it("sends exactly its parameters, in order, in each request", () => {
    for (const [index, { form, basic }] of [...earlier, expected].entries()) {
      const jwts = form.filter(([, value]) => typeof value !== "string").map(([parameter]) => parameter);
      const request = tokenRequests(run)[index];
      const sent = formOf(request).map(([parameter, value]) => [parameter, jwts.includes(parameter) ? "a JWT" : value]);
      expect(sent).toEqual(form.map(([parameter, value]) => [parameter, typeof value === "string" ? value : "a JWT"]));
      if (basic !== undefined) expect(request?.headers.authorization).toBe(`Basic ${btoa(basic)}`);
    }
  });

  it("sends exactly its headers", () => {
    const request = run.requests.at(-1);
    for (const other of run.requests.filter(({ method }) => method === "GET"))
      expect(ownHeaders(other.headers)).toEqual(COMMON_HEADERS);
    expect(ownHeaders(request?.headers ?? {})).toEqual({
      ...COMMON_HEADERS,
      "content-type": "application/x-www-form-urlencoded",
      ...(expected.basic === undefined ? {} : { authorization: `Basic ${btoa(expected.basic)}` }),
      ...expected.headers,
    });
  });

  it(`authenticates the client by ${expected.mechanism ?? "nothing"} and no second mechanism`, () => {
    expect(mechanismsOf(run)).toEqual(expected.mechanism === undefined ? [] : [expected.mechanism]);
    expect(run.certificate.used).toBe(run.certificate.named);
  });

  const jwts = [...earlier, expected].flatMap(({ form }, index) =>
    form.flatMap(([parameter, value]) => (typeof value === "string" ? [] : [{ parameter, value, index }])),
  );
  it.each(jwts)("signs its $parameter with exactly the expected members", async ({ parameter, value, index }) => {
    await assertJwt(run, new Map(formOf(tokenRequests(run)[index])).get(parameter) ?? "", value);
  });

  it("has a comment with its title, what it was run against, the steps at the provider, the source and what is unverified", () => {
    const [, ...lines] = readExample(name).split("\n"); // the first line is for editors
    const comment = lines
      .slice(
        0,
        lines.findIndex((line) => !line.startsWith("#")),
      )
      .join("\n");
    // What is indented further is a command that was run.
    const steps = /(?:\n# (?:- | {2}| {4,})\S.*){3,40}/.source;
    const runs = /(?:Run against: |Never run).*(?:\n# {3}\S.*)*/.source;
    const text = /.*(?:\n# {3}\S.*)*/.source;
    expect(comment).toMatch(
      new RegExp(
        `^# \\S.{20,}\\.\n# ${runs}\n#\n# At the provider\\b.*:${steps}\n# Source: ${text}\n# Unverified: ${text}$`,
      ),
    );
  });

  it("names only reserved hosts, and those that the provider fixes", () => {
    const fixed =
      /^(?:oauth2|www)\.googleapis\.com$|^login\.salesforce\.com$|^(?:login|graph)\.microsoft(?:online)?\.com$/;
    const hosts = [...readExample(name).matchAll(/\bhttps?:\/\/([^/:;,\s"'\])…]+)/g)].map(
      (match) => match[1] as string,
    );
    expect(hosts.filter((host) => !host.endsWith(".example") && !fixed.test(host))).toEqual([]);
  });
});

const tokenRequests = ({ requests }: ExampleRun) => requests.filter(({ method }) => method === "POST");

function formOf(request: { body: string } | undefined): [string, string][] {
  return [...new URLSearchParams(request?.body)];
}

function ownHeaders(headers: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !TRANSPORT_HEADERS.includes(name)));
}

function mechanismsOf(run: ExampleRun): Mechanism[] {
  const names = formOf(run.requests.at(-1)).map(([name]) => name);
  const found: Mechanism[] = [];
  if (run.requests.at(-1)?.headers.authorization !== undefined) found.push("authorization header");
  if (names.includes("client_secret")) found.push("client_secret");
  if (names.includes("client_assertion") || names.includes("client_assertion_type")) found.push("client_assertion");
  if (run.certificate.used !== undefined) found.push("client certificate");
  return found;
}

async function assertJwt(run: ExampleRun, jwt: string, expected: ExpectedJwt): Promise<void> {
  const key = run.keys.get(expected.key);
  if (key === undefined) throw new Error(`the file has no key ${expected.key}`);
  const { protectedHeader } = await compactVerify(jwt, await importJWK(key.publicJwk, key.alg), {
    algorithms: [String(expected.header.alg)],
  });
  expect(protectedHeader).toEqual({
    ...expected.header,
    ...(expected.thumbprint === undefined ? {} : { "x5t#S256": key.thumbprint }),
  });

  const { iat, exp, jti, ...claims } = decode(jwt.split(".")[1] ?? "");
  expect(claims).toEqual(expected.claims);
  if (expected.jti) expect(jti).toMatch(UUID);
  else expect(jti).toBeUndefined();
  expect(Number.isInteger(iat) && Number.isInteger(exp)).toBe(true);
  expect(iat).toBeGreaterThanOrEqual(run.started - expected.backdate);
  expect(iat).toBeLessThanOrEqual(run.ended - expected.backdate);
  expect((exp as number) - (iat as number)).toBe(expected.backdate + expected.ttl);
}

function decode(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
}
