// Reads the manifests of deploy/kubernetes, and checks them by Kubernetes' schemas.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";

const run = promisify(execFile);

export const FOLDER = "deploy/kubernetes";

/** Where the schema of each kind is; we ship no other kind. */
const MODELS: Readonly<Record<string, () => Promise<object>>> = {
  Namespace: () => import("kubernetes-models/v1/Namespace"),
  ConfigMap: () => import("kubernetes-models/v1/ConfigMap"),
  Secret: () => import("kubernetes-models/v1/Secret"),
  ServiceAccount: () => import("kubernetes-models/v1/ServiceAccount"),
  Service: () => import("kubernetes-models/v1/Service"),
  Deployment: () => import("kubernetes-models/apps/v1/Deployment"),
  HorizontalPodAutoscaler: () => import("kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler"),
  PodDisruptionBudget: () => import("kubernetes-models/policy/v1/PodDisruptionBudget"),
  NetworkPolicy: () => import("kubernetes-models/networking.k8s.io/v1/NetworkPolicy"),
  ServiceMonitor: () => import("@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor"),
};

// biome-ignore lint/suspicious/noExplicitAny: a manifest of any kind
export type Manifest = any;

/** @returns every manifest of a folder, by "FILE KIND NAME" */
export async function readManifests(folder = FOLDER): Promise<ReadonlyMap<string, Manifest>> {
  const manifests = new Map<string, Manifest>();
  const files = (await readdir(folder)).filter((name) => name.endsWith(".yaml") && name !== "kustomization.yaml");
  for (const file of files) {
    for (const document of parseAllDocuments(await readFile(join(folder, file), "utf8"), { version: "1.1" })) {
      if (document.errors.length > 0) throw new Error(`${file}: ${document.errors[0]?.message}`);
      const manifest = document.toJS();
      manifests.set(`${file} ${manifest.kind} ${manifest.metadata.name}`, manifest);
    }
  }
  return manifests;
}

/** Merges a patch into a manifest as kustomize does: lists by the `name` of their entries. */
export function patched(manifest: Manifest, patch: Manifest): Manifest {
  if (Array.isArray(manifest)) {
    const others = patch.filter(({ name }: Manifest) => !manifest.some((entry) => entry.name === name));
    const merged = manifest.map((entry) =>
      patched(entry, patch.find(({ name }: Manifest) => name === entry.name) ?? {}),
    );
    return [...merged, ...others];
  }
  if (typeof manifest !== "object") return patch;
  const entries = Object.entries(patch).map(([key, value]) => [
    key,
    key in manifest ? patched(manifest[key], value) : value,
  ]);
  return { ...manifest, ...Object.fromEntries(entries) };
}

interface Checked {
  validate(): void;
}

/** @throws if the schema of its kind does not allow a value */
export async function checkValues(manifest: Manifest): Promise<void> {
  const load = MODELS[manifest.kind];
  if (load === undefined) throw new Error(`no schema for ${manifest.kind}`);
  const { [manifest.kind]: Model } = (await load()) as Record<string, new (from: object) => Checked>;
  if (Model === undefined) throw new Error(`no model in the schema of ${manifest.kind}`);
  new Model(manifest).validate();
}

function typesOf({ apiVersion, kind }: Manifest): string {
  const models = apiVersion.startsWith("monitoring.") ? "@kubernetes-models/prometheus-operator" : "kubernetes-models";
  return `${models}/${apiVersion}/${kind}`;
}

/**
 * The schemas accept unknown keys, which Kubernetes would drop. The types made of them do not.
 * @returns the compiler's errors
 */
export async function compileManifests(manifests: Iterable<Manifest>): Promise<string> {
  await mkdir("build", { recursive: true });
  const folder = await mkdtemp(resolve("build/manifests-"));
  try {
    const lines = [...manifests].map(
      (manifest, index) =>
        `import type { I${manifest.kind} as T${index} } from "${typesOf(manifest)}";\nexport const m${index}: T${index} = ${JSON.stringify(manifest)};\n`,
    );
    await writeFile(join(folder, "manifests.ts"), lines.join(""));
    const settings = { extends: resolve("tsconfig.json"), include: ["."] };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(settings));
    return await run("npx", ["tsc", "-p", folder], {}).then(
      ({ stdout }) => stdout,
      ({ stdout }) => stdout as string,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
