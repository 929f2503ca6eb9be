// Reads this project's Dockerfile and .dockerignore, so that they can be tested without Docker.

export interface Instruction {
  /** In capitals. */
  name: string;
  /** The rest of its line without the flags, continued lines joined. */
  rest: string;
  /** Of --from=build: { from: "build" }. */
  flags: Readonly<Record<string, string>>;
}

export interface Stage {
  /** The name behind AS. */
  name: string | undefined;
  instructions: Instruction[];
}

/** @returns the stages; lines before the first FROM are left out */
export function parseDockerfile(text: string): Stage[] {
  const lines = text
    .split("\n")
    .filter((line) => !/^\s*#/.test(line))
    .join("\n")
    .replaceAll(/\\\n/g, " ")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const stages: Stage[] = [];
  for (const line of lines) {
    const [, name = "", written = ""] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    if (name.toUpperCase() === "FROM") {
      stages.push({ name: /\sAS\s+(\S+)$/i.exec(written)?.[1], instructions: [] });
      continue;
    }
    const flags = Object.fromEntries([...written.matchAll(/(?<=^|\s)--([a-z-]+)=(\S+)/g)].map(([, k, v]) => [k, v]));
    const rest = written.replaceAll(/(?<=^|\s)--[a-z-]+=\S+\s+/g, name.toUpperCase() === "RUN" ? "$&" : "");
    stages.at(-1)?.instructions.push({ name: name.toUpperCase(), rest, flags });
  }
  return stages;
}

/** The command of ENTRYPOINT or CMD. @throws if it is in shell form, which keeps the signals */
export function execForm(rest: string): string[] {
  return JSON.parse(rest.replace(/^CMD\s+/, "")) as string[];
}

/** @returns whether .dockerignore sends a path to the builder; its last matching line decides */
export function createContextFilter(dockerignore: string): (path: string) => boolean {
  const lines = dockerignore.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  return (path) => {
    let excluded = false;
    for (const line of lines) {
      const pattern = globOf(line.replace(/^!/, ""));
      // A matching folder includes its contents.
      const parts = path.split("/");
      const hits = parts.some((_, index) => pattern.test(parts.slice(0, index + 1).join("/")));
      if (hits) excluded = !line.startsWith("!");
    }
    return !excluded;
  };
}

/** `*` matches dots too, unlike that of a shell or of node:path. */
function globOf(pattern: string): RegExp {
  if (/[?[\\]|\*\*/.test(pattern)) throw new Error(`${pattern} is more than this reads`);
  return new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", "[^/]*")}$`);
}
