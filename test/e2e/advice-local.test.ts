import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { trainAdviser } from "../demo/advice.ts";
import { closedTickets } from "../demo/closed.ts";
import { send } from "../routes/client.ts";
import { ADMIN_TOKEN } from "../support/rig.ts";
import { onStage, type Stage } from "./stage.ts";

/** So many that it cannot be chance that all of them are drawn for the audit sample. */
const TICKETS = 5;

describe("the local model, from its file to the ticket", () => {
  let folder: string;
  let ai: Record<string, unknown>;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "interlock-local-"));
    const closed = closedTickets().map(({ title, description, category, group }) => ({
      text: `${title}\n${description}`,
      labels: { category, assignment_group: group },
    }));
    ({ ai } = await trainAdviser(closed, folder, 0));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const spending = async (stage: Stage): Promise<unknown> => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    return (await send(`${stage.rig.server.url}/api/spend`, { headers })).json;
  };

  it("settles what no rule knew, as far as it was measured, costs nothing, and is on the ledger", async () => {
    await onStage({ ai }, async (stage) => {
      const tickets = Array.from({ length: TICKETS }, () =>
        stage.snow({
          short_description: "The quote sheet does not calculate any more",
          description: "Since the update the macro stops with a run-time error.",
          category: "inquiry",
        }),
      );
      await stage.rig.settled();
      const views = await Promise.all(tickets.map(({ key }) => stage.rig.server.store.view("snow", key)));
      const limits = views.map((view) => view?.decision?.advice?.limit);
      for (const [at, limit] of limits.entries()) {
        expect(limit).to.be.oneOf([null, "audit"]);
        expect(tickets[at]?.group()).to.equal(limit === null ? "Business Applications" : "Service Desk");
      }
      expect(limits).to.include(null);
      const [first] = tickets;
      if (first) expect(await stage.kinds(first)).to.include("advice");
      expect(await spending(stage))
        .to.include({ enabled: true, currency: "EUR" })
        .and.to.have.property("lines").empty;
    });
  });

  it("says that AI is off where nothing is configured, and the service desk has the ticket", async () => {
    await onStage({}, async (stage) => {
      const ticket = stage.snow({
        short_description: "The quote sheet does not calculate any more",
        description: "Since the update the macro stops with a run-time error.",
        category: "inquiry",
      });
      await stage.rig.settled();
      expect(ticket.group()).to.equal("Service Desk");
      expect(await spending(stage)).to.include({ enabled: false, currency: null });
    });
  });
});
