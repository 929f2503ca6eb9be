// deploy/compose: valid, and what its services run works with the files that they mount.

import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { KEYCLOAK } from "../providers/keycloak/keycloak.ts";
import { freePort } from "../support/port.ts";
import { runCli } from "../support/process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { execForm, parseDockerfile } from "./dockerfile.ts";
import { itWhere, versionOf } from "./it-where.ts";

const run = promisify(execFile);
const FILE = "deploy/compose/compose.yaml";
const VARIABLES = { KEYCLOAK_CLIENT_SECRET: "a-secret-0123456789", GETTOKEN_APIKEY: "a-key-0123456789abcdef" };
const { services, volumes } = parse(readFileSync(FILE, "utf8"), { merge: true });
const { keycloak, key, "token-proxy": proxy, token } = services;
const folder = temporaryFolder();
/** The words of a service, in the folder in place of the volume. */
const here = (words: string[]) => words.map((word) => word.replaceAll("/try/", `${folder}/`));
const optionsOf = (words: string[]) => words.slice(words.indexOf("src/launch.js") + 1);

describe(FILE, async () => {
  itWhere((await versionOf("compose-config", "--help")) !== "", "no compose-config")(
    "is accepted by Compose's own schema and checks",
    async () => void (await run("compose-config", ["-no-interpolation", FILE])),
  );

  it("starts no service without the secrets, which are not in the file", () => {
    const text = readFileSync(FILE, "utf8");
    for (const name of Object.keys(VARIABLES)) {
      const values = [...text.matchAll(new RegExp(`^ +${name}: (.*)$`, "gm"))].map(([, value]) => value);
      expect(new Set(values)).toEqual(new Set([`\${${name}:?must be a random text}`]));
    }
  });

  it("mounts files and volumes that exist, and depends on services that exist", () => {
    for (const service of Object.values<{ volumes?: string[]; depends_on?: object }>(services)) {
      for (const [source = ""] of (service.volumes ?? []).map((mount) => mount.split(":"))) {
        expect(source.startsWith("./") ? existsSync(join(dirname(FILE), source)) : source in volumes, source).toBe(
          true,
        );
      }
      for (const name of Object.keys(service.depends_on ?? {})) expect(services).toHaveProperty(name);
    }
    expect(existsSync(resolve(dirname(FILE), proxy.build.context, proxy.build.dockerfile))).toBe(true);
  });

  it("runs the Keycloak of the provider tests, with every variable of the realm", () => {
    expect(keycloak.image).toBe(`keycloak/keycloak:${KEYCLOAK.version}`);
    const realm = readFileSync("deploy/compose/realm.json", "utf8");
    const variables = [...realm.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name as string);
    expect(Object.keys(keycloak.environment).toSorted()).toEqual([...new Set(variables)].toSorted());
    const config = parse(readFileSync("deploy/compose/token-proxy.yaml", "utf8"));
    expect(config.signing.issuer).toBe(keycloak.environment.TOKEN_PROXY_ISSUER);
    const port = keycloak.command.find((word: string) => word.startsWith("--http-port=")).split("=")[1];
    expect(config.providers.keycloak.issuer).toBe(`http://127.0.0.1:${port}/realms/retail`);
    expect(keycloak.healthcheck.test.at(-1)).toContain(`/dev/tcp/127.0.0.1/${port}`);
  });

  it("makes the signing key once, where the proxy's file expects it, and starts with it", async () => {
    const [sh, ...args] = here(key.entrypoint) as [string, ...string[]];
    const script = args
      .join("\n")
      .replace(/ && chown [^;]*/, "")
      .replace("node ", `${process.execPath} `);
    const make = () => run(sh, ["-c", script.slice(3)]);
    await make();
    const made = await stat(join(folder, "signing-key.pem"));
    await make();
    expect((await stat(join(folder, "signing-key.pem"))).mtimeMs).toBe(made.mtimeMs);

    const mounted = proxy.volumes.find((mount: string) => mount.includes("token-proxy.yaml")).split(":")[1];
    const [config] = here([mounted]) as [string];
    await mkdir(dirname(config), { recursive: true });
    // Ports of our own, because somebody may run the real ones on this machine.
    const file = readFileSync("deploy/compose/token-proxy.yaml", "utf8").replace(":8180", `:${await freePort()}`);
    await writeFile(config, `${file}\nserver: { listen: "127.0.0.1:${await freePort()}" }\n`);
    expect([optionsOf(proxy.entrypoint).at(-1), optionsOf(token.entrypoint)[2]]).toEqual([mounted, mounted]);
    // 1 because Keycloak does not run here; a file or key that is missing would be 2.
    const check = runCli(["check", "--config", config], { env: VARIABLES });
    expect(await check.exit(), check.stderr()).toBe(1);
    const call = runCli(optionsOf(here(token.entrypoint)), { env: VARIABLES });
    expect(await call.exit(), call.stderr()).toBe(1);
  });

  it("starts the proxy as the image does, and only the key's service as root", () => {
    const final = parseDockerfile(readFileSync("deploy/docker/Dockerfile", "utf8")).at(-1);
    const image = execForm(final?.instructions.find(({ name }) => name === "ENTRYPOINT")?.rest as string);
    expect(proxy.entrypoint.slice(0, -1)).toEqual(image.slice(0, -1));
    const asRoot = Object.entries<{ user?: string }>(services).filter(([, { user }]) => user !== undefined);
    expect(asRoot.map(([name]) => name)).toEqual(["key"]);
    expect(key.network_mode).toBe("none");
    for (const one of [key, proxy, token]) expect([one.read_only, one.cap_drop]).toEqual([true, ["ALL"]]);
  });
});
