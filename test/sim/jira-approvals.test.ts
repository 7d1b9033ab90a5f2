import { expect } from "chai";
import type { JiraSim } from "./jira.ts";
import { startJiraSim } from "./jira.ts";
import { at, callJira } from "./wire.ts";

const ABEL = { by: "5b10-abel" };
const BETH = { by: "5b10-beth" };
const FIELD = "customfield_10003";
const ASKED = "Awaiting approval";

describe("Jira simulator: approvals by status", () => {
  let sim: JiraSim;
  let id: string;

  async function start(type: string, approvals?: { status: string; field: string; needed?: number }): Promise<void> {
    sim = await startJiraSim({
      projects: [{ key: "OPS", name: "Operations", issueTypes: ["Incident"], type, approval: true }],
      ...(approvals && { approvals }),
    });
    id = sim.create("OPS", { summary: "Printer on fire", issuetype: "Incident" }, ABEL).id;
    sim.update(id, { [FIELD]: [ABEL.by, BETH.by] }, ABEL);
  }
  afterEach(() => sim.close());

  const shown = async () => {
    const { body } = await callJira(sim, `/rest/servicedeskapi/request/${id}/approval`);
    const values = at(body, "values");
    return Array.isArray(values) ? values : [];
  };
  const status = () => at(sim.get(id)?.fields, "status", "name");
  const answer = (by: { by: string }) => sim.serviceDesk.answer(sim.serviceDesk.open(id).id, "approved", by);

  it("begin with the people of the field, and lead on when all have approved", async () => {
    await start("service_desk", { status: ASKED, field: FIELD });
    sim.transition(id, ASKED, ABEL);
    const [approval, ...more] = await shown();
    expect(more).to.be.empty;
    expect(at(approval, "approvers")).to.have.lengthOf(2);
    answer(ABEL);
    expect(status()).to.equal(ASKED);
    answer(BETH);
    expect(status()).to.equal("In Progress");
  });

  it("are as many as are needed", async () => {
    await start("service_desk", { status: ASKED, field: FIELD, needed: 1 });
    sim.transition(id, ASKED, ABEL);
    answer(BETH);
    expect(status()).to.equal("In Progress");
  });

  it("end, for nobody to answer, where the issue leaves undecided; a return begins another", async () => {
    await start("service_desk", { status: ASKED, field: FIELD });
    sim.transition(id, ASKED, ABEL);
    const first = sim.serviceDesk.open(id).id;
    sim.transition(id, "In Progress", ABEL);
    expect(() => sim.serviceDesk.open(id)).to.throw("nobody is asked");
    expect(() => sim.serviceDesk.answer(first, "approved", BETH)).to.throw("not allowed");
    sim.transition(id, ASKED, ABEL);
    expect(sim.serviceDesk.open(id).id).not.to.equal(first);
    expect(await shown()).to.have.lengthOf(2);
  });

  it("do not begin in other projects, nor without the option", async () => {
    await start("software", { status: ASKED, field: FIELD });
    sim.transition(id, ASKED, ABEL);
    expect(await shown()).to.be.empty;
    await sim.close();
    await start("service_desk");
    sim.transition(id, ASKED, ABEL);
    expect(await shown()).to.be.empty;
  });

  it("can be asked for again by a change that was approved", async () => {
    sim = await startJiraSim();
    id = sim.create("CHG", { summary: "New router", issuetype: "Change" }, ABEL).id;
    for (const to of ["Review", ASKED, "Scheduled", ASKED, "Scheduled", "Implementing", ASKED])
      sim.transition(id, to, ABEL);
    expect(status()).to.equal(ASKED);
  });

  it("are for people of groups, whose members come in pages", async () => {
    await start("service_desk");
    sim.join(ABEL.by, "Network");
    sim.join(BETH.by, "Network");
    const page = (start: number) =>
      callJira(sim, `/rest/api/3/group/member?groupname=Network&startAt=${start}&maxResults=1`);
    const [first, second] = [(await page(0)).body, (await page(1)).body];
    expect([at(first, "isLast"), at(second, "isLast")]).to.deep.equal([false, true]);
    expect(at(second, "values", "0", "accountId")).to.equal(BETH.by);
    expect((await callJira(sim, "/rest/api/3/group/member?groupname=Gone")).status).to.equal(404);
  });
});
