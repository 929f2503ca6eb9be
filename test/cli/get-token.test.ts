// The command `get-token`: the bytes of the response on standard output, everything else on
// standard error.

import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { APIKEY, NONCE } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { type Host, startHost } from "../support/host.ts";
import { makeAuthority } from "../support/keys.ts";
import { freePort } from "../support/port.ts";
import { CLI } from "../support/process.ts";
import { json, type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { runCommand } from "./run-command.ts";

const BYTES = '{ "access_token":"caf\\u00e9",\n "token_type":"Bearer" }\r\n';
const ENV = { ...SECRETS, NONCE };

let provider: RecordingProvider;
const folder = temporaryFolder();
let host: Host;
let tlsHost: Host;

/** Writes the file that the proxy and the command read, and starts the proxy. */
async function start(name: string, file: object): Promise<Host> {
  const config = fileConfig(provider.tokenEndpoint, { file });
  await writeFile(join(folder, name), JSON.stringify(config));
  return startHost(config, SECRETS, { runtime: "node" });
}

const run = (args: string[], env: Record<string, string> = ENV) =>
  runCommand(["get-token", ...args], { cwd: folder, env });

beforeAll(async () => {
  provider = await startRecordingProvider();
  const authority = await makeAuthority();
  const server = await authority.issue("localhost", { ips: ["127.0.0.1"] });
  const client = await authority.issue("any", { dns: ["ns.bank.example"] });
  const pems = {
    ...{ "ca.pem": authority.certificate, "key.pem": server.private_key, "certificate.pem": server.certificate },
    ...{ "client.pem": client.certificate, "client-key.pem": client.private_key },
  };
  for (const [name, pem] of Object.entries(pems)) await writeFile(join(folder, name), pem);

  const listen = `127.0.0.1:${await freePort()}`;
  const values = { serverid: ["path:serverid"], userid: ["form:user"], nonce: ["header:X-nonce"] };
  host = await start("token-proxy.yaml", {
    server: { listen, admin: "127.0.0.1:0" },
    get_token: [{}, { path: "/v2/{serverid}/token", values }],
  });
  const file = (name: string) => ({ file: join(folder, name) });
  tlsHost = await start("tls.yaml", {
    callers: { ns: { client_certificates: [{ san_dns: "ns.bank.example" }] } },
    server: {
      listen: `127.0.0.1:${await freePort()}`,
      admin: "127.0.0.1:0",
      tls: { certificate: file("certificate.pem"), private_key: file("key.pem"), client_ca: file("ca.pem") },
    },
  });
});
beforeEach(() => {
  provider.requests.length = 0;
  provider.answer = json(BYTES);
});
afterAll(async () => {
  await host?.close();
  await tlsHost?.close();
  await provider?.close();
});

const sent = () => Object.fromEntries(new URLSearchParams(provider.requests[0]?.body));

const ALICE = ["--userid", "alice", "--value", "nonce=env:NONCE"];

describe("get-token", () => {
  it("calls the proxy of the file with its first binding and prints the bytes of the response", async () => {
    const { status, out, err } = await run(ALICE);
    expect([status, out]).toEqual([0, BYTES]);
    // Neither the API key nor the nonce.
    expect(err).toMatch(/^200 application\/json, 56 bytes\n$/);
    expect(sent()).toMatchObject({ userid: "alice", nonce: NONCE });
  });

  it("calls with another binding and at another address if they are named", async () => {
    const args = ["--path", "/v2/{serverid}/token", "--url", `${host.url}/`, "--value", "serverid=a+/b="];
    expect((await run([...args, "--userid", "a&b", "--value", "nonce=env:NONCE"])).status).toBe(0);
    expect(sent()).toMatchObject({ userid: "a&b", nonce: NONCE });
  });

  it("presents a client certificate and trusts a private authority", async () => {
    const tls = ["--certificate", "client.pem", "--private-key", "client-key.pem", "--ca", "ca.pem"];
    const { status, out } = await run(["--config", "tls.yaml", ...ALICE, ...tls]);
    expect([status, out]).toEqual([0, BYTES]);
  });

  it("ends with status 1 and the proxy's error if there is no token", async () => {
    const wrong = { ...ENV, APIKEY: `${APIKEY}x` };
    const { status, out, err } = await run(ALICE, wrong);
    expect(status).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ error_code: "caller_unauthenticated" });
    expect(err).toMatch(
      /^401 .*\nthe proxy's log says more about this request_id; check --live says what to change\n$/,
    );
  });

  it("ends the line on a terminal, without a byte more on standard output", async () => {
    const before = process.stdout.isTTY;
    process.stdout.isTTY = true;
    const { out, err } = await run(ALICE).finally(() => {
      process.stdout.isTTY = before;
    });
    expect([out, err]).toEqual([BYTES, "200 application/json, 56 bytes\n\n"]);
  });

  it.each<[string, string[], RegExp]>([
    [
      "nothing listens at the address, whose credentials it does not repeat",
      ["--url", "http://user:do-not-say@127.0.0.1:1"],
      /^no answer from http:\/\/127\.0\.0\.1:1\/getToken \(ECONNREFUSED\): start the proxy, or /,
    ],
    [
      "the proxy's certificate is not trusted",
      ["--config", "tls.yaml"],
      /^no answer from https:\S+ \((?:SELF_SIGNED|UNABLE_TO|DEPTH_ZERO)\w+\): .* --ca\n$/,
    ],
  ])("ends with status 1 if %s", async (_what, args, said) => {
    const { status, out, err } = await run([...args, ...ALICE]);
    expect([status, out]).toEqual([1, ""]);
    expect(err).toMatch(said);
  });

  it.each<[string, string[], string]>([
    ["a nonce on the command line", ["--value", `nonce=${NONCE}`], "other users can see a command line"],
    ["a nonce instead of the name of its variable", ["--value", `nonce=env:${NONCE}==`], "without $"],
    ["a variable that is not set", ["--value", "nonce=env:NOWHERE"], "name a variable that is set"],
    ["a value that the binding has no place for", ["--value", "device=d"], '"device"'],
    ["an unfit value", ["--value", "accountid=seven"], 'the value "accountid" must be an integer'],
    ["a value without a name", ["--value", NONCE], "--value needs NAME=TEXT or NAME=env:VARIABLE"],
    ["an unknown path", ["--path", "/v3"], "the file has /getToken, /v2/{serverid}/token"],
    ["an invalid URL", ["--url", `https://user:${NONCE}`], "--url must be a URL"],
    ["something that is not a URL", ["--url", "proxy:8080"], "--url must be a URL, like http://127.0.0.1:8080"],
    ["an unknown caller", ["--caller", "nobody"], "the file has nextauth-server"],
    [
      "a certificate that does not exist",
      ["--certificate", "nowhere.pem", "--private-key", "key.pem"],
      "cannot read the certificate nowhere.pem (ENOENT)",
    ],
    ["a certificate without its key", ["--certificate", "certificate.pem"], "--certificate and --private-key belong"],
    [
      "a key of another certificate",
      ["--certificate", "certificate.pem", "--private-key", "client-key.pem"],
      "this command has a certificate and a private_key that cannot be used together",
    ],
    ["an authority that is not a certificate", ["--ca", "token-proxy.yaml"], "this command has a --ca"],
  ])("ends with status 2 for %s", async (_what, args, said) => {
    const { status, out, err } = await run(["--userid", "alice", ...args]);
    expect([status, out]).toEqual([2, ""]);
    expect(err).toContain(said);
    expect(err).not.toContain(NONCE);
    expect(provider.requests).toEqual([]);
  });

  it("ends with status 2 if its API key is missing, and names its place in the file", async () => {
    const { status, err } = await run(ALICE, { NONCE });
    expect([status, err]).toEqual([
      2,
      '"callers.nextauth-server.apikeys[0]" names the environment variable APIKEY, which is not set: set it, or put it into a file for --env-file\n',
    ]);
  });

  it("ends quietly if the reader of its output is gone", async () => {
    const script = `"${process.execPath}" "${CLI}" get-token ${ALICE.join(" ")} | true; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await promisify(execFile)("bash", ["-c", script], {
      cwd: folder,
      env: { PATH: process.env.PATH, ...ENV },
    });
    expect(stderr).not.toMatch(/EPIPE|at .*:\d+/);
    expect(stdout).toMatch(/^[01]\n$/);
  });
});
