// The command `schema`: the JSON Schema of the configuration file, for editors and for checks in a pipeline.

import { configurationSchema } from "../config/json-schema.ts";

/** @returns true */
export async function schema(): Promise<boolean> {
  console.log(JSON.stringify(configurationSchema(), null, 2));
  return true;
}
