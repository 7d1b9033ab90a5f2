import { expect } from "chai";
import type { Answer } from "./client.ts";
import { hmac, type Ingress, JIRA_SECRET, jiraHeaders, SNOW_SECRET, snowHeaders, startIngress } from "./ingress.ts";

const CANARY = "Ms. Winter's printer";
const SNOW_BODY = JSON.stringify({ table: "incident", sys_id: "0".repeat(32), short_description: CANARY });
const JIRA_BODY = JSON.stringify({ issue: { id: "10040", key: "OPS-7", fields: { summary: CANARY } } });
const OLD_SECRET = `whsec_${Buffer.from("the secret before the rotation").toString("base64")}`;
const MINUTE_MS = 60_000;

/** 401, nothing kept, and nothing of the body or the secrets in the log. */
async function expectRefused(ingress: Ingress, deliver: () => Promise<Answer>): Promise<void> {
  const before = await ingress.store.counts();
  ingress.log.lines.length = 0;
  const answer = await deliver();
  expect(answer.status).to.equal(401);
  expect(answer.json).to.have.property("error", "bad_signature");
  expect(await ingress.store.counts()).to.deep.equal(before);
  expect(ingress.log.lines.map(({ level }) => level)).to.deep.equal(["warn"]);
  const said = `${ingress.log.text()} ${answer.text}`;
  for (const secret of [CANARY, "Winter", SNOW_SECRET, JIRA_SECRET]) expect(said).to.not.contain(secret);
}

describe("A Jira signature", () => {
  let ingress: Ingress;
  before(async () => {
    ingress = await startIngress();
  });
  after(() => ingress.close());

  const good = hmac(JIRA_BODY, JIRA_SECRET);
  const signed = (signature: string | string[]) => ingress.deliver("jira", { "x-hub-signature": signature }, JIRA_BODY);
  const REFUSED: [string, string | string[]][] = [
    ["of another secret", `sha256=${hmac(JIRA_BODY, "another secret")}`],
    ["of another body", `sha256=${hmac(`${JIRA_BODY} `, JIRA_SECRET)}`],
    ["cut short", `sha256=${good.slice(0, -1)}`],
    ["cut to one byte", `sha256=${good.slice(0, 2)}`],
    ["too long", `sha256=${good}00`],
    ["of another algorithm", `sha1=${hmac(JIRA_BODY, JIRA_SECRET, "sha1")}`],
    ["of a stronger algorithm that nobody agreed on", `sha512=${hmac(JIRA_BODY, JIRA_SECRET, "sha512")}`],
    ["right, under the name of another algorithm", `sha1=${good}`],
    ["with the method in upper case", `SHA256=${good}`],
    ["without a method", good],
    ["without a value", "sha256="],
    ["with text in place of hexadecimal digits", `sha256=${"z".repeat(64)}`],
    ["with something behind it", `sha256=${good} sha256=${good}`],
    ["empty", ""],
    ["sent twice, both right", [`sha256=${good}`, `sha256=${good}`]],
    ["sent twice, one right", ["sha256=00", `sha256=${good}`]],
  ];
  for (const [name, signature] of REFUSED) {
    it(`is refused: ${name}`, () => expectRefused(ingress, () => signed(signature)));
  }

  it("is refused where there is none", async () => {
    await expectRefused(ingress, () => ingress.deliver("jira", {}, JIRA_BODY));
  });

  it("may be written in upper-case digits: they are the same bytes", async () => {
    expect((await signed(`sha256=${good.toUpperCase()}`)).status).to.equal(202);
  });

  it("is the vendor's own: the published example verifies", async () => {
    const signature = "a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9";
    const answer = await ingress.deliver("jira", { "x-hub-signature": `sha256=${signature}` }, "Hello World!");
    expect(answer.status).to.equal(202);
  });
});

