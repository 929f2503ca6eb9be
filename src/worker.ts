// Entry point for Cloudflare Workers: serves the configuration file that wrangler.toml bundles.

import file from "../worker/token-proxy.yaml";
import { createWorker } from "./worker/create-worker.ts";

export default createWorker(file);
