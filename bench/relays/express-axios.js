// Express and axios as they are usually combined: both parse JSON, and Express serializes it again.

import axios from "axios";
import express from "express";
import { FORM, HEADERS, PORT, TOKEN_ENDPOINT } from "./upstream.js";

const app = express();
app.use(express.json());
app.post("/getToken", async (_request, response) => {
  const { status, data } = await axios.post(TOKEN_ENDPOINT.href, new URLSearchParams(FORM), { headers: HEADERS });
  response.status(status).json(data);
});
app.listen(PORT, "127.0.0.1");
