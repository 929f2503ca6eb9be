// Broken setups in which the way to the token endpoint is wrong: networks, TLS, discovery.

import type { BrokenSetup } from "../broken-setups.ts";

const REJECTED = "provider_rejected_proxy";
const refusal = (error: string, error_description?: string, status = 400) => ({
  token: { status, body: { error, error_description } },
});

export const NETWORK: readonly BrokenSetup[] = [
  {
    base: "secret",
    broken: "nothing listens on the port",
    action: { stop: "provider" },
    expect: "provider_unreachable",
    says: "ECONNREFUSED",
  },
  {
    base: "secret",
    broken: "the host name does not exist",
    provider: { issuer: "https://no-such-host.invalid" },
    expect: "provider_unreachable",
    says: "no-such-host.invalid",
    setting: "issuer",
  },
  {
    base: "secret",
    broken: "the server accepts connections and says nothing",
    provider: { timeout: "1s" },
    action: { listener: "silent" },
    expect: "provider_timeout",
    says: "in time",
  },
  {
    base: "tls",
    broken: "the authority is not trusted",
    provider: { tls: undefined },
    action: { listener: "tls" },
    expect: "provider_unreachable",
    says: "127.0.0.1",
    setting: "tls.ca",
  },
  {
    base: "tls",
    broken: "the certificate is for another host",
    action: { listener: "tls for another host" },
    expect: "provider_unreachable",
    says: /other\.example|ERR_TLS_CERT_ALTNAME_INVALID/,
  },
  {
    base: "tls",
    broken: "the certificate has expired",
    action: { listener: "expired tls" },
    expect: "provider_unreachable",
    says: "expired",
  },
  {
    base: "secret",
    broken: "https is spoken to a port without TLS",
    provider: ({ url }) => ({ issuer: url.replace("http:", "https:") }),
    expect: "provider_unreachable",
    says: "without TLS",
    setting: "issuer",
  },
  {
    base: "tls",
    broken: "http is spoken to a TLS port",
    provider: ({ url }) => ({ issuer: url.replace("https:", "http:") }),
    action: { listener: "tls" },
    expect: "provider_unreachable",
    says: "https",
    setting: "issuer",
  },
  {
    base: "secret",
    broken: "a client certificate goes to an http URL",
    provider: {
      token_endpoint_auth_method: "tls_client_auth",
      client_secret: undefined,
      tls: { certificate: { env: "CERTIFICATE" }, private_key: { env: "CERTIFICATE_KEY" } },
    },
    expect: "config",
    says: "https",
    setting: "tls.certificate",
  },
];

export const DISCOVERY: readonly BrokenSetup[] = [
  {
    base: "secret",
    broken: "discovery fails with 500",
    action: { discovery: { status: 500, body: "oops" } },
    expect: "provider_error",
    says: "the provider has a problem",
  },
  {
    base: "secret",
    broken: "discovery is not available for the moment",
    action: { discovery: { status: 503, body: "starting" } },
    expect: "provider_error",
    says: "503",
  },
  {
    base: "secret",
    broken: "discovery is not found",
    action: { discovery: { status: 404, body: "not found" } },
    expect: "provider_wrong_endpoint",
    says: "/.well-known/openid-configuration",
    setting: "issuer",
  },
  {
    base: "secret",
    broken: "discovery is a page",
    action: { discovery: { body: "<html>welcome</html>" } },
    expect: "provider_not_json",
    says: "not a JSON object",
    setting: "issuer",
  },
  {
    base: "secret",
    broken: "discovery redirects",
    action: { discovery: { status: 302, headers: { location: "https://login.example/" } } },
    expect: "provider_redirected",
    says: "redirect",
    setting: "issuer",
  },
  {
    base: "secret",
    broken: "discovery asks for a login",
    action: { discovery: { status: 401, body: {} } },
    expect: "provider_error",
    says: "401",
  },
  {
    base: "secret",
    broken: "the document has another issuer",
    action: { discovery: { body: { issuer: "https://other.example", token_endpoint: "{{url}}/token" } } },
    expect: "provider_error",
    says: '"https://other.example"',
    setting: "issuer",
  },
  {
    base: "secret",
    broken: "the document's issuer has a slash at its end",
    action: { discovery: { body: { issuer: "{{url}}/", token_endpoint: "{{url}}/token" } } },
    expect: "provider_error",
    says: "slash",
    setting: "issuer",
  },
  {
    base: "secret",
    broken: "the document's issuer is https",
    action: { discovery: { body: { issuer: "https://127.0.0.1", token_endpoint: "{{url}}/token" } } },
    expect: "provider_error",
    says: "https",
    setting: "issuer",
  },
  {
    base: "secret",
    broken: "the document has no token endpoint",
    action: { discovery: { body: { issuer: "{{url}}" } } },
    expect: "provider_error",
    says: "token_endpoint",
  },
  {
    base: "secret",
    broken: "metadata_url leads nowhere",
    provider: ({ url }) => ({ metadata_url: `${url}/nothing` }),
    action: { discovery: { status: 404 } },
    expect: "provider_wrong_endpoint",
    says: "/nothing",
    setting: "metadata_url",
  },
  {
    base: "private_key_jwt",
    broken: "the provider does not list our algorithm",
    action: {
      discovery: {
        body: {
          issuer: "{{url}}",
          token_endpoint: "{{url}}/token",
          token_endpoint_auth_methods_supported: ["private_key_jwt"],
          token_endpoint_auth_signing_alg_values_supported: ["RS256"],
        },
      },
    },
    expect: "token",
    says: /warning.*ES256/,
    setting: "token_endpoint_auth_signing_alg_values_supported",
  },
  {
    base: "secret",
    broken: "the token endpoint needs another authentication method",
    action: {
      discovery: {
        body: {
          issuer: "{{url}}",
          token_endpoint: "{{url}}/token",
          token_endpoint_auth_methods_supported: ["client_secret_post"],
        },
      },
      ...refusal("invalid_client", undefined, 401),
    },
    expect: REJECTED,
    says: "client_secret_post",
    setting: "token_endpoint_auth_method",
  },
];
