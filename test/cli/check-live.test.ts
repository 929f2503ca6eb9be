import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { fileConfig, providerConfig, SECRETS } from "../support/config.ts";
import { unsignedJwt } from "../support/fakes.ts";
import {
  type Answer,
  json,
  type RecordingProvider,
  respond,
  startRecordingProvider,
} from "../support/recording-provider.ts";
import { useCheck } from "./use-check.ts";

const command = useCheck();
let provider: RecordingProvider;
beforeAll(async () => {
  provider = await startRecordingProvider();
});
beforeEach(() => {
  provider.requests.length = 0;
});
afterAll(() => provider?.close());

async function live(answer: Answer, args: string[] = [], changes: object = {}) {
  provider.answer = answer;
  const settings = { params: { userid: "{{userid}}" }, ...changes };
  const file = fileConfig(provider.tokenEndpoint, { provider: settings });
  return command.check(file, ["--live", "--userid", "alice", ...args]);
}

const now = Math.floor(Date.now() / 1_000);
const jwt = (claims: object) => unsignedJwt(claims, { alg: "ES256", kid: "k" });
const token = (claims: object, more: object = {}) => json({ access_token: jwt(claims), token_type: "Bearer", ...more });

describe("a token", () => {
  it("is described by its claims, scope and lifetime, and never printed", async () => {
    const claims = { iss: "https://idp.example", sub: "alice", aud: "accounts-api", iat: now, exp: now + 300 };
    const { status, out } = await live(token(claims, { scope: "accounts", expires_in: 300 }));
    expect(status).toBe(0);
    expect(out).toContain('"kid":"k"');
    expect(out).toContain('"sub":"alice","aud":"accounts-api"');
    expect(out).toMatch(/scope +accounts\n {2}lifetime +300 s\n/);
    expect(out).not.toContain(jwt(claims));
    expect(out).not.toContain("warning");
  });

  it("is warned of if it lives for more than an hour, or comes with a refresh token", async () => {
    const { status, out } = await live(token({ sub: "alice" }, { expires_in: 3_601, refresh_token: "r" }));
    expect(status).toBe(0);
    expect(out.match(/^ {2}warning .*$/gm)).toEqual([
      "  warning         the token lives for more than an hour: let it end sooner",
      "  warning         there is a refresh_token: switch it off at the provider, and set forbid_members",
    ]);
  });

  it("is warned of if only its JWT lives for so long, because resource servers follow that", async () => {
    const { out } = await live(token({ sub: "alice", exp: now + 36_000 }, { expires_in: 300 }));
    expect(out).toContain("the token lives for more than an hour");
  });

  it("that grants something else than the file expects is described too", async () => {
    const { status, out } = await live(token({ sub: "alice", aud: "other" }), [], { expect_audience: "api" });
    expect(status).toBe(1);
    expect(out).toContain("FAILED          provider_wrong_audience");
    expect(out).toContain('"aud":"other"');
  });

  it("that is opaque cannot be checked by expect_subject, unless another member names the user", async () => {
    const opaque = { access_token: "opaque-token-text", expires_in: 60 };
    const { out } = await live(json(opaque));
    expect(out).toMatch(/access_token +opaque, not a JWT/);
    expect(out).toContain("expect_subject cannot work, because the token is opaque");
    expect(out).not.toContain("opaque-token-text");
    const named = await live(json({ ...opaque, id_token: jwt({ sub: "alice" }) }));
    expect(named.out).toContain("set expect_subject: id_token.sub, because the token is opaque");
  });

  it("whose sub is an internal id is best checked by the claim that has the userid", async () => {
    const { out } = await live(token({ sub: "b5d3", preferred_username: "alice" }));
    expect(out).toContain(
      "set expect_subject: access_token.preferred_username, because sub is the provider's internal id",
    );
    const set = await live(token({ sub: "b5d3", name: "alice" }), [], { expect_subject: "access_token.name" });
    expect(set.out).not.toContain("expect_subject");
    const wrong = await live(token({ sub: "b5d3", name: "alice" }), [], { expect_subject: "access_token.sub" });
    expect(wrong.status).toBe(1);
    expect(wrong.out).toContain("set expect_subject: access_token.name");
  });

  it.each([
    [{ sub: "token-proxy" }, /warning +the token's sub is "token-proxy", the client itself/],
    [{ sub: "bob" }, /warning +the token's sub is "bob", not the requested user/],
  ])("is warned of if it is not for the user: %j", async (claims, warning) => {
    expect((await live(token(claims))).out).toMatch(warning);
  });

  it.each<[string, number, RegExp]>([
    ["agrees", 0, /clock +it sends no Date, and its token's iat is [0-4] s (?:ahead of|behind) our clock/],
    ["is ahead", 90, /warning +it sends no Date, and its token's iat is (?:8\d|90) s ahead of our clock/],
    ["is behind", -90, /warning +it sends no Date, and its token's iat is (?:9\d|1\d\d) s behind our clock/],
  ])("shows the clock of a provider without a Date, which %s", async (_, skew, expected) => {
    const iat = Math.floor(Date.now() / 1_000) + skew;
    expect((await live(token({ sub: "alice", iat }))).out).toMatch(expected);
  });
});

it.each([
  ["scope", { scope: SECRETS.CLIENT_SECRET }],
  ["name of a member", { [SECRETS.CLIENT_SECRET as string]: 1 }],
  ["token", { access_token: jwt({ sub: "alice", aud: SECRETS.CLIENT_SECRET }) }],
])("a token response that repeats our secret as its %s is not printed", async (_, members) => {
  const { out } = await live(json({ access_token: "opaque", ...members }));
  expect(out).toMatch(/warning +its answer repeats a credential of this proxy/);
  expect(out).not.toContain(SECRETS.CLIENT_SECRET);
});

describe("an answer without a token", () => {
  it("is not printed if it could contain one", async () => {
    for (const body of ["access_token=secret-in-a-form&token_type=bearer", "<p>secret-in-a-page</p>"]) {
      const { status, out } = await live(respond({ body }));
      expect(status).toBe(1);
      expect(out).not.toContain("secret-in");
    }
  });

  it.each([
    ["error", { error: { toString: 1 } }, 400],
    ["error_description", { error: "invalid_client", error_description: { toString: 1 } }, 400],
    ["scope", { access_token: "x", scope: { toString: 1 } }, 200],
    ["expires_in", { access_token: "x", expires_in: { toString: 1 } }, 200],
  ])("or with one is described even if its %s is no text", async (_, body, status) => {
    const { err } = await live(json(body, status));
    expect(err).toBe("");
  });

  it("is printed without what was sent to the provider", async () => {
    const error_description = `wrong secret ${SECRETS.CLIENT_SECRET}\u001b[2J`;
    const { out } = await live(json({ error: "invalid_client", error_description }, 401));
    expect(out).toMatch(/it says +invalid_client: wrong secret \[redacted\]/);
    expect(out).not.toContain(SECRETS.CLIENT_SECRET);
    expect(out).not.toContain("\u001b");
  });
});

describe("--probe", () => {
  const REFUSED = { error: "invalid_grant", error_description: "No such user." };
  const byUser =
    (known: Answer, unknown: Answer): Answer =>
    (socket, request) =>
      (request.body.includes("alice") ? known : unknown)(socket, request);

  it("asks once more, for a user that cannot exist", async () => {
    const { status } = await live(byUser(token({ sub: "alice" }), json(REFUSED, 400)), ["--probe"]);
    expect(status).toBe(0);
    const users = provider.requests.map(({ body }) => new URLSearchParams(body).get("userid"));
    expect(users).toEqual(["alice", expect.stringMatching(/^no-such-user-[0-9a-f-]{36}$/)]);
  });

  it("says that the setup is wrong if both are refused in the same words", async () => {
    const same = await live(json(REFUSED, 400), ["--probe"]);
    expect(same.out).toMatch(/advice +the same refusal: the setup is wrong/);
    const named = await live(
      (socket, request) => {
        const userid = new URLSearchParams(request.body).get("userid");
        json({ error: "invalid_grant", error_description: `No user ${userid} here.` }, 400)(socket, request);
      },
      ["--probe"],
    );
    expect(named.out).toMatch(/advice +the same refusal: the setup is wrong/);
    const other = { ...REFUSED, error_description: "Your account is locked." };
    const differs = await live(byUser(json(other, 400), json(REFUSED, 400)), ["--probe"]);
    expect(differs.out).not.toContain("the same refusal");
    expect((await live(json(REFUSED, 400))).out).toContain("--probe shows that");
  });

  it("warns if the provider mints a token for anybody", async () => {
    expect((await live(token({ sub: "alice" }), ["--probe"])).out).toMatch(/warning +it mints a token for anybody/);
  });
});

describe("a token that needs those of other providers", () => {
  const HOME = "token-of-home-24-characters";
  const ANSWERS = {
    "/home": json({ access_token: HOME, expires_in: 60 }),
    "/broker": json({ access_token: "token-of-broker-24-characters", expires_in: 60 }),
    "/token": token({ sub: "alice" }),
  };

  async function check(answers: Partial<typeof ANSWERS> = {}) {
    provider.answer = (socket, request) =>
      ({ ...ANSWERS, ...answers })[request.url as keyof typeof ANSWERS](socket, request);
    const at = (path: string, changes: object) => providerConfig(provider.url + path, changes);
    const params = { own: "{{token.home}}", for: "{{userid}}" };
    const providers = {
      main: at("/token", { params, headers: { "X-Actor": "{{token.broker}}" } }),
      home: at("/home", { params: { userid: "{{userid}}" } }),
      broker: at("/broker", { params: {}, grant_type: "client_credentials", cache: true }),
    };
    const file = fileConfig("", { file: { providers, get_token: { provider: "main" } } });
    return command.check(file, ["--live", "--userid", "alice"]);
  }

  it("is described, with what is kept", async () => {
    const { status, out } = await check();
    expect(status).toBe(0);
    expect(out).toMatch(/ contains: token\.home and token\.broker, /);
    expect(out).toMatch(/provider +broker\n.* cache: true\n/s);
    expect(out).toMatch(/ {2}answer +main answered 200 /);
    expect(out).not.toMatch(/token-of-/);
  });

  it("is explained by the provider that failed, although another one answered later", async () => {
    const refusal = json({ error: "invalid_client", error_description: "wrong secret of home" }, 401);
    const { broker } = { broker: ANSWERS["/broker"] };
    const { status, out } = await check({
      "/home": refusal,
      "/broker": (socket, request) => void setTimeout(() => broker(socket, request), 200),
    });
    expect(status).toBe(1);
    expect(out).toContain("providers.home");
    expect(out).toMatch(
      / {2}request +POST http:\S+\/home: status 401\n {2}it says +invalid_client: wrong secret of home\n/,
    );
  });

  it("shows no token of another provider that a refusal repeats", async () => {
    const said = `no: ${HOME} token-of-broker-24-characters`;
    const { out } = await check({ "/token": json({ error: "invalid_target", error_description: said }, 400) });
    expect(out).toMatch(/ {2}it says +\S/);
    expect(out).not.toMatch(/token-of-/);
  });
});
