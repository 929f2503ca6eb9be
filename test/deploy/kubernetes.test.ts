// deploy/kubernetes: valid by the schemas, and consistent with the image and the file.

import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseConfig } from "../../src/config/parse.ts";
import { runCli } from "../support/process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { execForm, parseDockerfile } from "./dockerfile.ts";
import { itWhere, versionOf } from "./it-where.ts";
import { checkValues, compileManifests, FOLDER, type Manifest, patched, readManifests } from "./manifests.ts";
import { withoutComments, withSigningKey } from "./signing-key.ts";

const run = promisify(execFile);
const manifests = await readManifests();
const NAME = "nextauth-token-proxy";
const named = (key: string): Manifest => {
  const found = manifests.get(key);
  if (found === undefined) throw new Error(`there is no ${key}`);
  return found;
};

const configMap = named(`configmap.yaml ConfigMap ${NAME}`);
const secret = named(`secret.example.yaml Secret ${NAME}`);
const deployment = named(`deployment.yaml Deployment ${NAME}`);
const service = named(`service.yaml Service ${NAME}`);
const adminService = named(`service.yaml Service ${NAME}-admin`);
const autoscaler = named(`horizontalpodautoscaler.yaml HorizontalPodAutoscaler ${NAME}`);
const budget = named(`poddisruptionbudget.yaml PodDisruptionBudget ${NAME}`);
const policy = named(`networkpolicy.yaml NetworkPolicy ${NAME}`);
const monitor = named(`servicemonitor.yaml ServiceMonitor ${NAME}`);
const pod = deployment.spec.template;
const [container] = pod.spec.containers;
const wholeText: string = configMap.data["token-proxy.yaml"];
const fileText = withoutComments(wholeText);
const { config } = parseConfig(fileText, "configmap.yaml");
const secretText = await readFile(`${FOLDER}/secret.example.yaml`, "utf8");
const SECRETS_FOLDER = "/run/secrets/token-proxy";

describe("each manifest", () => {
  for (const [key, manifest] of manifests) {
    it(`${key} has values that its schema allows`, () => checkValues(manifest));
  }

  it("has only keys that Kubernetes knows; the compiler finds others", async () => {
    const misspelt = structuredClone(deployment);
    misspelt.spec.strategy.rollingUpdate.maxUnavailble = 0;
    const errors = (await compileManifests([...manifests.values(), misspelt])).match(/^.*error TS.*$/gm);
    expect(errors).toEqual([expect.stringContaining("maxUnavailble")]);
    misspelt.spec.replicas = "two";
    await expect(checkValues(misspelt)).rejects.toThrow("replicas");
  });

  it("is in the namespace", () => {
    for (const [key, { kind, metadata }] of manifests) {
      if (kind === "Namespace") expect(metadata.name).toBe(NAME);
      else expect(metadata.namespace, key).toBe(NAME);
    }
  });
});

describe("the configuration", () => {
  it("listens on all addresses, at the ports that the container names", () => {
    const ports = Object.fromEntries(container.ports.map((port: Manifest) => [port.name, port.containerPort]));
    expect(config.server.listen).toEqual({ host: "0.0.0.0", port: ports.http });
    expect(config.server.admin).toEqual({ host: "0.0.0.0", port: ports.admin });
  });

  it("is mounted where the image looks for it", async () => {
    const final = parseDockerfile(await readFile("deploy/docker/Dockerfile", "utf8")).at(-1);
    const entrypoint = execForm(final?.instructions.find(({ name }) => name === "ENTRYPOINT")?.rest as string);
    const { name, mountPath } = container.volumeMounts[0];
    expect(`${mountPath}/${Object.keys(configMap.data)[0]}`).toBe(entrypoint.at(-1));
    const volume = pod.spec.volumes.find((candidate: Manifest) => candidate.name === name);
    expect(volume.configMap.name).toBe(configMap.metadata.name);
  });

  it("names exactly the files of the Secret, where they are mounted", () => {
    const files = [...fileText.matchAll(/file: (\S+) }/g)].map(([, path]) => path as string);
    expect(files).toEqual(Object.keys(secret.stringData).map((key) => `${SECRETS_FOLDER}/${key}`));
    const withKey = withSigningKey(wholeText);
    const [{ private_key }] = parse(withKey).signing.keys;
    expect(parseConfig(withKey, "configmap.yaml").config.signing?.keys).toHaveLength(1);
    expect(private_key.file).toBe(`${SECRETS_FOLDER}/${/^ {2}# (\S+\.pem): ""/m.exec(secretText)?.[1]}`);
    const mount = container.volumeMounts.find(({ mountPath }: Manifest) => mountPath === SECRETS_FOLDER);
    const volume = pod.spec.volumes.find(({ name }: Manifest) => name === mount.name);
    expect(volume.secret).toEqual({ secretName: secret.metadata.name, defaultMode: 0o440 });
    expect(pod.spec.securityContext.fsGroup).toBe(pod.spec.securityContext.runAsGroup);
  });

  it("needs only ports that the network policy lets out", () => {
    const ports = [...fileText.matchAll(/https?:\/\/\S+/g)].map(([url]) => Number(new URL(url).port || 443));
    expect(ports).toEqual([443, 443]);
    const [dns, https] = policy.spec.egress;
    expect(dns.ports.map(({ port }: Manifest) => port)).toEqual([53, 53]);
    expect(https).toEqual({ ports: [{ protocol: "TCP", port: 443 }] });
  });
});

