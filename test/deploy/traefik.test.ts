// Traefik's file, without Traefik: it parses, its names exist, and it retries nothing.

import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { parseConfig } from "../../src/config/parse.ts";
import { fileConfig } from "../support/config.ts";

const text = await readFile("deploy/traefik/dynamic.yaml", "utf8");
const { http, tls } = parse(text, { strict: true });
const router = http.routers["token-proxy"];
const service = http.services[router.service].loadBalancer;

it("names exactly the services, middlewares, transports and TLS options that the file has", () => {
  expect(Object.keys(http.services)).toEqual([router.service]);
  expect(Object.keys(http.middlewares)).toEqual(router.middlewares);
  expect(Object.keys(http.serversTransports)).toEqual([service.serversTransport]);
  expect(Object.keys(tls.options)).toEqual([router.tls.options]);
});

it("sends requests to the port of getToken, and none to the admin listener", () => {
  const minimal = JSON.stringify(fileConfig("https://sso.bank.example/token", { file: { server: {} } }));
  const { listen, admin } = parseConfig(minimal, "file").config.server;
  expect(service.servers).toEqual([{ url: `http://${listen.host}:${listen.port}` }]);
  expect(JSON.stringify({ http, tls })).not.toContain(String(admin.port));
});

it("retries nothing: a second getToken would be a second token", () => {
  expect(JSON.stringify({ http, tls })).not.toMatch(/retry/i);
});

it("accepts at least the bodies that the service accepts, and waits longer", () => {
  const body = http.middlewares["token-proxy-body"].buffering;
  expect(body.maxRequestBodyBytes).toBeGreaterThan(65_536);
  expect(body.memRequestBodyBytes).toBe(body.maxRequestBodyBytes); // nothing on the disk
  const { responseHeaderTimeout, idleConnTimeout } = http.serversTransports["token-proxy"].forwardingTimeouts;
  expect(Number.parseInt(responseHeaderTimeout, 10)).toBeGreaterThan(8); // get_token.timeout
  expect(Number.parseInt(idleConnTimeout, 10)).toBeLessThan(65); // keep-alive of the listener
});
