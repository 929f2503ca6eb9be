// The ports of the core on Node: clock, identifiers, hashing.

import { hash, randomBytes, randomUUID } from "node:crypto";
import type { Clock, HashText, Ids, Sha256 } from "../core/ports.ts";

export const nodeClock: Clock = { now: () => Date.now(), elapsed: () => performance.now() };

export const nodeIds: Ids = { uuid: () => randomUUID(), random: (length) => randomBytes(length) };

export const nodeSha256: Sha256 = (bytes) => hash("sha256", bytes, "buffer");

export const nodeHashText = ((text) => hash("sha256", text, "hex")) satisfies HashText;
