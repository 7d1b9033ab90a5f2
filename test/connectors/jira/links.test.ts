import { expect } from "chai";
import { type CallDispatcher, installDispatcher } from "../../../connectors/jira/http.ts";
import type { RemoteLink } from "../../../connectors/jira/links.ts";
import { type JiraSim, startJiraSim } from "../../sim/jira.ts";
import { CALL_TIMEOUT_MS, faultOf } from "../open.ts";
import { type OpenedParts, openParts } from "./parts.ts";

const ABEL = { by: "5b10-abel" };
const LINK: RemoteLink = {
  globalId: "interlock:snow/incident/1",
  url: "https://acme.example/nav?sys_id=1&x=y",
  title: "INC0010001",
  relationship: "mirrored by",
};

describe("Jira: remote links", () => {
  let dispatcher: CallDispatcher;
  let sim: JiraSim;
  let opened: OpenedParts;
  let ref: { id: string; key: string };

  beforeEach(async () => {
    dispatcher = installDispatcher(CALL_TIMEOUT_MS);
    sim = await startJiraSim();
    opened = openParts(sim);
    ref = sim.create("OPS", { summary: "Printer on fire", issuetype: "Incident" }, ABEL);
  });
  afterEach(async () => {
    await opened.close();
    await sim.close();
    await dispatcher.close();
  });

  const put = (link: RemoteLink = LINK, last?: RemoteLink) => opened.parts.putLink(ref, link, last);
  const find = (globalId = LINK.globalId) => opened.parts.findLink(ref, globalId);
  const posts = () => sim.requests.filter(({ method }) => method === "POST").length;

  it("are put once and read back", async () => {
    expect(await find(), "for certain none").to.equal(undefined);
    expect(await put({ ...LINK, summary: "Open" })).to.equal("created");
    expect(await find()).to.deep.equal({ ...LINK, summary: "Open" });
    expect(sim.links(ref.id)).to.have.lengthOf(1);
  });

  it("are not written again where they stand as they should", async () => {
    await put();
    expect(await put()).to.equal("unchanged");
    expect(posts()).to.equal(1);
  });

  it("are brought up to date under their global id, never doubled; what is left out goes", async () => {
    const before = { ...LINK, summary: "Open" };
    await put(before);
    expect(await put({ ...LINK, title: "INC0010001 resolved" }, before)).to.equal("updated");
    expect(sim.links(ref.id)).to.have.lengthOf(1);
    expect(await find()).to.deep.equal({ ...LINK, title: "INC0010001 resolved" });
  });

  it("stay as a person has left them", async () => {
    await put();
    const [link] = sim.links(ref.id);
    if (link) link.title = "Our printer, again";
    expect(await put({ ...LINK, title: "INC0010001 resolved" }, LINK)).to.equal("kept");
    expect(await put({ ...LINK, title: "INC0010001 resolved" }), "nothing of ours known").to.equal("kept");
    expect(posts()).to.equal(1);
    expect((await find())?.title).to.equal("Our printer, again");
  });

  it("of others are left alone", async () => {
    await put({ ...LINK, globalId: "other" });
    expect(await put()).to.equal("created");
    expect(sim.links(ref.id).map(({ globalId }) => globalId)).to.deep.equal(["other", LINK.globalId]);
  });

  it("unavailable: written, and the answer lost, is unknown; asked again it is there once", async () => {
    sim.faults.add({ method: "POST", path: /remotelink/, kind: "apply-then-reset" });
    expect(await faultOf(put())).to.include({ kind: "unavailable", outcome: "unknown" });
    expect(await put()).to.equal("unchanged");
    expect(sim.links(ref.id)).to.have.lengthOf(1);
  });

  it("unavailable: written, and not to be read back, is unknown as well", async () => {
    sim.faults.add({ method: "GET", path: /remotelink/, skip: 1, kind: "status", status: 503 });
    expect(await faultOf(put())).to.include({ kind: "unavailable", outcome: "unknown" });
  });

  it("unavailable: a success that says nothing of a link is none", async () => {
    sim.faults.add({ method: "POST", path: /remotelink/, kind: "status", status: 200, body: {} });
    expect(await faultOf(put())).to.include({ kind: "unavailable", outcome: "unknown" });
    sim.faults.add({ method: "GET", path: /remotelink/, kind: "status", status: 200, body: {} });
    expect(await faultOf(find())).to.include({ kind: "unavailable" });
  });

  it("protocol: accepted and not there", async () => {
    sim.faults.add({ method: "POST", path: /remotelink/, kind: "status", status: 201, body: { id: 1, self: sim.url } });
    const fault = await faultOf(put());
    expect(fault).to.include({ kind: "protocol", outcome: "unknown" });
    expect(fault.message).to.contain(ref.key).and.not.contain("INC0010001");
  });

  it("protocol: two under one global id", async () => {
    await put();
    const [link] = sim.links(ref.id);
    if (link) sim.links(ref.id).push({ ...link, id: link.id + 1 });
    expect(await faultOf(find())).to.include({ kind: "protocol" });
    expect(await faultOf(put({ ...LINK, title: "x" }, LINK))).to.include({ kind: "protocol" });
    expect(posts()).to.equal(1);
  });

  it("not_found: the issue is hidden or gone, which is not the same as no link", async () => {
    sim.remove(ref.id);
    expect(await faultOf(find())).to.include({ kind: "not_found" });
  });

  it("rejected: the account may not link", async () => {
    sim.faults.add({ method: "POST", path: /remotelink/, kind: "status", status: 403 });
    expect((await faultOf(put())).message).to.contain("needs Link issues");
  });

  it("rejected: nothing is sent that Jira would not take; only the place is named", async () => {
    const long = "x".repeat(256);
    const bad: [string, RemoteLink][] = [
      ["globalId", { ...LINK, globalId: long }],
      ["title", { ...LINK, title: "" }],
      ["summary", { ...LINK, summary: long }],
      ["url", { ...LINK, url: "javascript:alert(1)" }],
    ];
    for (const [place, link] of bad) {
      const fault = await faultOf(put(link));
      expect(fault, place).to.include({ kind: "rejected" });
      expect(fault.message).to.contain(`(${place})`).and.not.contain("alert");
    }
    expect(sim.requests).to.be.empty;
  });
});
