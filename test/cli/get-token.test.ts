// The command `get-token`: the bytes of the answer on standard output, everything else on standard error.

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { APIKEY, NONCE } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { type Host, startHost } from "../support/host.ts";
import { makeAuthority } from "../support/keys.ts";
import { freePort } from "../support/port.ts";
import { CLI, runCli } from "../support/process.ts";
import { json, type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";

const BYTES = '{ "access_token":"caf\\u00e9",\n "token_type":"Bearer" }\r\n';
const ENV = { ...SECRETS, NONCE };

let provider: RecordingProvider;
let folder: string;
let host: Host;
let tlsHost: Host;

/** Writes the file that both the proxy and the command read, and starts the proxy. */
async function start(name: string, file: object): Promise<Host> {
  const config = fileConfig(provider.tokenEndpoint, { file });
  await writeFile(join(folder, name), JSON.stringify(config));
  return startHost(config, SECRETS, { runtime: "node" });
}

async function run(args: string[], env: Record<string, string> = ENV) {
  const run = runCli(["get-token", ...args], { cwd: folder, env });
  const status = await run.exit();
  return { status, stdout: run.stdout(), stderr: run.stderr() };
}

beforeAll(async () => {
  provider = await startRecordingProvider();
  folder = await mkdtemp(join(tmpdir(), "token-proxy-test-"));
  const authority = await makeAuthority();
  const server = await authority.issue("localhost", { ips: ["127.0.0.1"] });
  const client = await authority.issue("any", { dns: ["ns.bank.example"] });
  const pems = {
    "ca.pem": authority.certificate,
    "key.pem": server.private_key,
    "certificate.pem": server.certificate,
  };
  const all = { ...pems, "client.pem": client.certificate, "client-key.pem": client.private_key };
  for (const [name, pem] of Object.entries(all)) await writeFile(join(folder, name), pem);

  const listen = `127.0.0.1:${await freePort()}`;
  host = await start("token-proxy.yaml", {
    server: { listen, admin: "127.0.0.1:0" },
    get_token: [
      {},
      {
        path: "/v2/{serverid}/token",
        values: { serverid: ["path:serverid"], userid: ["form:user"], nonce: ["header:X-nonce"] },
      },
    ],
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
  await rm(folder, { recursive: true, force: true });
});

const sent = () => Object.fromEntries(new URLSearchParams(provider.requests[0]?.body));

describe("get-token", () => {
  it("calls the proxy of the file by its first binding and writes the bytes of the answer", async () => {
    const { status, stdout, stderr } = await run(["--userid", "alice", "--value", "nonce=env:NONCE"]);
    expect([status, stdout]).toEqual([0, BYTES]);
    expect(stderr).toMatch(/^200 application\/json, 56 bytes in \d+ ms\n$/);
    expect(sent()).toMatchObject({ userid: "alice", nonce: NONCE });
  });

  it("calls by another binding where its path is named", async () => {
    const path = "/v2/{serverid}/token";
    const values = ["--userid", "a&b", "--value", "nonce=env:NONCE", "--value", "serverid=a+/b="];
    expect((await run(["--path", path, ...values])).status).toBe(0);
    expect(sent()).toMatchObject({ userid: "a&b", nonce: NONCE });
  });

  it("calls another address, as it is told", async () => {
    const { status } = await run(["--url", `${host.url}/`, "--userid", "alice", "--value", "nonce=env:NONCE"]);
    expect(status).toBe(0);
  });

  it("presents a client certificate and trusts a private authority", async () => {
    const tls = ["--certificate", "client.pem", "--private-key", "client-key.pem", "--ca", "ca.pem"];
    const { status, stdout } = await run([
      "--config",
      "tls.yaml",
      "--userid",
      "alice",
      "--value",
      "nonce=env:NONCE",
      ...tls,
    ]);
    expect([status, stdout]).toEqual([0, BYTES]);
  });

  it("ends with status 1 and the proxy's answer where there is no token", async () => {
    const wrong = { ...ENV, APIKEY: `${APIKEY}x` };
    const { status, stdout, stderr } = await run(["--userid", "alice", "--value", "nonce=env:NONCE"], wrong);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error_code: "caller_unauthenticated" });
    expect(stderr).toMatch(/^401 /);
  });

  it.each<[string, string[], RegExp]>([
    [
      "nothing listens there",
      ["--url", "http://127.0.0.1:1"],
      /no answer from http:\/\/127\.0\.0\.1:1\/getToken: ECONNREFUSED/,
    ],
    ["it is not trusted", ["--config", "tls.yaml"], /no answer from https:\S+: (SELF_SIGNED|UNABLE_TO|DEPTH_ZERO)/],
  ])("ends with status 1 where %s", async (_what, args, said) => {
    const { status, stdout, stderr } = await run([...args, "--userid", "alice", "--value", "nonce=env:NONCE"]);
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(said);
  });

  it.each<[string, string[], string]>([
    ["a nonce on the command line", ["--value", `nonce=${NONCE}`], "give it as --value nonce=env:VARIABLE"],
    ["a nonce in place of the name of its variable", ["--value", `nonce=env:${NONCE}==`], "without $"],
    ["a variable that is not set", ["--value", "nonce=env:NOWHERE"], "the environment variable NOWHERE is not set"],
    ["a value that the binding has no place for", ["--value", "device=d"], 'the binding has no value "device"'],
    ["a value that is none", ["--value", "accountid=seven"], 'the value "accountid" must be an integer'],
    ["a path that no binding has", ["--path", "/v3"], "there are POST /getToken, POST /v2/{serverid}/token"],
    ["a method that no binding has", ["--method", "GET"], "there are POST /getToken"],
    ["a URL that is none", ["--url", "proxy"], "--url must be a URL"],
    ["a caller that the file does not have", ["--caller", "nobody"], "there are nextauth-server"],
    ["a file that is not there", ["--config", "nowhere.yaml"], "cannot read the configuration file nowhere.yaml"],
    [
      "a certificate that is not there",
      ["--certificate", "nowhere.pem", "--private-key", "key.pem"],
      "--certificate names a file that cannot be read (ENOENT): nowhere.pem: there is no such file\n",
    ],
    ["a certificate without its key", ["--certificate", "certificate.pem"], "--certificate needs --private-key: "],
    ["a key without its certificate", ["--private-key", "key.pem"], "--private-key needs --certificate: "],
    [
      "a key of another certificate",
      ["--certificate", "certificate.pem", "--private-key", "client-key.pem"],
      "what --certificate and --private-key name has a private_key that does not belong to its certificate: ",
    ],
    ["an authority that is none", ["--ca", "token-proxy.yaml"], "--ca names a file without a certificate in PEM: "],
    [
      "a value that is given twice",
      ["--value", "serverid=a", "--value", "serverid=b"],
      'the value "serverid" is given',
    ],
    ["a userid that is given twice", ["--value", "userid=bob"], 'the value "userid" is given twice'],
  ])("ends with status 2 for %s", async (_what, args, said) => {
    const { status, stdout, stderr } = await run(["--userid", "alice", ...args]);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(said);
    expect(stderr).not.toContain(NONCE);
    expect(provider.requests).toEqual([]);
  });

  it("ends with status 2 where its API key cannot be read, and says where that should be", async () => {
    const { status, stderr } = await run(["--userid", "alice", "--value", "nonce=env:NONCE"], { NONCE });
    expect([status, stderr]).toEqual([
      2,
      '"callers.nextauth-server.apikeys[0]" names the environment variable APIKEY, which is not set\n',
    ]);
  });

  it("ends in silence where nobody reads its output to the end", async () => {
    const values = "--userid alice --value nonce=env:NONCE";
    const script = `"${process.execPath}" "${CLI}" get-token ${values} | true; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await promisify(execFile)("bash", ["-c", script], {
      cwd: folder,
      env: { PATH: process.env.PATH, ...ENV },
    });
    expect(stderr).not.toMatch(/EPIPE|at .*:\d+/);
    expect(stdout).toMatch(/^[01]\n$/);
  });

  it("does not repeat credentials of a URL", async () => {
    const { stderr } = await run([
      "--url",
      "http://user:do-not-say@127.0.0.1:1",
      "--userid",
      "a",
      "--value",
      "nonce=env:NONCE",
    ]);
    expect(stderr).toContain("no answer from http://127.0.0.1:1/getToken");
    expect(stderr).not.toContain("do-not-say");
  });

  it("says neither key nor nonce, and has help", async () => {
    const { stdout, stderr } = await run(["--userid", "alice", "--value", "nonce=env:NONCE"]);
    expect(stdout + stderr).not.toContain(APIKEY);
    expect(stdout + stderr).not.toContain(NONCE);
    const help = await run(["--help"]);
    expect(help.status).toBe(0);
    expect(help.stdout).toContain("--userid <text>");
  });
});