describe("A ServiceNow signature", () => {
  let ingress: Ingress;
  before(async () => {
    ingress = await startIngress();
  });
  after(() => ingress.close());

  const deliver = (changed: Record<string, string | string[]>, body = SNOW_BODY) =>
    ingress.deliver("snow", { ...snowHeaders(SNOW_BODY), ...changed }, body);
  const own = (): string => snowHeaders(SNOW_BODY)["webhook-signature"] ?? "";

  for (const name of ["webhook-id", "webhook-timestamp", "webhook-signature"]) {
    it(`is refused without ${name}`, async () => {
      const { [name]: _left, ...headers } = snowHeaders(SNOW_BODY);
      await expectRefused(ingress, () => ingress.deliver("snow", headers, SNOW_BODY));
    });

    it(`is refused with ${name} sent twice`, async () => {
      const value = snowHeaders(SNOW_BODY)[name] ?? "";
      await expectRefused(ingress, () => deliver({ [name]: [value, value] }));
    });
  }

  const REFUSED: [string, () => Record<string, string>][] = [
    ["of another secret", () => snowHeaders(SNOW_BODY, { secret: OLD_SECRET })],
    ["of another body", () => snowHeaders(`${SNOW_BODY} `)],
    ["of another id", () => ({ "webhook-id": "msg_2" })],
    ["of another time", () => ({ "webhook-timestamp": String(Math.floor(Date.now() / 1_000) - 1) })],
    ["cut short", () => ({ "webhook-signature": own().slice(0, -1) })],
    ["of another version", () => ({ "webhook-signature": own().replace("v1,", "v2,") })],
    ["with the version in upper case", () => ({ "webhook-signature": own().replace("v1,", "V1,") })],
    ["without a version", () => ({ "webhook-signature": own().slice(3) })],
    ["without a value", () => ({ "webhook-signature": "v1," })],
    ["without even a comma", () => ({ "webhook-signature": "v1" })],
    ["in lower case", () => ({ "webhook-signature": own().toLowerCase() })],
    ["six minutes old", () => snowHeaders(SNOW_BODY, { atMs: Date.now() - 6 * MINUTE_MS })],
    ["six minutes ahead", () => snowHeaders(SNOW_BODY, { atMs: Date.now() + 6 * MINUTE_MS })],
    ["with letters behind the time", () => ({ "webhook-timestamp": "123abc" })],
    [
      "with the right time and letters behind it",
      () => ({ "webhook-timestamp": `${Math.floor(Date.now() / 1_000)}abc` }),
    ],
    ["with a time in milliseconds", () => ({ "webhook-timestamp": String(Date.now()) })],
    ["with a negative time", () => ({ "webhook-timestamp": "-1" })],
    ["with an id too long to keep", () => snowHeaders(SNOW_BODY, { id: "x".repeat(201) })],
    ["with an id of several words", () => snowHeaders(SNOW_BODY, { id: "msg 1" })],
  ];
  for (const [name, headers] of REFUSED) {
    it(`is refused: ${name}`, () => expectRefused(ingress, () => deliver(headers())));
  }

  it("is good for four minutes either way", async () => {
    for (const [n, offMs] of [-4 * MINUTE_MS, 4 * MINUTE_MS].entries()) {
      const headers = snowHeaders(SNOW_BODY, { id: `msg_${n}`, atMs: Date.now() + offMs });
      expect((await ingress.deliver("snow", headers, SNOW_BODY)).status).to.equal(202);
    }
  });

  it("may stand among others in its header, as while the sender rotates its own secret", async () => {
    const other = snowHeaders(SNOW_BODY, { secret: OLD_SECRET })["webhook-signature"] ?? "";
    expect((await deliver({ "webhook-signature": `v1a,x ${other} ${own()}` })).status).to.equal(202);
  });
});

describe("Two secrets of a connection", () => {
  const SECRETS = {
    snow: ["snow", OLD_SECRET, SNOW_SECRET],
    jira: ["jira", "the secret before", JIRA_SECRET],
  } as const;
  const headersFor = (connection: string, secret: string, id: string): Record<string, string> =>
    connection === "snow" ? snowHeaders(SNOW_BODY, { secret, id }) : jiraHeaders(JIRA_BODY, { secret, id });

  for (const [connection, before, after] of Object.values(SECRETS)) {
    const body = connection === "snow" ? SNOW_BODY : JIRA_BODY;

    it(`are both taken during the rotation of ${connection}'s`, async () => {
      const ingress = await startIngress({ [connection]: { webhookSecrets: [after, before] } });
      for (const [n, secret] of [before, after].entries())
        expect((await ingress.deliver(connection, headersFor(connection, secret, `id-${n}`), body)).status).to.equal(
          202,
        );
      await ingress.close();
    });

    it(`are one again afterwards: ${connection}'s old one is refused`, async () => {
      const ingress = await startIngress({ [connection]: { webhookSecrets: [after] } });
      await expectRefused(ingress, () => ingress.deliver(connection, headersFor(connection, before, "id-1"), body));
      expect((await ingress.deliver(connection, headersFor(connection, after, "id-2"), body)).status).to.equal(202);
      await ingress.close();
    });
  }
});

describe("A sender that cannot sign", () => {
  const basic = { type: "basic", username: "snow", password: "p:ss wörd" } as const;
  const bearer = { type: "bearer", token: "a-long-random-token" } as const;
  const basicHeader = `Basic ${Buffer.from("snow:p:ss wörd").toString("base64")}`;
  const CASES = [
    { connection: "snow", auth: basic, header: basicHeader, body: SNOW_BODY },
    { connection: "jira", auth: bearer, header: "Bearer a-long-random-token", body: JIRA_BODY },
    { connection: "snow", auth: bearer, header: "Bearer a-long-random-token", body: SNOW_BODY },
    { connection: "jira", auth: basic, header: basicHeader, body: JIRA_BODY },
  ] as const;
  for (const { connection, auth, header, body } of CASES) {
    it(`is known by ${auth.type} credentials (${connection}), and refused with any others`, async () => {
      const ingress = await startIngress({ [connection]: { webhookAuth: auth } });
      const twice = [header, header];
      for (const authorization of [undefined, "", `${header}x`, header.toLowerCase(), header.split(" ")[1], twice]) {
        const headers = authorization === undefined ? {} : { authorization };
        await expectRefused(ingress, () => ingress.deliver(connection, headers, body));
      }
      const signed = connection === "snow" ? snowHeaders(body) : jiraHeaders(body);
      await expectRefused(ingress, () => ingress.deliver(connection, signed, body));
      const answer = await ingress.deliver(connection, { authorization: header }, body);
      expect(answer.status).to.equal(202);
      expect(answer.json, "an id is made of the body").to.have.property("delivery").with.length(64);
      await ingress.close();
    });
  }
});
