// Sends one call to a running proxy, for the command get-token: any status and body is an answer.

import { Agent, request } from "undici";

export interface SentCall {
  method: "GET" | "POST";
  url: string;
  headers: Readonly<Record<string, string>>;
  body?: string;
}

/** PEM; undefined where the runtime's own trust, and no certificate of ours, will do. */
export interface CallTls {
  certificate: string | undefined;
  private_key: string | undefined;
  ca: string | undefined;
}

export interface CallAnswer {
  status: number;
  contentType: string | undefined;
  body: Uint8Array;
}

/** No answer came. The message says why in the system's words, as ECONNREFUSED. */
export class SendError extends Error {
  override readonly name = "SendError";
}

const TIMEOUT_MS = 30_000;
/** More than max_response_bytes may be. */
const MAX_ANSWER_BYTES = 8_388_608;

/** @throws {SendError} */
export async function sendCall({ method, url, headers, body }: SentCall, tls: CallTls): Promise<CallAnswer> {
  const dispatcher = new Agent({
    maxResponseSize: MAX_ANSWER_BYTES,
    connect: { cert: tls.certificate, key: tls.private_key, ca: tls.ca },
  });
  try {
    const answer = await request(url, {
      method,
      headers,
      body: body ?? null,
      dispatcher,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const type = answer.headers["content-type"];
    return {
      status: answer.statusCode,
      contentType: Array.isArray(type) ? type[0] : type,
      body: new Uint8Array(await answer.body.arrayBuffer()),
    };
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException;
    throw new SendError(code ?? name, { cause: error });
  } finally {
    await dispatcher.close();
  }
}
