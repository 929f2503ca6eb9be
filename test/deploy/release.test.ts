// What a release needs: workflows that are pinned and valid, one version everywhere, an SBOM.

import { execFile } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseConfig } from "../../src/config/parse.ts";
import { itWhere, versionOf } from "./it-where.ts";
import { version as openapiVersion } from "./openapi.ts";

const run = promisify(execFile);
const read = (file: string) => readFileSync(file, "utf8");
const workflows = globSync(".github/workflows/*.yml");
const { version, name } = JSON.parse(read("package.json"));
const SBOM = process.env.SBOM_FILE ?? "";

interface Job {
  permissions?: Record<string, string>;
  "timeout-minutes"?: number;
  steps: { uses?: string; run?: string; name?: string }[];
}
const jobs = workflows.flatMap((file) => Object.values<Job>(parse(read(file)).jobs));

describe("the workflows", async () => {
  it("pin every action to a commit, with its version next to it", () => {
    expect(workflows.length).toBe(2);
    const uses = workflows.flatMap((file) => read(file).match(/uses: .*/g) ?? []);
    expect(uses.length).toBeGreaterThan(10);
    for (const line of uses) expect(line).toMatch(/^uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it("may only read, except where a job says more, and every job has a limit of time", () => {
    for (const file of workflows) expect(parse(read(file)).permissions, file).toEqual({ contents: "read" });
    for (const job of jobs) expect(job["timeout-minutes"]).toBeGreaterThan(0);
    const writing = jobs.filter(({ permissions }) => permissions?.contents === "write");
    expect(writing).toHaveLength(1);
  });

  it("run the image with a configuration file that is valid", () => {
    const script = jobs.flatMap(({ steps }) => steps).find((step) => step.run?.includes("docker run"))?.run ?? "";
    const file = /<<'FILE'\n(.*?)^FILE$/ms.exec(script)?.[1] as string;
    expect(parseConfig(file, "ci.yml").config.server.listen.host).toBe("0.0.0.0");
  });

  itWhere((await versionOf("actionlint", "--version")) !== "", "no actionlint")(
    "are accepted by actionlint",
    async () => {
      expect((await run("actionlint", ["-no-color"])).stdout).toBe("");
    },
  );
});

describe("the version", () => {
  it("is the same in the lock file, the OpenAPI description, the manifests and the pages", () => {
    expect(JSON.parse(read("package-lock.json")).packages[""].version).toBe(version);
    expect(openapiVersion).toBe(version);
    const files = ["README.md", ...globSync("{docs/*.md,deploy/docker/Dockerfile,deploy/kubernetes/*.yaml}")];
    const tags = files.flatMap((file) =>
      [...read(file).matchAll(/(?:nextauth-token-proxy:|newTag: )(\d[\w.-]*\w)/g)].map(([, tag]) => `${file} ${tag}`),
    );
    expect(tags.length).toBeGreaterThan(5);
    expect(tags.filter((tag) => !tag.endsWith(` ${version}`))).toEqual([]);
  });

  it("has notes in the changelog, which the release takes from there", async () => {
    const script = jobs.flatMap(({ steps }) => steps).find((step) => step.run?.includes("awk"))?.run ?? "";
    const awk = /awk .*CHANGELOG\.md/.exec(script)?.[0] as string;
    const { stdout } = await run("bash", ["-c", `version=${version}; ${awk}`]);
    expect(stdout.trim().split("\n").length).toBeGreaterThan(10);
    expect(stdout).not.toMatch(/^## /m);
  });
});

it("no page tells to install what is not published", () => {
  expect(JSON.parse(read("package.json")).private, "then the pages may say more, and this test goes").toBe(true);
  for (const file of ["README.md", "CONTRIBUTING.md", ...globSync("docs/*.md")]) {
    const shell = [...read(file).matchAll(/^```sh\n(.*?)^```/gms)].map(([, lines]) => lines).join("");
    expect(shell, file).not.toMatch(new RegExp(`(?:npx|npm (?:i|install|add)) (?:-\\S+ )*${name}|docker pull`));
  }
});

itWhere(SBOM !== "", "no SBOM_FILE")("the SBOM lists exactly what is installed in production", async () => {
  interface Component {
    purl: string;
    components?: Component[];
  }
  const listed = (all: Component[] = []): string[] =>
    all.flatMap(({ purl, components }) => [decodeURIComponent(purl), ...listed(components)]);
  const { packages } = JSON.parse(read("package-lock.json"));
  const installed = Object.entries<{ version: string; dev?: boolean; link?: boolean }>(packages)
    .filter(([path, { dev, link }]) => path.startsWith("node_modules/") && !dev && !link)
    .map(([path, one]) => `pkg:npm/${path.replace(/.*node_modules\//, "")}@${one.version}`);
  const { components } = JSON.parse(read(SBOM));
  expect(
    listed(components)
      .map((purl) => purl.replace(/[?#].*/, ""))
      .toSorted(),
  ).toEqual(installed.toSorted());
});
