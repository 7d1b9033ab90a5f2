import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { send } from "../routes/client.ts";
import { recordingLog } from "../routes/recording-log.ts";
import { ADMIN_TOKEN, JIRA_SECRET, SNOW_SECRET } from "../support/rig.ts";
import { onStage } from "./stage.ts";

/** Words that stand in tickets and nowhere else. */
const TEXT = ["kumquat", "tamarillo", "rambutan", "winter.private"];
const SECRETS = [
  SNOW_SECRET,
  SNOW_SECRET.slice("whsec_".length),
  JIRA_SECRET,
  ADMIN_TOKEN,
  "interlock-password",
  "interlock-token",
  Buffer.from("interlock.bot:interlock-password").toString("base64"),
  Buffer.from("interlock@example.com:interlock-token").toString("base64"),
];

/** Asks for the owner of the item, and for the groups of the requester. */
const ABOUT_PEOPLE = `- id: people
  why: It says so
  when: ci.owner == "Somebody Else" || inGroup(ticket.requester, "Board Office")
  then: { gate: { approvers: { group: Change Management }, before: [close], binds: [ci], expires: 72h } }
`;

describe("What must not leave the ticket", () => {
  it("no secret and no ticket text stands in the log, the ledger, the database, the metrics or the notes", async () => {
    const log = recordingLog();
    const gates = `${readFileSync("config/policy/gates.yaml", "utf8")}\n${ABOUT_PEOPLE}`;
    await onStage({ deps: { log }, policy: { "gates.yaml": gates } }, async (stage) => {
      const { rig } = stage;
      const caller = rig.snow.insert(
        "sys_user",
        { user_name: "winter", name: "Winter Kumquat", email: "winter.private@example.com" },
        { by: "abel.tuter" },
      ).sys_id;
      const owned = { name: "vpn-01", environment: "Test", owned_by: caller };
      const cmdb_ci = rig.snow.insert("cmdb_ci_server", owned, { by: "abel.tuter" }).sys_id;
      const words = { short_description: "VPN kumquat is down", description: "tamarillo", caller_id: caller, cmdb_ci };
      const body = { error: { message: "kumquat", detail: "rambutan winter.private@example.com" }, status: "failure" };
      const refusal = { errorMessages: ["rambutan"], errors: { summary: "kumquat" } };
      // Every way a ticket can go: done, drifted, refused, failed, cut short, and read back; and of asking for a fact.
      const ways: (() => void)[] = [
        () => rig.snow.faults.add({ path: /table\/cmdb_ci/, kind: "status", status: 403, body }),
        () => rig.snow.faults.add({ path: /grmember/, kind: "status", status: 200, body: { result: [], ...body } }),
        () => rig.jira.faults.add({ path: /user\/groups/, kind: "status", status: 403, body: refusal }),
        () => {},
        () => rig.snow.faults.add({ path: /incident/, kind: "status", status: 503, body }),
        () => rig.snow.faults.add({ method: "PATCH", path: /./, kind: "status", status: 403, body }),
        () => rig.snow.faults.add({ method: "PATCH", path: /./, kind: "apply-then-reset" }),
        () => rig.snow.faults.add({ path: /incident/, kind: "status", status: 200, body: { result: [], ...body } }),
        () => rig.snow.faults.add({ path: /./, kind: "status", status: 401, body }),
        () => rig.jira.faults.add({ path: /bulkfetch/, kind: "status", status: 500, body: refusal }),
        () => rig.jira.faults.add({ method: "PUT", path: /./, kind: "status", status: 400, body: refusal }),
        () => {
          rig.jira.faults.editWithoutComment = true;
          rig.jira.faults.add({ method: "POST", path: /comment$/, kind: "status", status: 400, body: refusal });
        },
        () => rig.jira.faults.add({ path: /bulkfetch/, kind: "status", status: 200, body: { issues: [refusal] } }),
        () => rig.jira.faults.add({ path: /bulkfetch/, kind: "html", body: "<h1>kumquat</h1>" }),
      ];
      for (const misfortune of ways) {
        misfortune();
        stage.snow(words);
        stage.jira({ summary: "VPN kumquat is down", description: "tamarillo winter.private@example.com" });
        await rig.settled();
      }
      stage.snow({ ...words, state: "42" });
      await send(`${rig.server.url}/webhooks/jira`, {
        method: "POST",
        body: "kumquat",
        headers: { "x-hub-signature": "sha256=00" },
      });
      await send(`${rig.server.url}/api/parked`, { headers: { authorization: "Bearer kumquat" } });
      await rig.settled();

      const notes = [
        ...rig.snow.rows("incident").map(({ sys_id }) => rig.snow.journal(sys_id)),
        rig.snow.webhooks.sent,
      ];
      const parked = await rig.server.store.parked(100);
      const outputs: Record<string, string> = {
        log: log.text(),
        ledger: JSON.stringify(await stage.entries()),
        parked: JSON.stringify(parked),
        metrics: await rig.server.metrics.render(),
        notes: JSON.stringify(notes),
        database: ["interlock.db", "interlock.db-wal"]
          .map((name) => readFileSync(join(rig.folder, name), "latin1"))
          .join(""),
      };
      expect(log.lines.length, "the log was not silent").to.be.above(10);
      expect(parked.length, "some tickets went wrong").to.be.above(2);
      for (const [place, said] of Object.entries(outputs))
        for (const word of [...TEXT, ...SECRETS])
          expect(said.toLowerCase().includes(word.toLowerCase()), `"${word}" in the ${place}`).to.equal(false);
    });
  });
});
