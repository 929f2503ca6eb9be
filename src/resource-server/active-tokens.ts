// Remembers which tokens were active when the issuer was last asked, where the options say so (introspection.cacheFor).

/** Tokens held at most; the oldest goes first. An entry is some hundred bytes. */
const MAX_TOKENS = 5_000;

export interface ActiveTokens {
  has(token: string): Promise<boolean>;
  /** @param until milliseconds since the epoch */
  add(token: string, until: number): Promise<void>;
}

/**
 * By the SHA-256 of each token: what is kept lets nobody in who gets to read it. Answers only, and positive ones: never a request
 * that is still under way, which would be another request's (workerd would not end it), and never that a token is not active,
 * which a made-up token would fill the memory with.
 */
export function createActiveTokens(): ActiveTokens {
  const untils = new Map<string, number>();
  const encoder = new TextEncoder();

  async function digestOf(token: string): Promise<string> {
    const digest = await crypto.subtle.digest("SHA-256", encoder.encode(token));
    return String.fromCharCode(...new Uint8Array(digest));
  }

  return {
    async has(token) {
      const until = untils.get(await digestOf(token));
      return until !== undefined && Date.now() < until;
    },
    async add(token, until) {
      const digest = await digestOf(token);
      untils.delete(digest); // so that it stands at the end, with the youngest
      untils.set(digest, until);
      const [oldest] = untils.keys();
      if (oldest !== undefined && untils.size > MAX_TOKENS) untils.delete(oldest);
    },
  };
}
