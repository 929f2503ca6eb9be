// The quickest start that Node knows: a server that answers every call with a text.

import { createServer } from "node:http";

createServer((request, response) => {
  request.resume();
  request.on("end", () => response.setHeader("Content-Type", "application/json").end(process.env.ANSWER));
}).listen(Number(process.env.PORT), "127.0.0.1");
