// What operators see of the running service: the input of the status page, /readyz and the gauges.

import type { Config } from "../../config/parse.ts";
import type { Discovery } from "../../oauth/discovery.ts";
import { nodeClock } from "../host.ts";
import type { Program } from "../program.ts";
import { packageVersion } from "../version.ts";
import type { Recorder } from "./recorder.ts";

export const VERSIONS = { version: packageVersion, node: process.versions.node };

/** Times are milliseconds since the epoch. */
export interface State {
  draining: boolean;
  started_at: number;
  /** When the configuration in use was loaded. */
  configured_at: number;
  reload: { at: number; problem: string | undefined } | undefined;
}

export type Snapshot = ReturnType<typeof takeSnapshot>;
export type ProviderSnapshot = Snapshot["providers"][number];

/** Nothing in it identifies a user. */
export function takeSnapshot(program: Program, recorder: Recorder, state: State, in_flight: number) {
  void program.readAssertions(); // for the next snapshot
  const endpoints = [...program.config.get_token, ...program.config.webnonce_exchange];
  const providers = [...program.providers.values()].map(({ name, state: stateOf, discovery }) => {
    /** Of the bindings and exchanges that name it. */
    const paths = new Set(endpoints.filter(({ provider }) => provider === name).map(({ path }) => path));
    const found: ReturnType<Discovery["state"]> = discovery?.state() ?? { ready: true };
    return { name, paths: [...paths], ...found, ...stateOf(), ...recorder.provider(name) };
  });
  const reached = providers.filter(({ ready }) => ready).length;
  return {
    ...VERSIONS,
    ...state,
    at: nodeClock.now(),
    ready: isReady(program.config.server.readiness, reached, providers.length, nodeClock.elapsed()),
    in_flight,
    providers,
    nextauth: program.nextauth.all.map(({ key }) => recorder.nextauth(key)),
    keys: program.keys,
    certificates: program.certificates,
    egress_proxy: program.egress_proxy,
    calls: recorder.calls(),
  };
}

/** After this, a provider that is down must not hold up the calls to others. */
const START_MS = 30_000;

/** @param upFor milliseconds since the start */
export function isReady(policy: Config["server"]["readiness"], reached: number, all: number, upFor: number): boolean {
  return reached >= { started: upFor < START_MS ? all : 0, any: 1, all }[policy];
}
