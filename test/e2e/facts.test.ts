import { expect } from "chai";
import { expectRouted, onStage, type Stage, type Ticket } from "./stage.ts";

const SENIOR = "Senior Engineers";
/** The shipped gates read advice only. */
function gate(when: string, before = "assign"): string {
  return `- { id: guard, why: It says so, when: '${when}', then: { gate: { approvers: { group: Change Management }, before: [${before}], binds: [priority], expires: 72h } } }\n`;
}
const ON_PRODUCTION = { "gates.yaml": gate('ci.environment == "Production"') };
const BY_GROUP = `rules:
  - { id: board, why: The board is served first, when: 'inGroup(ticket.requester, "Board Office")', then: { assign: { group: ${SENIOR} } } }
default: { id: rest, why: Everybody else, then: { assign: { group: Network Operations } } }
`;

async function gatesOf(stage: Stage, { connection, key }: Ticket): Promise<string[] | undefined> {
  const view = await stage.rig.server.store.view(connection, key);
  return view?.decision?.gates.map(({ rule }) => rule);
}

function item({ rig }: Stage, name: string, environment: string): string {
  return rig.snow.insert("cmdb_ci_server", { name, environment }, { by: "abel.tuter" }).sys_id;
}

/** Held for a person, for want of a fact; nothing was written. */
async function expectHeld(stage: Stage, ticket: Ticket, fact: string): Promise<void> {
  const parked = await stage.rig.server.store.parked(10);
  expect(parked.find((each) => each.ticket === ticket.name)).to.include({
    reason: "held",
    detail: `rule guard could not be computed: ${fact} is not known`,
  });
  expect([ticket.group(), ticket.notes()]).to.deep.equal(["", []]);
}

async function expectGated(stage: Stage, ticket: Ticket): Promise<void> {
  expect(await gatesOf(stage, ticket)).to.deep.equal(["guard"]);
  expect(ticket.group()).to.equal("");
  expect(await stage.rig.server.store.counts()).to.include({ parked: 0 });
}

