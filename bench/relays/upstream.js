// What the relays have in common: the request that they send to the provider, and their end. They are plain JavaScript, so that none of
// them pays for the stripping of types.

import { createServer } from "node:http";
import { Pool } from "undici";

export const PORT = Number(process.env.PORT);
export const TOKEN_ENDPOINT = new URL(process.env.TOKEN_ENDPOINT);
export const { form: FORM, headers: HEADERS } = JSON.parse(process.env.TOKEN_REQUEST);

process.once("SIGINT", () => process.exit()); // an end of its own accord, at which --cpu-prof writes its file

/**
 * The least that a relay can be: bare node:http towards the caller, undici's dispatcher towards the provider.
 * @param {() => string} form what is sent for one call
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
