// Cloud Foundry UAA: its war from Maven Central, in Tomcat, with its database in memory.

import { generateKeyPairSync } from "node:crypto";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeSelfSigned } from "../../support/keys.ts";
import { maven } from "../install.ts";
import type { Place, Product } from "../server.ts";

const TOMCAT = "9.0.98";

/** Java has these no more, and UAA needs them. */
const FORMER_JAVA = [
  "javax.xml.bind:jaxb-api:2.3.1",
  "com.sun.xml.bind:jaxb-impl:2.3.1",
  "com.sun.xml.bind:jaxb-core:2.3.0.1",
  "javax.activation:activation:1.1.1",
];

/** Packages that its libraries look into, which Java 17 allows only if it is asked to. */
const OPENED = ["lang", "lang.invoke", "lang.reflect", "util", "util.concurrent", "net", "io", "text", "math"];

/** @param clients by their id, with their secret */
export function uaa(clients: () => Readonly<Record<string, object>>): Product {
  const product: Product = {
    name: "UAA",
    version: "4.30.0",
    async install(folder) {
      const here = "-Dproject.basedir=.";
      const unpack = (artifact: string, into: string) =>
        maven(folder, "dependency:unpack", `-Dartifact=${artifact}`, `-DoutputDirectory=${into}`, here);
      await unpack(`org.apache.tomcat:tomcat:${TOMCAT}:zip`, ".");
      await unpack(`org.cloudfoundry.identity:cloudfoundry-identity-uaa:${product.version}:war`, "uaa");
      const copy = (artifact: string, into: string) =>
        maven(folder, "dependency:copy", `-Dartifact=${artifact}`, `-DoutputDirectory=${into}`, here);
      for (const artifact of FORMER_JAVA) await copy(artifact, `apache-tomcat-${TOMCAT}/lib`);
      await rm(join(folder, "uaa/WEB-INF/lib/groovy-2.5.2.jar")); // fails on Java 16 and later
      await copy("org.codehaus.groovy:groovy:2.5.23", "uaa/WEB-INF/lib");
    },
    async launch(place) {
      const { installed, data, port } = place;
      const home = join(installed, `apache-tomcat-${TOMCAT}`);
      const base = join(data, "tomcat");
      for (const folder of ["logs", "temp", "webapps", "work"]) await mkdir(join(base, folder), { recursive: true });
      await cp(join(home, "conf"), join(base, "conf"), { recursive: true });
      const server = (await readFile(join(home, "conf/server.xml"), "utf8"))
        .replace('port="8005"', 'port="-1"')
        .replace('port="8080"', `address="127.0.0.1" port="${port}"`)
        .replace('autoDeploy="true">', `autoDeploy="false"><Context path="" docBase="${join(installed, "uaa")}"/>`);
      await writeFile(join(base, "conf/server.xml"), server);
      await writeFile(join(data, "uaa.yml"), JSON.stringify(await configurationOf(place, clients())));
      return {
        command: ["sh", join(home, "bin/catalina.sh"), "run"],
        env: {
          CATALINA_BASE: base,
          CATALINA_OPTS: "-Xmx512m",
          JDK_JAVA_OPTIONS: OPENED.map((name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`).join(" "),
          UAA_CONFIG_PATH: data,
        },
        ready: `http://127.0.0.1:${port}/.well-known/openid-configuration`, // 503 while it starts
      };
    },
  };
  return product;
}

/** It reads no other format. */
const PKCS1 = { type: "pkcs1", format: "pem" } as const;

async function configurationOf({ url, issuer }: Place, clients: Readonly<Record<string, object>>): Promise<object> {
  const signingKey = generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey.export(PKCS1);
  const saml = await makeSelfSigned("uaa");
  return {
    issuer: { uri: url },
    uaa: { url, token: { url: `${url}/oauth/token` } },
    encryption: { active_key_label: "one", encryption_keys: [{ label: "one", passphrase: "only for tests" }] },
    jwt: { token: { policy: { activeKeyId: "one", keys: { one: { signingKey } } } } },
    login: {
      url,
      entityBaseURL: url,
      entityID: "uaa",
      serviceProviderKey: saml.private_key,
      serviceProviderKeyPassword: "",
      serviceProviderCertificate: saml.certificate,
      oauth: {
        providers: {
          nextauth: {
            type: "oidc1.0",
            authUrl: `${issuer}/unused`,
            tokenUrl: `${issuer}/unused`,
            tokenKeyUrl: `${issuer}/.well-known/jwks.json`,
            issuer,
            scopes: ["openid"],
            relyingPartyId: `${url}/oauth/token`,
            relyingPartySecret: "unused",
            linkText: "nextAuth",
            showLinkText: false,
            addShadowUserOnLogin: true,
            attributeMappings: { user_name: "sub" },
          },
        },
      },
    },
    oauth: { clients },
  };
}
