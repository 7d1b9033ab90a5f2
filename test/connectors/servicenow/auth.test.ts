import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { expect } from "chai";
import type { ServiceNowConnection } from "../../../core/config/settings.ts";
import { ServiceNowConnection as Settings } from "../../../core/config/settings.ts";
import { type ServiceNowSim, startServiceNowSim } from "../../sim/servicenow.ts";
import { faultOf, listening, type Opened, openServiceNow, standingClock, writeOf } from "../open.ts";

type Auth = ServiceNowConnection["auth"];

const ABEL = { by: "abel.tuter" };
const KEY_ID = "key-2026";
const pemOf = (key: KeyObject, type: "pkcs8" | "spki"): string => String(key.export({ type, format: "pem" }));
const pair = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const KEYS = { privateKey: pemOf(pair.privateKey, "pkcs8"), publicKey: pemOf(pair.publicKey, "spki") };
const rsaKey = (modulusLength: number): string =>
  pemOf(generateKeyPairSync("rsa", { modulusLength }).privateKey, "pkcs8");

describe("ServiceNow connector: logging in", () => {
  const clock = standingClock();
  let sim: ServiceNowSim;
  let opened: Opened;

  beforeEach(async () => {
    sim = await startServiceNowSim({ now: clock.now, jwt: { keyId: KEY_ID, publicKey: KEYS.publicKey } });
  });
  afterEach(async () => {
    await opened.connector.close();
    await sim.close();
  });

  const logins = (wrong: Partial<typeof sim.integration & { privateKey: string }> = {}): Record<Auth["type"], Auth> => {
    const right = { ...sim.integration, privateKey: KEYS.privateKey };
    const { user: username, password, clientId, clientSecret, apiKey, privateKey } = { ...right, ...wrong };
    return {
      basic: { type: "basic", username, password },
      "client-credentials": { type: "client-credentials", clientId, clientSecret },
      password: { type: "password", clientId, clientSecret, username, password },
      "jwt-bearer": {
        type: "jwt-bearer",
        clientId,
        clientSecret,
        subject: username,
        keyId: KEY_ID,
        privateKey,
      },
      "api-key": { type: "api-key", apiKey },
    };
  };
  const open = (auth: Auth): void => {
    opened = openServiceNow(sim, { clock, auth });
  };
  const read = () => opened.connector.read("incident", ["0".repeat(32)]);
  const seen = (path: string): number[] =>
    sim.requests.filter((request) => request.path.includes(path)).map(({ status }) => status);

  for (const type of ["basic", "client-credentials", "password", "jwt-bearer", "api-key"] as const) {
    it(`${type}: reads and writes as the integration user`, async () => {
      open(logins()[type]);
      const { sys_id: id } = sim.insert("incident", { short_description: "Printer on fire" }, ABEL);
      expect((await opened.connector.read("incident", [id]))[0]).to.include({ found: true });
      await opened.connector.write(
        writeOf(clock, "snow", { type: "incident", recordType: "incident", id, note: "[il:note]" }),
      );
      expect(sim.journal(id)[0]).to.include({ sys_created_by: sim.integration.user });
    });

    it(`${type}: is auth, and a person's affair, where it is refused; no secret is in the message`, async () => {
      const wrong = "a-wrong-secret";
      const secret = type === "client-credentials" ? { clientSecret: wrong } : { password: wrong, apiKey: wrong };
      open(logins({ ...secret, privateKey: rsaKey(2_048) })[type]);
      const fault = await faultOf(read());
      expect(fault).to.include({ kind: "auth", status: 401, outcome: "not_applied" });
      expect(fault.message).to.contain("check").and.to.not.contain(wrong).and.to.not.contain("PRIVATE");
    });
  }

  for (const type of ["basic", "api-key"] as const) {
    it(`${type}: a refusal is not asked about a second time, since there is nothing fresher to ask with`, async () => {
      open(logins()[type]);
      sim.faults.add({ path: /incident/, kind: "status", status: 401, times: 5 });
      expect(await faultOf(read())).to.include({ kind: "auth" });
      expect(seen("/incident")).to.deep.equal([401]);
    });
  }

  for (const type of ["client-credentials", "password", "jwt-bearer"] as const) {
    it(`${type}: one token for calls that start together, a new one before it expires`, async () => {
      open(logins()[type]);
      await Promise.all(Array.from({ length: 12 }, read));
      expect(seen("oauth_token")).to.deep.equal([200]);
      clock.pass(1_799_000 - 60_000);
      await Promise.all(Array.from({ length: 12 }, read));
      expect(seen("oauth_token")).to.deep.equal([200, 200]);
      expect(new Set(seen("/incident"))).to.deep.equal(new Set([200]));
    });
  }

  it("password: a new token comes by the refresh token; the password is sent once", async () => {
    const forms = await tokenForms(async (baseUrl) => {
      opened = openServiceNow(sim, { clock, auth: logins().password, baseUrl });
      await faultOf(read());
      clock.pass(1_800_000);
      await faultOf(read());
    });
    expect(forms.map((form) => form.get("grant_type"))).to.deep.equal(["password", "refresh_token"]);
    expect(forms[1]?.get("refresh_token")).to.equal("refresh-1");
    expect(forms[1]?.has("password")).to.equal(false);
  });

  it("password: a refresh token that is refused gives way to the password", async () => {
    open(logins().password);
    await read();
    sim.expireTokens({ refresh: true });
    await read();
    expect(seen("oauth_token")).to.deep.equal([200, 401, 200]);
    expect(seen("/incident")).to.deep.equal([200, 401, 200]);
  });

  it("password: a refresh token is kept while the instance is only busy", async () => {
    open(logins().password);
    await read();
    sim.expireTokens();
    sim.faults.add({ path: /oauth_token/, kind: "status", status: 503 });
    expect(await faultOf(read())).to.include({ kind: "unavailable", outcome: "not_applied" });
    await read();
    expect(seen("oauth_token")).to.deep.equal([200, 503, 200]);
  });

  it("jwt-bearer: every assertion is a new one, for the hour it is made in", async () => {
    open(logins()["jwt-bearer"]);
    await read();
    sim.expireTokens();
    await read();
    expect(seen("oauth_token"), "the instance takes no assertion twice").to.deep.equal([200, 200]);
  });

  it("sends no cookie, whatever the instance sets", async () => {
    const headers: IncomingHttpHeaders[] = [];
    const server = createServer((request, response) => {
      headers.push(request.headers);
      response.setHeader("set-cookie", ["JSESSIONID=abc; Path=/", "glide_user_route=glide.1; Path=/"]);
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ access_token: "t", expires_in: 1_799, result: [] }));
    });
    opened = openServiceNow(sim, { clock, auth: logins()["client-credentials"], baseUrl: await listening(server) });
    await read();
    await read();
    server.closeAllConnections();
    server.close();
    expect(headers).to.have.length(3);
    for (const { cookie } of headers) expect(cookie).to.equal(undefined);
  });
});

