// The token request that all relays send. They are JavaScript, so they start without type stripping.

import { createServer } from "node:http";
import { Pool } from "undici";

export const PORT = Number(process.env.PORT);
export const TOKEN_ENDPOINT = new URL(process.env.TOKEN_ENDPOINT);
export const { form: FORM, headers: HEADERS } = JSON.parse(process.env.TOKEN_REQUEST);

process.once("SIGINT", () => process.exit()); // --cpu-prof only writes its file at a normal exit

/**
 * The smallest relay: bare node:http for callers, undici's dispatcher for the provider.
 *
 * @param {() => string} form returns the body of one token request
 */
export function serveBareRelay(form) {
  const pool = new Pool(TOKEN_ENDPOINT.origin);
  const path = TOKEN_ENDPOINT.pathname;
  createServer((request, response) => {
    const received = [];
    request.on("data", (chunk) => received.push(chunk));
    request.on("end", () => {
      pool.dispatch({ path, method: "POST", headers: HEADERS, body: form() }, new Relay(response));
    });
  }).listen(PORT, "127.0.0.1");
}

class Relay {
  #response;
  #chunks = [];

  constructor(response) {
    this.#response = response;
  }

  onRequestStart() {}

  onResponseStart(_controller, status, headers) {
    this.#response.statusCode = status;
    this.#response.setHeader("Content-Type", headers["content-type"]);
  }

  onResponseData(_controller, chunk) {
    this.#chunks.push(chunk);
  }

  onResponseEnd() {
    this.#response.end(this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks));
  }

  onResponseError() {
    this.#response.statusCode = 502;
    this.#response.end();
  }
}
