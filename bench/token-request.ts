// The token request that every relay sends.

export const FORM = "grant_type=urn%3Aexample%3Auser&userid=alice&nonce=bm9uY2Utb2YtYS1zZXNzaW9u";
export const HEADERS: Readonly<Record<string, string>> = {
  authorization: `Basic ${Buffer.from("token-proxy:secret-of-the-client").toString("base64")}`,
  "content-type": "application/x-www-form-urlencoded",
  accept: "application/json",
};

/** For an environment variable or a binding. */
export const TOKEN_REQUEST = JSON.stringify({ form: FORM, headers: HEADERS });
