// The shape of server and callers.

import { describe, expect, it } from "vitest";
import { configOf, replacing, reports, withKeys } from "./file.ts";
import { reportsShape } from "./shape.ts";

const SECRET = "must be { env: NAME } or { file: PATH }; secrets are never written in the file";
const MISSING = "is missing; write { env: NAME } or { file: PATH }";
const MAPPING = "must be a mapping of keys to values";
const LIST = "must be a list, such as [a, b]";
const DURATION = "must be a duration with a unit, like 500ms, 5s or 10m";
const FINGERPRINT = "0123456789abcdef".repeat(4);
const WITH_COLONS = (FINGERPRINT.match(/../g) ?? []).join(":").toUpperCase();

describe("a caller", () => {
  /** Its keys start on line 4. */
  const caller = (text: string) =>
    replacing("    apikeys: [{ env: APIKEY }]", `    ${text.replaceAll(" / ", "\n    ")}`);
  const callerOf = (text: string) => configOf(caller(text)).callers["nextauth-server"];

  it.each([`"${WITH_COLONS}"`, FINGERPRINT, FINGERPRINT.toUpperCase()])(
    "can have the fingerprint %.12s…",
    (written) => {
      expect(callerOf(`client_certificates: [{ sha256: ${written} }]`)?.client_certificates).toEqual([
        { sha256: FINGERPRINT },
      ]);
    },
  );

  it("can require a key and one of several certificates", () => {
    const certificates = `client_certificates: [{ sha256: ${FINGERPRINT} }, { san_dns: NS.Bank.example }]`;
    expect(callerOf(`apikeys: [{ env: A }, { file: b }] / ${certificates} / serverids: [s]`)).toEqual({
      apikeys: [{ env: "A" }, { file: "b" }],
      client_certificates: [{ sha256: FINGERPRINT }, { san_dns: "ns.bank.example" }],
      serverids: ["s"],
    });
  });

  const at = '"callers.nextauth-server';
  const NOTHING = "needs apikeys, client_certificates or both; otherwise anyone could call";
  const EITHER = "must be { sha256: FINGERPRINT } with 64 hexadecimal digits, or { san_dns: NAME } without wildcards";
  reportsShape(
    caller,
    `
serverids: [a] => 4:5 ${at}" ${NOTHING}
apikeys: [{ env: A }] / serverid: [a] => 5:5 ${at}.serverid" unknown key; did you mean "serverids"?
apikeys: [{ env: A }] / serverids: [] => 5:16 ${at}.serverids" must have at least one entry
apikeys: [{ env: A }] / serverids: [a, ""] => 5:20 ${at}.serverids[1]" must not be empty
apikeys: [{ env: A }] / serverids: [1] => 5:17 ${at}.serverids[0]" must be text; put it in quotes
apikeys: { env: A } => 4:14 ${at}.apikeys" must be a list; start each entry with "- "
apikeys: [{ env: A }, { evn: B }] => 4:27 ${at}.apikeys[1]" ${SECRET}
apikeys: [] / client_certificates: []
  => 4:14 ${at}.apikeys" must have at least one entry
  => 5:26 ${at}.client_certificates" must have at least one entry
client_certificate: [{ san_dns: x }]
  => 4:5 ${at}.client_certificate" unknown key; did you mean "client_certificates"?
client_certificates: [{ sha256: "${WITH_COLONS}" }, { san_dns: x }]
client_certificates: [ns.bank.example] => 4:27 ${at}.client_certificates[0]" ${EITHER}
client_certificates: [{}] => 4:27 ${at}.client_certificates[0]" ${EITHER}
client_certificates: [{ sha256: ${FINGERPRINT}, san_dns: x }] => 4:27 ${at}.client_certificates[0]" ${EITHER}
client_certificates: [{ san_dns: x }, { san_dns: 7 }] => 4:43 ${at}.client_certificates[1]" ${EITHER}
`,
  );

  const FINGERPRINTS = [FINGERPRINT.slice(2), `${FINGERPRINT}00`, `${FINGERPRINT.slice(1)}g`, `${WITH_COLONS}:`];
  const sha256 = (text: string) => `client_certificates: [{ sha256: "${text}" }]
  => 4:37 ${at}.client_certificates[0].sha256" must be 64 hexadecimal digits, with or without colons`;
  const NAMES = ["", "*.bank.example", "ns.bank.example.", ".bank.example", "ns..example", "ns bank", "bücher.example"];
  const sanDns = (text: string) => `client_certificates: [{ san_dns: "${text}" }]
  => 4:38 ${at}.client_certificates[0].san_dns" must be a DNS name without wildcards`;
  reportsShape(caller, [...FINGERPRINTS.map(sha256), ...NAMES.map(sanDns)].join("\n"));
});

