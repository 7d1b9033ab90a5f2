import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { expect } from "chai";
import type { ServiceNowSim } from "./servicenow.ts";
import { startServiceNowSim } from "./servicenow.ts";
import type { WireAnswer } from "./wire.ts";
import { at, callServiceNow, readAnswer } from "./wire.ts";

const KEYS = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

describe("ServiceNow simulator: logins", () => {
  let sim: ServiceNowSim;
  let nowMs: number;

  beforeEach(async () => {
    nowMs = Date.UTC(2026, 0, 31);
    const publicKey = String(KEYS.publicKey.export({ type: "spki", format: "pem" }));
    sim = await startServiceNowSim({ now: () => nowMs, jwt: { keyId: "k1", publicKey } });
  });
  afterEach(() => sim.close());

  const token = async (form: Record<string, string>): Promise<WireAnswer> => {
    const client = { client_id: sim.integration.clientId, client_secret: sim.integration.clientSecret };
    const body = new URLSearchParams({ ...client, ...form });
    return readAnswer(await fetch(`${sim.url}/oauth_token.do`, { method: "POST", body }));
  };
  const statusWith = async (accessToken: unknown): Promise<number> => {
    const headers = { authorization: `Bearer ${String(accessToken)}` };
    return (await callServiceNow(sim, "/api/now/table/incident", { headers })).status;
  };

  it("refuse a caller nobody knows, and say how to log in", async () => {
    for (const as of ["", "interlock.bot:wrong", "nobody:x"]) {
      const answer = await callServiceNow(sim, "/api/now/table/incident", { as });
      expect(answer.status).to.equal(401);
      expect(answer.headers.get("www-authenticate")).to.equal('BASIC realm="Service-now"');
      expect(answer.body).to.deep.equal({
        error: { message: "User Not Authenticated", detail: "Required to provide Auth information" },
        status: "failure",
      });
    }
  });

  it("take people with a password, and log who called", async () => {
    const sysId = sim.insert("incident", {}, { by: "beth.anglin" }).sys_id;
    const request = { method: "PATCH", body: { impact: "1" }, as: "abel.tuter:abel-password" };
    expect((await callServiceNow(sim, `/api/now/table/incident/${sysId}`, request)).status).to.equal(200);
    expect(sim.get("incident", sysId)).to.include({ sys_updated_by: "abel.tuter" });
    expect(sim.requests.at(-1)).to.include({ method: "PATCH", status: 200, user: "abel.tuter", atMs: nowMs });
  });

  it("hand out tokens for client credentials that die after 1799 seconds", async () => {
    const { status, body } = await token({ grant_type: "client_credentials" });
    expect(status).to.equal(200);
    expect(body).to.include({ token_type: "Bearer", expires_in: 1799, scope: "useraccount" });
    expect(body).not.to.have.property("refresh_token");
    nowMs += 1_798_999;
    expect(await statusWith(at(body, "access_token"))).to.equal(200);
    expect(sim.requests.at(-1)).to.include({ user: "interlock.bot" });
    nowMs += 1;
    expect(await statusWith(at(body, "access_token"))).to.equal(401);
    expect(sim.requests.map(({ path }) => path)).to.include("/oauth_token.do");
  });

  it("hand out and refresh tokens for a password", async () => {
    const first = await token({ grant_type: "password", username: "abel.tuter", password: "abel-password" });
    nowMs += 1_800_000;
    const second = await token({ grant_type: "refresh_token", refresh_token: String(at(first.body, "refresh_token")) });
    expect(await statusWith(at(first.body, "access_token"))).to.equal(401);
    expect(await statusWith(at(second.body, "access_token"))).to.equal(200);
  });

  it("refuse wrong secrets, unknown grants, and anything but a form", async () => {
    expect((await token({ grant_type: "client_credentials", client_secret: "wrong" })).status).to.equal(401);
    expect((await token({ grant_type: "password", username: "abel.tuter", password: "x" })).status).to.equal(401);
    expect((await token({ grant_type: "magic" })).body).to.deep.equal({
      error: "server_error",
      error_description: "access_denied",
    });
    const { clientId: client_id, clientSecret: client_secret } = sim.integration;
    const body = JSON.stringify({ client_id, client_secret, grant_type: "client_credentials" });
    const headers = { "content-type": "application/json" };
    expect((await fetch(`${sim.url}/oauth_token.do`, { method: "POST", body, headers })).status).to.equal(401);
  });

  const assertion = (
    changes: Record<string, unknown> = {},
    { kid = "k1", key = KEYS.privateKey }: { kid?: string; key?: KeyObject } = {},
  ) => {
    const { clientId, user } = sim.integration;
    const iat = nowMs / 1_000;
    const claims = { iss: clientId, aud: clientId, sub: user, iat, exp: iat + 300, jti: "1", ...changes };
    const text = [{ alg: "RS256", kid }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
    return `${text}.${sign("sha256", Buffer.from(text), key).toString("base64url")}`;
  };
  const bearer = (text: string): Promise<WireAnswer> => token({ grant_type: JWT_BEARER, assertion: text });

  it("take a signed assertion once, and give no refresh token for it", async () => {
    const { status, body } = await bearer(assertion());
    expect(status).to.equal(200);
    expect(body).not.to.have.property("refresh_token");
    expect(await statusWith(at(body, "access_token"))).to.equal(200);
    expect((await bearer(assertion())).status, "the same jti again").to.equal(401);
    expect((await bearer(assertion({ jti: "2" }))).status).to.equal(200);
  });

  it("refuse an assertion of another key, of another kid, for another client, of nobody, or that is over", async () => {
    const other = generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey;
    expect((await bearer(assertion({}, { key: other }))).status).to.equal(401);
    expect((await bearer(assertion({}, { kid: "k2" }))).status).to.equal(401);
    expect((await bearer(assertion({ aud: "another" }))).status).to.equal(401);
    expect((await bearer(assertion({ iss: "another" }))).status).to.equal(401);
    expect((await bearer(assertion({ sub: "nobody" }))).status).to.equal(401);
    expect((await bearer(assertion({ exp: nowMs / 1_000 }))).status).to.equal(401);
    expect((await bearer("not.an.assertion")).status).to.equal(401);
    expect((await bearer(assertion({ jti: "9" }))).status).to.equal(200);
  });

  it("take the API key for the integration user, and no other key", async () => {
    const withKey = (key: string): Promise<WireAnswer> =>
      callServiceNow(sim, "/api/now/table/incident", { as: "", headers: { "x-sn-apikey": key } });
    expect((await withKey(sim.integration.apiKey)).status).to.equal(200);
    expect(sim.requests.at(-1)).to.include({ user: sim.integration.user });
    expect((await withKey("another")).status).to.equal(401);
  });

  it("end tokens on demand, also from another process", async () => {
    const first = await token({ grant_type: "client_credentials" });
    const control = await fetch(`${sim.url}/__sim/controls/expire-tokens`, { method: "POST" });
    expect(await control.json()).to.deep.equal({ done: true });
    expect(await statusWith(at(first.body, "access_token"))).to.equal(401);
  });

  it("become another instance on demand: other properties, the same records", async () => {
    const idOf = (): string | undefined =>
      sim.rows("sys_properties").find((row) => row["name"] === "instance_id")?.["value"];
    const { sys_id } = sim.insert("incident", {}, { by: "abel.tuter" });
    const before = idOf();
    await fetch(`${sim.url}/__sim/controls/clone`, { method: "POST" });
    expect(idOf())
      .to.match(/^[0-9a-f]{32}$/)
      .and.not.to.equal(before);
    expect(sim.get("incident", sys_id)).to.include({ sys_id });
    expect((await fetch(`${sim.url}/__sim/controls/toString`, { method: "POST" })).status).to.equal(404);
  });
});
