// mock-oauth2-server, from Maven: it has no users and no clients, and believes every request.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { maven } from "../install.ts";
import type { Product } from "../server.ts";

const VERSION = "6.0.2";

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>example.bank</groupId>
  <artifactId>mock</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>no.nav.security</groupId>
      <artifactId>mock-oauth2-server</artifactId>
      <version>${VERSION}</version>
    </dependency>
  </dependencies>
</project>
`;

export const MOCK: Product = {
  name: "mock-oauth2-server",
  version: VERSION,
  async install(folder) {
    await writeFile(join(folder, "pom.xml"), POM);
    await maven(folder, "dependency:copy-dependencies", "-DoutputDirectory=lib");
  },
  launch: ({ installed, port }) => ({
    command: [
      "java",
      "-Xmx512m",
      "-cp",
      join(installed, "lib/*"),
      "no.nav.security.mock.oauth2.StandaloneMockOAuth2ServerKt",
    ],
    env: { SERVER_PORT: String(port), SERVER_HOSTNAME: "127.0.0.1" },
    ready: `http://127.0.0.1:${port}/isalive`,
  }),
};