describe("server", () => {
  const server = (text: string) => withKeys(`server: { ${text} }`);
  const TLS = "certificate: { env: C }, private_key: { env: K }";
  const PIN = `${"A".repeat(43)}=`;
  const RANGE = "must be an IP address or a range, like 10.0.0.0/8";
  reportsShape(
    server,
    `
listen: "[::1]:8080", tls: { ${TLS}, client_ca: { file: a } }, max_in_flight: 1, shutdown_delay: 0s
admin_hosts: [metrics.bank.example, proxy]
admin_hosts: bank.example => 11:24 "server.admin_hosts" ${LIST}
admin_hosts: ["*.bank.example"] => 11:25 "server.admin_hosts[0]" must be a DNS name without wildcards
admin_hosts: [bank.example:9613] => 11:25 "server.admin_hosts[0]" must be a DNS name without wildcards
lisen: a => 11:11 "server.lisen" unknown key; did you mean "listen"?
listen: 8080
  => 11:19 "server.listen" must be host:port with a port up to 65535, like 127.0.0.1:8080 or [::1]:8080
max_in_flight: 0 => 11:26 "server.max_in_flight" must be at least 1
shutdown_grace: 10 => 11:27 "server.shutdown_grace" ${DURATION}
tls: true => 11:16 "server.tls" ${MAPPING}
tls: { private_key: { env: K } } => 11:16 "server.tls.certificate" ${MISSING}
tls: { certificate: { env: C } } => 11:16 "server.tls.private_key" ${MISSING}
tls: { ${TLS}, client_ca: ca.pem } => 11:79 "server.tls.client_ca" ${SECRET}
tls: { ${TLS}, ca: { env: A } }
  => 11:68 "server.tls.ca" unknown key; the keys allowed here are certificate, private_key, client_ca, pins
tls: { ${TLS}, pins: ["sha256/${PIN}"] }
tls: { ${TLS}, pins: [] } => 11:74 "server.tls.pins" must have at least one entry
tls: { ${TLS}, pins: ["sha1/${PIN}"] }
  => 11:75 "server.tls.pins[0]" must be a pin as check prints it, sha256/ and 44 characters
watch: file => 11:18 "server.watch" must be one of credentials, all, none
readiness: none => 11:22 "server.readiness" must be one of started, any, all
trusted_proxies: 10.0.0.1 => 11:28 "server.trusted_proxies" ${LIST}
trusted_proxies: ["10.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "::1", "fd00::/8", "2001:db8::7", "::ffff:10.0.0.1"]
`,
  );
  const PROXIES = ["localhost", "10.0.0", "010.0.0.1", "10.0.0.1/33", '"[::1]"', '"*"', '""', "7"];
  const proxy = (text: string) => `trusted_proxies: [10.0.0.1, ${text}] => 11:39 "server.trusted_proxies[1]" ${RANGE}`;
  reportsShape(server, PROXIES.map(proxy).join("\n"));
  const DIFFER = '"server.admin" must differ from server.listen, because callers must not reach it';
  reports(
    server,
    `
${proxy("10.0.0.1:80")}
${proxy('"fd00::/129"')}
${proxy('"fe80::1%eth0"')}
listen: 0.0.0.0:80, admin: 0.0.0.0:80 => 11:38 ${DIFFER}
listen: 127.0.0.1:9613 => 11:9 ${DIFFER}
listen: 127.0.0.1:0, admin: 127.0.0.1:0
listen: 127.0.0.1:80, admin: 10.0.0.1:80
`,
  );
});
