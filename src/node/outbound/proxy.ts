// Egress proxies: which one the environment names, and TLS to a server inside a tunnel through one.

import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import { unescape as decodePercent } from "node:querystring";
import { promisify } from "node:util";
import { type buildConnector, errors } from "undici";
import { inTime } from "../../core/deadline.ts";
import { Secret } from "../../core/secret.ts";
import type { EgressProxy, ProxyFor } from "../../core/transport.ts";
import { isLoopback } from "../../core/url.ts";
import { nodeClock } from "../host.ts";

/** @param timeout milliseconds for everything: connection, tunnel and TLS */
export async function connectThrough(
  { url, authorization }: EgressProxy,
  at: buildConnector.Options,
  connectTls: buildConnector.connector,
  timeout: number,
) {
  const { protocol, hostname } = new URL(url);
  const host = `${at.host}${at.port === "" ? ":443" : ""}`;
  const basic = authorization && Buffer.from(authorization.reveal()).toString("base64");
  const request = (protocol === "https:" ? https : http).request(url, {
    method: "CONNECT",
    path: host,
    headers: basic === undefined ? { host } : { host, "proxy-authorization": `Basic ${basic}` },
    agent: false,
    // By default of the Host header, against which Node would then check the proxy's certificate.
    servername: /^\[|^[\d.]+$/.test(hostname) ? "" : hostname,
  });
  request.removeHeader("connection"); // Node would ask the proxy to close it
  let open: { destroy(): void } = request;
  const connect = async () => {
    const [{ statusCode }, tunnel, surplus] = await once(request.end(), "connect");
    open = tunnel;
    if (statusCode < 200 || statusCode > 299) throw proxyError(statusCode);
    if (surplus.length > 0) throw proxyError("SURPLUS"); // a TLS server never speaks first
    return await promisify(connectTls)({ ...at, httpSocket: tunnel });
  };
  try {
    return await inTime(connect(), timeout, nodeClock.elapsed, () => new errors.ConnectTimeoutError());
  } catch (error) {
    open.destroy();
    if (open !== request || error instanceof errors.ConnectTimeoutError) throw error;
    throw proxyError((error as NodeJS.ErrnoException).code);
  }
}

/** For the log: PROXY_407 was its answer. undici treats some codes as the server's without it. */
const proxyError = (reason = "ERROR") => Object.assign(new Error("no tunnel"), { code: `PROXY_${reason}` });

/**
 * As curl reads the variables: lower case first, and an empty one is not set.
 * @param fault called if https_proxy is not the URL of a proxy
 */
export function proxyOfEnvironment(env: NodeJS.ProcessEnv, fault: (problem: string) => void): ProxyFor | undefined {
  const written = env.https_proxy || env.HTTPS_PROXY || "";
  const url = URL.parse(written.includes("://") ? written : `http://${written}`);
  if (url === null || !/^https?:$/.test(url.protocol)) return void fault(UNUSABLE);
  const userinfo = decodePercent(`${url.username}:${url.password}`);
  const proxy = { url: url.origin, authorization: userinfo === ":" ? undefined : new Secret(userinfo) };
  const entries = (env.no_proxy || env.NO_PROXY || "").toLowerCase().match(/[^\s,]+/g) ?? [];
  const exclusions = entries.map((entry) => /^\*?\.?(.*?)\.?(?::(\d+))?$/.exec(entry) as RegExpExecArray);
  return ({ protocol, hostname, port }) => {
    const [host, at] = [hostname.replace(/\.$/, ""), port || "443"];
    const isExcluded = exclusions.some(
      ([, domain, only = at]) => only === at && (domain === "" || `.${host}`.endsWith(`.${domain}`)),
    );
    return protocol !== "https:" || isLoopback(host) || isExcluded ? undefined : proxy;
  };
}

const UNUSABLE =
  "is true, but https_proxy in the environment is not the URL of a proxy, like http://egress.bank.example:3128: correct it, or write false here";
