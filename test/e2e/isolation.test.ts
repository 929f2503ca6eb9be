// Isolation under load on whichever runtime this run is about; the long soak on Node is in test/faults.

import { RUNTIME } from "../support/host.ts";
import { describeIsolation } from "../support/isolation.ts";

describeIsolation(RUNTIME, 5_000);
