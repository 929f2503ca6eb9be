// Setups that are broken on purpose, and what `check --live` must say about each.

import { HYDRA } from "./broken/hydra.ts";
import { KEYCLOAK } from "./broken/keycloak.ts";
import { OTHERS } from "./broken/others.ts";
import { SPRING } from "./broken/spring.ts";
import { WIRE } from "./broken/wire.ts";

export type Server = "keycloak" | "hydra" | "spring" | "mock" | "uaa" | "glewlwyd" | "authlib" | "scripted";

/** Where the server of a row listens, for values that depend on it. */
export interface Place {
  /** Origin, without a path. */
  url: string;
  issuer: string;
  tokenEndpoint: string;
}

type Patch = object | ((at: Place) => object);

export interface BrokenSetup {
  /** The name of the working file that is broken, such as "jwt grant". */
  base: string;
  /** What is wrong, in plain words. */
  broken: string;
  /** Members to merge into the provider of the file; undefined removes one. */
  provider?: Patch;
  /** Members to merge into the file. */
  file?: Patch;
  /** Environment variables to change. */
  secrets?: Record<string, string>;
  /** The user to ask for: alice works. */
  userid?: string;
  /** Further options of `check`. */
  options?: readonly string[];
  /** Seconds by which our clock is ahead. */
  clock?: number;
  /** What is done to the server, or to the address that serves our keys, and undone afterwards. */
  action?: Action;
  /** An error_code; or refused, config (a faulty file), token (with a warning). */
  expect: string;
  /** What the output must contain: the provider's words, or a word that leads to the cause. */
  says: string | RegExp;
  /** The key of the file, or the setting at the provider, that the output must name. */
  setting?: string;
}

/** A change through the server's admin API, or something that happens to a process. */
export type Action =
  | { at: string; change: object }
  | { at: string; remove: true }
  | { stop: "provider" | "keys" }
  | Scripted;

/** What a scripted provider answers. */
export interface Scripted {
  listener?: "tls" | "tls for another host" | "expired tls" | "silent";
  discovery?: ScriptedAnswer;
  token?: ScriptedAnswer;
  /** What our published JWKS answers. */
  keys?: ScriptedAnswer;
}

export interface ScriptedAnswer {
  status?: number;
  headers?: Record<string, string>;
  /** A text is sent as HTML; `{{url}}` becomes the server's origin. */
  body?: string | object;
}

export const BROKEN_SETUPS: Readonly<Partial<Record<Server, readonly BrokenSetup[]>>> = {
  keycloak: KEYCLOAK,
  hydra: HYDRA,
  spring: SPRING,
  ...OTHERS,
  scripted: WIRE,
};
