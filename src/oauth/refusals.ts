// Notices that a provider refuses everybody: then the setup is wrong, and not the users.

import type { Log } from "../core/ports.ts";
import type { Answer } from "./judge-answer.ts";

/** In a row, without a token in between. */
export const REFUSALS_OF_EVERYBODY = 10;
const USERS_OF_EVERYBODY = 3;

/** @param name the provider's name in the file */
export function createRefusalWatch(name: string, log: Log) {
  let refusals = 0;
  let refusedUsers = 0;
  /** No longer needed, and so empty, once there are enough. */
  const users = new Set<string>();
  const isEverybody = () => refusals >= REFUSALS_OF_EVERYBODY && refusedUsers === USERS_OF_EVERYBODY;

  return {
    note({ refusal }: Pick<Answer, "refusal">, userid: string | undefined): void {
      if (refusal === undefined) {
        users.clear();
        refusals = 0;
        refusedUsers = 0;
        return;
      }
      const wasEverybody = isEverybody();
      refusals += 1;
      if (refusedUsers < USERS_OF_EVERYBODY) refusedUsers = users.add(userid ?? "").size;
      if (refusedUsers === USERS_OF_EVERYBODY) users.clear();
      if (isEverybody() && !wasEverybody) {
        log("warn", "provider refuses everybody", { provider: name, refusals, ...refusal.words() });
      }
    },
    /** `refusedUsers` is counted up to three. */
    state: () => ({ refusedUsers, refusesEverybody: isEverybody() }),
  };
}
