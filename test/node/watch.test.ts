// Changes as editors, certificate managers and Kubernetes make them, on a real file system.

import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { appendFile, chmod, mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { fileState } from "../../src/node/credentials.ts";
import { type FileStates, watchFiles } from "../../src/node/watch.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "watched-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Watches files of the folder. `look` returns how often a change was reported so far. */
async function watch(...names: string[]) {
  const paths = names.map((name) => join(folder, name));
  const states = async () =>
    new Map(await Promise.all(paths.map(async (path) => [path, await fileState(path)] as const)));
  let seen: FileStates = await states();
  const onChange = vi.fn(async () => {});
  let waiting = Promise.withResolvers<void>();
  let tick = () => {};
  void watchFiles(
    () => seen,
    onChange,
    () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      tick = resolve;
      waiting.resolve();
      return promise;
    },
  );
  return {
    async look() {
      waiting = Promise.withResolvers();
      tick();
      await waiting.promise;
      return onChange.mock.calls.length;
    },
    /** As after a reload. */
    async reloaded() {
      seen = await states();
    },
  };
}

const write = (name: string, text = "secret") => writeFile(join(folder, name), text);

it("reports a change once it has stayed for an interval, and only once", async () => {
  await write("a", "old");
  const { look, reloaded } = await watch("a");
  expect([await look(), await look()]).toEqual([0, 0]);
  await write("a", "new"); // of the same size
  expect([await look(), await look(), await look(), await look()]).toEqual([0, 1, 1, 1]);
  await reloaded();
  expect([await look(), await look()]).toEqual([1, 1]);
  await write("a", "old");
  expect([await look(), await look()]).toEqual([1, 2]);
});

it("waits for the end of a file that is being written", async () => {
  await write("a");
  const { look } = await watch("a");
  await write("a", "");
  expect(await look()).toBe(0);
  await appendFile(join(folder, "a"), "one part");
  expect(await look()).toBe(0);
  await appendFile(join(folder, "a"), "and another");
  expect([await look(), await look()]).toEqual([0, 1]);
});

it("reports the next change after one that could not be used, also if the file is as before", async () => {
  await write("a");
  const { look } = await watch("a");
  await rename(join(folder, "a"), join(folder, "b"));
  expect([await look(), await look(), await look()]).toEqual([0, 1, 1]);
  await rename(join(folder, "b"), join(folder, "a"));
  expect([await look(), await look()]).toEqual([1, 2]);
});

it.each<[string, (file: string) => Promise<void>]>([
  [
    "an editor that writes another file and renames it",
    async (file) => {
      await writeFile(`${file}.swp`, "secret");
      await rename(`${file}.swp`, file);
    },
  ],
  [
    "an editor that keeps the old file as a backup",
    async (file) => {
      await rename(file, `${file}~`);
      await writeFile(file, "secret");
    },
  ],
  [
    "a copy that keeps the time of the file",
    async (file) => {
      await writeFile(file, "Secret");
      await utimes(file, 0, 0);
    },
  ],
  [
    "a folder that is deleted and made again",
    async () => {
      await rm(join(folder, "secrets"), { recursive: true });
      await mkdir(join(folder, "secrets"));
      await write("secrets/a");
    },
  ],
  ["a mode that makes it readable", (file) => chmod(file, 0o640)],
  [
    "a link in its path that leads to another folder",
    async () => {
      await rename(join(folder, "secrets"), join(folder, "old"));
      await mkdir(join(folder, "new"));
      await write("new/a");
      await symlink("new", join(folder, "secrets"));
    },
  ],
])("notices %s", async (_, change) => {
  await mkdir(join(folder, "secrets"));
  await write("secrets/a");
  const { look } = await watch("secrets/a");
  await look();
  await change(join(folder, "secrets/a"));
  expect([await look(), await look()]).toEqual([0, 1]);
});

it("notices a Secret of Kubernetes, whose link ..data is replaced", async () => {
  for (const version of ["..1", "..2"]) {
    await mkdir(join(folder, version));
    for (const name of ["a", "b"]) await write(`${version}/${name}`);
  }
  await symlink("..1", join(folder, "..data"));
  for (const name of ["a", "b"]) await symlink(`..data/${name}`, join(folder, name));
  const { look, reloaded } = await watch("a", "b");
  expect([await look(), await look()]).toEqual([0, 0]);
  await symlink("..2", join(folder, "..data_tmp"));
  await rename(join(folder, "..data_tmp"), join(folder, "..data"));
  await rm(join(folder, "..1"), { recursive: true });
  expect([await look(), await look()]).toEqual([0, 1]);
  await reloaded();
  expect([await look(), await look()]).toEqual([1, 1]);
});

it("notices a file that was missing, and one that goes", async () => {
  const { look, reloaded } = await watch("a");
  expect([await look(), await look()]).toEqual([0, 0]);
  await write("a");
  expect([await look(), await look()]).toEqual([0, 1]);
  await reloaded();
  await rm(join(folder, "a"));
  expect([await look(), await look()]).toEqual([1, 2]);
});

it.runIf(existsSync("/proc/self/fd"))("keeps no file and no folder open", async () => {
  await write("a");
  const { look } = await watch("a");
  await look();
  const open = readdirSync("/proc/self/fd").map((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`);
    } catch {
      return ""; // the one that listed them
    }
  });
  expect(open.filter((target) => target.startsWith(folder) || target.includes("inotify"))).toEqual([]);
});