describe("ServiceNow connection settings: a private key", () => {
  const accepts = (privateKey: string): boolean =>
    Settings.safeParse({
      type: "servicenow",
      baseUrl: "https://acme.service-now.com",
      records: {},
      auth: { type: "jwt-bearer", clientId: "a", clientSecret: "b", subject: "c", keyId: "d", privateKey },
    }).success;

  it("is an RSA key that is long enough, and nothing else", () => {
    expect(accepts(KEYS.privateKey)).to.equal(true);
    expect(accepts(KEYS.publicKey), "the public half").to.equal(false);
    expect(accepts(rsaKey(1_024)), "too short").to.equal(false);
    expect(accepts(pemOf(generateKeyPairSync("ed25519").privateKey, "pkcs8")), "another kind").to.equal(false);
    expect(accepts("-----BEGIN PRIVATE KEY-----"), "half a file").to.equal(false);
  });
});

/** The forms that come to a token endpoint which answers anything; every other call is answered 500. */
async function tokenForms(run: (baseUrl: string) => Promise<void>): Promise<URLSearchParams[]> {
  const forms: URLSearchParams[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => {
      text += String(chunk);
    });
    request.on("end", () => {
      response.setHeader("content-type", "application/json");
      if (request.url !== "/oauth_token.do") response.statusCode = 500;
      else forms.push(new URLSearchParams(text));
      const n = forms.length;
      response.end(JSON.stringify({ access_token: `access-${n}`, refresh_token: `refresh-${n}`, expires_in: 1_799 }));
    });
  });
  try {
    await run(await listening(server));
  } finally {
    server.closeAllConnections();
    server.close();
  }
  return forms;
}
