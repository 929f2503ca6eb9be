// The entry for Cloudflare Workers: the configuration file that wrangler.toml bundles, served.

import file from "../worker/token-proxy.yaml";
import { createWorker } from "./worker/create-worker.ts";

export default createWorker(file);
