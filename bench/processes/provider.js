// The static provider where nginx is not installed, or where answers are to take their time: a bare server, a process of its own.

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
server.keepAliveTimeout = 600_000; // no connection of a variant is closed while it waits for its next round
server.listen(Number(process.env.PORT), "127.0.0.1");