describe("the Secret", () => {
  const folder = temporaryFolder();

  it("has no values in the example", () => {
    expect(Object.values(secret.stringData)).toEqual(["", "", ""]);
  });

  it("with values is enough for the ConfigMap's file to start and to answer the probes", async () => {
    for (const key of Object.keys(secret.stringData)) await writeFile(join(folder, key), `${key}-0123456789abcdef\n`);
    const local = fileText
      .replaceAll(SECRETS_FOLDER, folder)
      .replaceAll(/0\.0\.0\.0:\d+/g, "127.0.0.1:0")
      .replace("server:", "server:\n  readiness: all"); // not ready, however long this takes
    await writeFile(join(folder, "token-proxy.yaml"), local);
    const proxy = runCli(["start"], { cwd: folder });
    const [, admin] = await proxy.said(/"admin":"([^"]+)"/);
    for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
      const { path, port } = container[probe].httpGet;
      expect(port).toBe("admin");
      // 503: the provider of the example cannot be discovered.
      expect((await fetch(`${admin}${path}`)).status, probe).toBe(path === "/readyz" ? 503 : 200);
    }
    proxy.process.kill("SIGKILL");
  });
});

describe("with a token of Kubernetes instead of a client secret", async () => {
  const component = await readManifests(`${FOLDER}/client-assertion`);
  const account = component.get(`serviceaccount.yaml ServiceAccount ${NAME}`);
  const whole = patched(deployment, component.get(`deployment.yaml Deployment ${NAME}`));
  const { spec } = whole.spec.template;
  const text = await readFile(`${FOLDER}/client-assertion/kustomization.yaml`, "utf8");
  const lines = parse(
    text
      .replaceAll(/^# {3}/gm, "")
      .replaceAll(/^#.*$/gm, "")
      .split("apiVersion:")[0] as string,
  );

  it("the pods are what Kubernetes' schema allows, and belong to the service account", async () => {
    await checkValues(whole);
    await checkValues(account);
    expect(await compileManifests([whole, account])).not.toContain("error TS");
    expect(spec.serviceAccountName).toBe(account.metadata.name);
    expect([spec.automountServiceAccountToken, account.automountServiceAccountToken]).toEqual([false, false]);
    expect(text).toContain(`system:serviceaccount:${account.metadata.namespace}:${account.metadata.name}`);
  });

  it("the token is where the configuration looks, for exactly its audience, and readable for the image's user", () => {
    const volume = spec.volumes.find(({ projected }: Manifest) => projected !== undefined);
    const mount = spec.containers[0].volumeMounts.find(({ name }: Manifest) => name === volume.name);
    const [{ serviceAccountToken: token }] = volume.projected.sources;
    expect(lines.client_assertion).toEqual({ file: `${mount.mountPath}/${token.path}`, aud: token.audience });
    expect([mount.readOnly, volume.projected.defaultMode]).toEqual([true, 0o440]);
    // Everything that the pods had before stays.
    expect(spec.volumes.slice(0, -1)).toEqual(pod.spec.volumes);
    expect(spec.containers[0].volumeMounts.slice(0, -1)).toEqual(container.volumeMounts);
  });

  it("the configuration is valid with the lines of the comment", () => {
    const file = parse(fileText);
    const { client_id, client_secret, ...retail } = file.providers.retail;
    file.providers.retail = { ...retail, ...lines };
    expect(parseConfig(JSON.stringify(file), "configmap.yaml").config.providers).toHaveProperty("retail");
  });
});

describe("the pods", () => {
  it("meet the restricted Pod Security Standard, and can write nothing", () => {
    expect(pod.spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(pod.spec.containers).toHaveLength(1);
    expect(pod.spec.automountServiceAccountToken).toBe(false);
    for (const mount of container.volumeMounts) expect(mount.readOnly).toBe(true);
  });

  it("run as the user of the image", async () => {
    const text = await readFile("deploy/docker/Dockerfile", "utf8");
    const { runAsUser, runAsGroup } = pod.spec.securityContext;
    expect(text).toContain(`USER ${runAsUser}:${runAsGroup}\n`);
  });

  it("may take more memory than the most that was measured, as the container of the docs", async () => {
    const docs = await readFile("docs/deploy.md", "utf8");
    const measured = Number(/^\| memory \|.* At most (\d+) MiB:/m.exec(docs)?.[1]);
    const gibibytes = [/^(\d+)Gi$/.exec(container.resources.limits.memory), /--memory (\d+)g /.exec(docs)];
    for (const limit of gibibytes) expect(Number(limit?.[1]) * 1_024).toBeGreaterThan(measured * 1.2);
  });

  it("request the memory and the share of a core that the docs plan for", async () => {
    const docs = await readFile("docs/deploy.md", "utf8");
    const planOf = (row: string) => new RegExp(`^\\| ${row} \\|.* ([\\d,]+) calls/s \\|$`, "m").exec(docs)?.[1];
    const { cpu, memory } = container.resources.requests;
    const calls = ["a token request with a client secret", "with an ES256 signature for each call"].map(
      (row) => (Number(planOf(row)?.replace(",", "")) * Number.parseInt(cpu, 10)) / 1_000,
    );
    expect(await readFile(`${FOLDER}/deployment.yaml`, "utf8")).toContain(
      `${cpu} is planned for ${calls[0]} calls/s, or ${calls[1]} with a signature`,
    );
    const limit = Number.parseInt(container.resources.limits.memory, 10);
    const share = Number.parseInt(cpu, 10) / 1_000;
    expect(docs).toContain(
      `reserve ${Number.parseInt(memory, 10)} MiB (limit ${limit} GiB) and ${share} core for ${calls[0]} calls/s (${calls[1]} with`,
    );
    expect(docs).toMatch(new RegExp(`${calls[0]} calls/s or ${calls[1]} with a\\s+signature, needs ${share} core`));
  });

  it("are probed without a host name, which the admin listener would have to know", () => {
    for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe]) {
      expect(Object.keys(probe.httpGet)).toEqual(["path", "port"]);
    }
  });

  it("have time for their shutdown before they are killed", () => {
    const { shutdown_grace, shutdown_delay } = config.server;
    const needed = (shutdown_delay + shutdown_grace) / 1_000;
    expect(pod.spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(needed + 5);
  });

  it("are at least two, and none is stopped before another is ready", () => {
    expect(deployment.spec.replicas).toBe(2);
    expect(deployment.spec.strategy.rollingUpdate.maxUnavailable).toBe(0);
    expect(autoscaler.spec.minReplicas).toBe(2);
    expect(autoscaler.spec.scaleTargetRef).toEqual({ apiVersion: "apps/v1", kind: "Deployment", name: NAME });
    // What the autoscaler's percentage is of.
    expect(container.resources.requests.cpu).toBeDefined();
    expect(budget.spec.maxUnavailable).toBe(1);
  });

  it("are selected by every selector", () => {
    const selectors = [
      deployment.spec.selector.matchLabels,
      budget.spec.selector.matchLabels,
      policy.spec.podSelector.matchLabels,
      service.spec.selector,
      adminService.spec.selector,
      ...pod.spec.topologySpreadConstraints.map(({ labelSelector }: Manifest) => labelSelector.matchLabels),
    ];
    for (const selector of selectors) expect(selector).toEqual(pod.metadata.labels);
  });
});

describe("services, policy and monitor", () => {
  it("lead to ports that the container has", () => {
    const names = container.ports.map(({ name }: Manifest) => name);
    expect([service, adminService].map(({ spec }) => spec.ports[0].targetPort)).toEqual(names);
    const [http, admin] = container.ports.map(({ containerPort }: Manifest) => containerPort);
    // The nextAuth Server, the provider for the published keys, Prometheus.
    expect(policy.spec.ingress.map(({ ports }: Manifest) => ports[0].port)).toEqual([http, http, admin]);
    expect(policy.spec.policyTypes).toEqual(["Ingress", "Egress"]);
    for (const { from } of policy.spec.ingress) expect(from[0].namespaceSelector).toBeDefined();
  });

  it("are found by Prometheus only through the admin service", () => {
    const wanted = Object.entries(monitor.spec.selector.matchLabels);
    const found = [service, adminService].filter(({ metadata }) =>
      wanted.every(([label, value]) => metadata.labels[label] === value),
    );
    expect(found).toEqual([adminService]);
    expect(monitor.spec.endpoints).toMatchObject([{ port: adminService.spec.ports[0].name, path: "/metrics" }]);
  });
});

describe("the kustomization", async () => {
  const kustomization = parse(await readFile(join(FOLDER, "kustomization.yaml"), "utf8"));
  const hasKubectl = (await versionOf("kubectl", "kustomize", "--help")) !== "";

  it("applies no Secret, and the image of this version", async () => {
    expect(kustomization.resources).not.toContain("secret.example.yaml");
    const { version } = JSON.parse(await readFile("package.json", "utf8"));
    expect(kustomization.images).toMatchObject([{ name: container.image.split(":")[0], newTag: version }]);
    expect(container.image.split(":")[1]).toBe(version);
  });

  itWhere(hasKubectl, "no kubectl")("renders, and leaves the number of pods to the autoscaler", async () => {
    const { stdout } = await run("kubectl", ["kustomize", FOLDER]);
    const rendered = stdout.split(/^---$/m).map((text) => parse(text));
    expect(rendered).toHaveLength(8);
    const { spec } = rendered.find(({ kind }) => kind === "Deployment");
    expect(spec.replicas).toBeUndefined();
    expect(spec.template.spec.containers[0].image).toMatch(/^registry\.bank\.example\/nextauth-token-proxy:\d/);
  });
});
