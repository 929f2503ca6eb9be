// Isolation under load on Node: 200 users at once, answers out of order, faults, and not one answer that is another call's.

import { describeIsolation } from "../support/isolation.ts";

describeIsolation("node", Number(process.env.SOAK_CALLS ?? 100_000));
