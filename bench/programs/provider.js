// The static provider when nginx is not installed or when answers shall take some time.

import { createServer } from "node:http";

const answers = new Map(
  Object.entries(JSON.parse(process.env.ANSWERS)).map(([path, text]) => [path, Buffer.from(text)]),
);
const delay = Number(process.env.DELAY_MS);

const server = createServer((request, response) => {
  const text = answers.get(request.url);
  request.resume();
  request.once("end", () => {
    response.statusCode = text === undefined ? 404 : 200;
    response.setHeader("Content-Type", "application/json");
    if (delay > 0) setTimeout(() => response.end(text), delay);
    else response.end(text);
  });
});
server.keepAliveTimeout = 600_000; // keeps connections open between the parts of a measurement
server.listen(Number(process.env.PORT), "127.0.0.1");
