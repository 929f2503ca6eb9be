// The smallest server in Node. It asks no provider. The base for start and idle.

import { createServer } from "node:http";

createServer((request, response) => {
  request.resume();
  request.on("end", () => response.setHeader("Content-Type", "application/json").end(process.env.ANSWER));
}).listen(Number(process.env.PORT), "127.0.0.1");
