import { expect } from "chai";
import { installDispatcher } from "../../../connectors/jira/http.ts";
import { type JiraSim, startJiraSim } from "../../sim/jira.ts";
import { CALL_TIMEOUT_MS, faultOf, type Opened, openJira } from "../open.ts";

const ABEL = { by: "5b10-abel" };

describe("Jira connector: reading notes back", () => {
  let dispatcher: ReturnType<typeof installDispatcher>;
  let sim: JiraSim;
  let opened: Opened;

  beforeEach(async () => {
    dispatcher = installDispatcher(CALL_TIMEOUT_MS);
    sim = await startJiraSim();
    opened = openJira(sim);
  });
  afterEach(async () => {
    await opened.connector.close();
    await sim.close();
    await dispatcher.close();
  });

  const issue = (...comments: string[]): string => {
    const { id } = sim.create("OPS", { summary: "Printer on fire", issuetype: "Incident" }, ABEL);
    for (const text of comments) sim.comment(id, text, ABEL);
    return id;
  };
  const query = (id: string, marker: string) => ({
    ref: { connection: "jira", type: "issue", id, key: "OPS-1" },
    marker,
  });
  const confirm = async (...queries: ReturnType<typeof query>[]) =>
    Object.fromEntries(await opened.connector.confirm(queries));

  it("finds the marker in the text of a comment, also among many", async () => {
    const noted = issue("Routed. [il:one]", ...Array.from({ length: 90 }, (_, n) => `Thanks ${n}`));
    const states = await confirm(query(noted, "[il:one]"), query(issue("Thanks"), "[il:two]"));
    expect(states).to.deep.equal({ "[il:one]": "present", "[il:two]": "absent" });
  });

  it("says unreadable for an issue that is gone or closed to us, and goes on with the others", async () => {
    const [gone, closed, noted] = [issue(), issue(), issue("Routed. [il:three]")];
    sim.remove(gone);
    sim.faults.add({ path: new RegExp(`/issue/${closed}/comment`), kind: "status", status: 403 });
    const states = await confirm(query(gone, "[il:one]"), query(closed, "[il:two]"), query(noted, "[il:three]"));
    expect(states).to.deep.equal({ "[il:one]": "unreadable", "[il:two]": "unreadable", "[il:three]": "present" });
  });

  it("says unreadable where more comments follow than one page holds: the note may be behind it", async () => {
    const id = issue("Routed. [il:one]", ...Array.from({ length: 100 }, (_, n) => `Thanks ${n}`));
    expect(await confirm(query(id, "[il:one]"))).to.deep.equal({ "[il:one]": "unreadable" });
  });

  it("says absent only of a page that has all comments there are, which a site may cut shorter than it was asked for", async () => {
    const id = issue();
    const thanks = Array.from({ length: 50 }, () => ({ body: "Thanks" }));
    const pages: [Record<string, unknown>, string][] = [
      [{ total: 50, maxResults: 100 }, "absent"],
      [{ total: 50 }, "absent"],
      [{ total: 51, maxResults: 100 }, "unreadable"],
      [{ total: 51, maxResults: 50 }, "unreadable"],
      [{ total: 50, maxResults: 50 }, "unreadable"],
      [{ maxResults: 100 }, "unreadable"],
    ];
    for (const [said, state] of pages) {
      sim.faults.add({ path: /comment/, kind: "status", status: 200, body: { startAt: 0, ...said, comments: thanks } });
      expect(await confirm(query(id, "[il:one]")), JSON.stringify(said)).to.deep.equal({ "[il:one]": state });
    }
  });

  it("fails where nothing can be told: then no note may be written again", async () => {
    const id = issue("Routed. [il:one]");
    const troubles = [
      { spec: { kind: "html" }, kind: "unavailable" },
      { spec: { kind: "status", status: 200, body: {} }, kind: "unavailable" },
      { spec: { kind: "status", status: 200, body: { comments: "x" } }, kind: "unavailable" },
      { spec: { kind: "status", status: 503 }, kind: "unavailable" },
      { spec: { kind: "status", status: 401 }, kind: "auth" },
    ] as const;
    for (const { spec, kind } of troubles) {
      sim.faults.add({ path: /comment/, ...spec });
      expect(await faultOf(confirm(query(id, "[il:one]"))), JSON.stringify(spec)).to.include({ kind });
    }
  });
});
