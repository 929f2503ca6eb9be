// What is known about a product: whose fault each of its errors is, and how to recognise it.

/**
 * `credential`: this proxy's fault, and another of its credentials may work. `unclear`: the text
 * does not tell, so the general rule of judge-answer.ts decides.
 */
export type About = "user" | "proxy" | "outage" | "credential" | "unclear";

/** In a description, `*` is any text. `setting` is a key of the provider, or below `signing`. */
export type KnownError = readonly [about: About, error: string, description: string, means: string, setting?: string];

export interface Kind {
  /** The versions whose answers were seen. */
  seenIn: string;
  /** Matches `TOKEN_ENDPOINT JWKS_URI` of its metadata. */
  metadata: RegExp;
  /** The claim of its access tokens that holds the name of the user. */
  userClaim: string;
  /** The first match counts. */
  errors: readonly KnownError[];
}