describe("Rules that ask for facts", () => {
  describe("ci", () => {
    for (const connection of ["snow", "jira"] as const) {
      const naming = (stage: Stage, name: string, id: string): Ticket =>
        connection === "snow" ? stage.snow({ cmdb_ci: id }) : stage.jira({ customfield_10109: name });

      it(`gates what touches production, and lets pass what does not (${connection})`, async () => {
        await onStage({ policy: ON_PRODUCTION }, async (stage) => {
          const production = naming(stage, "db-01", item(stage, "db-01", "Production"));
          await stage.rig.settled();
          await expectGated(stage, production);
          const test = naming(stage, "db-02", item(stage, "db-02", "Test"));
          await stage.rig.settled();
          expect(await gatesOf(stage, test)).to.deep.equal([]);
          expectRouted(test);
        });
      });

      it(`holds where the item is hidden (${connection})`, async () => {
        await onStage({ policy: ON_PRODUCTION }, async (stage) => {
          const id = item(stage, "db-02", "Test");
          stage.rig.snow.faults.closed.add("cmdb_ci");
          const ticket = naming(stage, "db-02", id);
          await stage.rig.settled();
          await expectHeld(stage, ticket, "ci");
        });
      });

      it(`holds nothing where a ticket names no item, and asks nobody (${connection})`, async () => {
        await onStage({ policy: ON_PRODUCTION }, async (stage) => {
          const ticket = stage[connection]();
          await stage.rig.settled();
          expectRouted(ticket);
          expect(stage.calls("snow", /table\/cmdb/)).to.be.empty;
        });
      });
    }

    it("holds a ticket of Jira whose item's name two items have", async () => {
      await onStage({ policy: ON_PRODUCTION }, async (stage) => {
        item(stage, "db-01", "Test");
        item(stage, "db-01", "Test");
        const ticket = stage.jira({ customfield_10109: "db-01" });
        await stage.rig.settled();
        await expectHeld(stage, ticket, "ci");
      });
    });

    it("waits for a CMDB that does not answer just now, and neither holds nor decides without it", async () => {
      await onStage({ policy: ON_PRODUCTION }, async (stage) => {
        for (let n = 0; n < 2; n += 1) stage.rig.snow.faults.add({ path: /cmdb_ci\?/, kind: "status", status: 503 });
        const ticket = stage.jira({ customfield_10109: "db-01" });
        item(stage, "db-01", "Production");
        await stage.rig.settled();
        expect(stage.calls("snow", /cmdb_ci\?/).map(({ status }) => status)).to.include.members([503, 200]);
        await expectGated(stage, ticket);
      });
    });
  });

  describe("group membership", () => {
    for (const connection of ["snow", "jira"] as const)
      it(`tells the board from everybody else (${connection})`, async () => {
        await onStage({ routing: BY_GROUP, groups: ["Board Office"] }, async (stage) => {
          const { snow, jira } = stage.rig;
          snow.insert(
            "sys_user_grmember",
            { user: snow.user("beth.anglin"), group: snow.group("Board Office") },
            { by: "abel.tuter" },
          );
          jira.join("5b10-beth", "Board Office");
          const from = (person: "abel" | "beth"): Ticket =>
            connection === "snow"
              ? stage.snow({ caller_id: snow.user(person === "abel" ? "abel.tuter" : "beth.anglin") })
              : stage.jira({ reporter: `5b10-${person}` });
          const [board, other] = [from("beth"), from("abel")];
          await stage.rig.settled();
          expectRouted(board, SENIOR);
          expectRouted(other);
        });
      });

    it("holds what a guard asks of people whose groups may not be seen", async () => {
      const policy = { "gates.yaml": gate('inGroup(ticket.requester, "Board Office")') };
      await onStage({ policy }, async (stage) => {
        stage.rig.jira.admin.permissions.delete("USER_PICKER");
        stage.rig.snow.faults.closed.add("sys_user_grmember");
        const { snow } = stage.rig;
        const abel = snow.user("abel.tuter");
        snow.insert("sys_user_grmember", { user: abel, group: snow.group(SENIOR) }, { by: "beth.anglin" });
        const tickets = [stage.jira(), stage.snow({ caller_id: abel })];
        await stage.rig.settled();
        for (const ticket of tickets) await expectHeld(stage, ticket, "members");
      });
    });
  });

  it("spend gates the order that goes over the month's limit, and not the one before it", async () => {
    const policy = { "gates.yaml": gate('ticket.kind == "request" && spend.month > 1000') };
    await onStage({ policy }, async (stage) => {
      const { snow, server, settled } = stage.rig;
      const by = { by: "abel.tuter" };
      const order = (price: string, user: string) => {
        const request = snow.insert("sc_request", { requested_for: snow.user(user) }, by).sys_id;
        return snow.insert("sc_req_item", { short_description: "Laptop", request, price }, by);
      };
      const gates = async (key: string) => (await server.store.view("snow", key))?.decision?.gates.map((g) => g.rule);
      const others = order("900", "beth.anglin");
      const first = order("600", "abel.tuter");
      await settled();
      const second = order("600", "abel.tuter");
      await settled();
      expect(await gates(others["number"] ?? "")).to.deep.equal([]);
      expect(await gates(first["number"] ?? "")).to.deep.equal([]);
      expect(await gates(second["number"] ?? "")).to.deep.equal(["guard"]);
      const groupOf = ({ sys_id }: { sys_id: string }) => snow.get("sc_req_item", sys_id)?.["assignment_group"];
      expect(groupOf(first)).to.equal(snow.group("Request Fulfilment"));
      expect(groupOf(second)).to.equal("");
    });
  });

  it("spend is known of nothing in Jira: a guard that reads it holds there", async () => {
    await onStage({ policy: { "gates.yaml": gate("spend.month > 1000") } }, async (stage) => {
      const ticket = stage.jira();
      await stage.rig.settled();
      await expectHeld(stage, ticket, "spend");
    });
  });

  it("cost a storm a few calls, not one for each ticket", async () => {
    const when = 'ci.environment == "Production" || inGroup(ticket.requester, "Board Office")';
    await onStage({ policy: { "gates.yaml": gate(when) } }, async (stage) => {
      const { snow, server, settled } = stage.rig;
      snow.webhooks.enabled = false;
      const by = { by: "abel.tuter" };
      const tickets = Array.from({ length: 100 }, (_, n) => {
        const person = { user_name: `p${n}`, name: `P ${n}`, email: `p${n}@example.com` };
        const caller_id = snow.insert("sys_user", person, by).sys_id;
        return stage.snow({ caller_id, cmdb_ci: item(stage, `db-${n}`, "Test") });
      });
      await server.sweeps.sweep();
      await settled();
      for (const ticket of tickets) expectRouted(ticket);
      const asked = stage.calls("snow", /table\/(cmdb_ci|sys_user_grmember)/).length;
      expect(asked / tickets.length).to.be.at.most(0.3);
    });
  }).timeout(60_000);

  it("are none of the shipped ones: they hold nothing for want of a fact, and ask nobody", async () => {
    await onStage({}, async (stage) => {
      const { snow } = stage.rig;
      const fields = { caller_id: snow.user("beth.anglin"), cmdb_ci: item(stage, "db-01", "Production") };
      const tickets = [stage.snow(fields), stage.jira({ customfield_10109: "db-01", reporter: "5b10-beth" })];
      await stage.rig.settled();
      for (const ticket of tickets) expectRouted(ticket);
      expect(stage.calls("snow", /table\/(cmdb|sys_user_grmember|sc_req_item)/)).to.be.empty;
      expect(stage.calls("jira", /\/user/)).to.be.empty;
    });
  });
});
