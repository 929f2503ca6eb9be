// Notices that a provider refuses everybody: then the setup is wrong, and not the users.

import type { Log } from "../core/ports.ts";
import type { Answer } from "./judge-answer.ts";

/** In a row, without a token in between. */
export const REFUSALS_OF_EVERYBODY = 10;
const USERS_OF_EVERYBODY = 3;

export function createRefusalWatch(name: string, log: Log) {
  let refusals = 0;
  let isEverybody = false;
  const users = new Set<string>(); // never more than three, and until the next token

  return {
    note({ refusal }: Pick<Answer, "refusal">, userid = ""): void {
      if (refusal === undefined) {
        users.clear();
        refusals = 0;
        isEverybody = false;
        return;
      }
      refusals += 1;
      if (users.size < USERS_OF_EVERYBODY) users.add(userid);
      if (isEverybody || refusals < REFUSALS_OF_EVERYBODY || users.size < USERS_OF_EVERYBODY) return;
      isEverybody = true;
      log("warn", "provider refuses everybody", { provider: name, refusals, ...refusal.words() });
    },
    state: () => ({ refusedUsers: users.size, refusesEverybody: isEverybody }),
  };
}
