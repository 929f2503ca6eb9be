// The base for Workers: a bare fetch relays the provider's answer.

let sent;

export default {
  async fetch(request, env) {
    await request.arrayBuffer();
    sent ??= JSON.parse(env.TOKEN_REQUEST);
    const { status, headers, body } = await fetch(env.TOKEN_ENDPOINT, {
      method: "POST",
      headers: sent.headers,
      body: sent.form,
    });
    return new Response(body, { status, headers: { "Content-Type": headers.get("content-type") } });
  },
};
