import { expect } from "chai";
import { type CallDispatcher, installDispatcher } from "../../../connectors/jira/http.ts";
import type { JiraApprovals, JiraConnection } from "../../../core/config/settings.ts";
import type { ApprovalAsk, Approvals, OpenRequest, RequestStanding } from "../../../core/gates/approvals.ts";
import { type JiraSim, type JiraSimOptions, type JiraUser, startJiraSim } from "../../sim/jira.ts";
import { CALL_TIMEOUT_MS, faultOf, type OpenedJira, openJira, type StandingClock, standingClock } from "../open.ts";

const ABEL = { by: "5b10-abel" };
const BETH = { by: "5b10-beth" };
const MARKER = "[il:gate-1]";
const MINUTE = 60_000;
const FIELD = "customfield_10003";
const ASKED = "Awaiting approval";

const BY_STATUS: JiraApprovals = {
  type: "status",
  status: ASKED,
  approve: ["In Progress", "Scheduled"],
  decline: ["Declined"],
};
const BY_JSM: JiraApprovals = { type: "jsm", status: ASKED, approvers: FIELD };

const USERS: JiraUser[] = [
  { accountId: ABEL.by, displayName: "Abel Tuter", emailAddress: "abel.tuter@example.com", memberOf: ["Network"] },
  { accountId: BETH.by, displayName: "Beth Anglin", emailAddress: "beth.anglin@example.com" },
  {
    accountId: "5b10-gone",
    displayName: "Gone Once",
    emailAddress: "gone@example.com",
    active: false,
    memberOf: ["Network"],
  },
];

describe("Jira: the approval queue", () => {
  let dispatcher: CallDispatcher;
  let clock: StandingClock;
  let sim: JiraSim;
  let opened: OpenedJira;
  let queue: Approvals;
  let ref: ApprovalAsk["ref"];

  /** The same site through a connector of its own, as after a restart. */
  function connect(approvals: JiraApprovals, settings: Partial<JiraConnection> = {}): OpenedJira {
    return openJira(sim, { clock, settings: { approvals, automation: ["bot-1"], ...settings } });
  }

  async function start(approvals: JiraApprovals, options: JiraSimOptions = {}): Promise<void> {
    clock = standingClock();
    sim = await startJiraSim({
      now: () => clock.now(),
      users: USERS,
      groups: ["Network", "Nobody"],
      projects: [
        { key: "OPS", name: "Operations", issueTypes: ["Incident"], approval: true, type: "service_desk" },
        { key: "CHG", name: "Changes", issueTypes: ["Change"], type: "service_desk" },
        { key: "DEV", name: "Development", issueTypes: ["Bug"] },
      ],
      ...(approvals.type === "jsm" && { approvals: { status: ASKED, field: FIELD } }),
      ...options,
    });
    opened = connect(approvals);
    queue = opened.connector.approvals ?? expect.fail("there is no queue");
    ref = issue("OPS");
    clock.pass(MINUTE);
  }

  beforeEach(() => {
    dispatcher = installDispatcher(CALL_TIMEOUT_MS);
  });
  afterEach(async () => {
    await opened.connector.close();
    await sim.close();
    await dispatcher.close();
  });

  function issue(project: string): ApprovalAsk["ref"] {
    const issuetype = { OPS: "Incident", CHG: "Change" }[project] ?? "Bug";
    const { id, key } = sim.create(project, { summary: "Printer of Ms. Winter on fire", issuetype }, ABEL);
    return { connection: "jira", type: "issue", id, key };
  }
  const request = (more: Partial<ApprovalAsk> = {}): ApprovalAsk => ({
    ref,
    recordType: "OPS",
    marker: MARKER,
    groups: [],
    people: ["beth.anglin@example.com"],
    need: "any",
    requester: "",
    text: "May this be assigned?",
    ...more,
  });
  const open = (more: Partial<OpenRequest> = {}): OpenRequest => ({
    ref,
    recordType: "OPS",
    marker: MARKER,
    requestedAtMs: null,
    platform: true,
    ...more,
  });
  const standing = async (more: Partial<OpenRequest> = {}): Promise<RequestStanding> =>
    (await queue.standing([open(more)]))[0] ?? { state: "absent" };
  const shown = async (more: Partial<OpenRequest> = {}) => {
    const found = await standing(more);
    return found.state === "standing" ? found : expect.fail("it does not stand");
  };
  const status = (id = ref.id): unknown => {
    const value = sim.get(id)?.fields["status"];
    return typeof value === "object" && value !== null && "name" in value ? value.name : undefined;
  };
  const calls = async (work: () => Promise<unknown>): Promise<string[]> => {
    const before = opened.calls.length;
    await work();
    return opened.calls.slice(before);
  };

  it("is none where the settings do not say how people approve", async () => {
    await start(BY_STATUS);
    const without = openJira(sim, { clock });
    expect(without.connector.approvals).to.equal(undefined);
    await without.connector.close();
  });

  describe("by status", () => {
    beforeEach(() => start(BY_STATUS));

    it("asks with an internal note that has the marker, then moves the issue to the status", async () => {
      expect(await queue.ask(request())).to.deep.equal({ atMs: clock.now(), seen: "Open" });
      expect(status()).to.equal(ASKED);
      const [note, ...more] = sim.comments(ref.id);
      expect(more).to.be.empty;
      expect(note?.text).to.equal(`May this be assigned?\n\n${MARKER}`);
      expect(note?.properties).to.deep.include({ "sd.public.comment": { internal: true } });
      expect(note?.properties).to.deep.include({ "interlock.note": { marker: MARKER } });
    });

    it("asks once: again, later, at the same time", async () => {
      const first = await Promise.all([queue.ask(request()), queue.ask(request())]);
      clock.pass(MINUTE);
      const again = connect(BY_STATUS);
      const asked = [...first, await again.connector.approvals?.ask(request())];
      await again.connector.close();
      for (const each of asked) expect(each).to.deep.equal({ atMs: clock.now() - MINUTE, seen: "Open" });
      expect(sim.comments(ref.id)).to.have.lengthOf(1);
    });

    for (const [what, path] of [
      ["the note", /comment/],
      ["the move", /transitions/],
    ] as const)
      it(`completes what was cut short at ${what}`, async () => {
        const atMs = clock.now();
        sim.faults.add({ path, method: "POST", kind: "apply-then-reset" });
        expect(await faultOf(queue.ask(request()))).to.include({ outcome: "unknown" });
        clock.pass(MINUTE);
        expect(await queue.ask(request())).to.deep.equal({ atMs, seen: "Open" });
        expect(sim.comments(ref.id)).to.have.lengthOf(1);
        expect(status()).to.equal(ASKED);
      });

    it("asks again where the issue stands there already", async () => {
      await queue.ask(request());
      clock.pass(MINUTE);
      expect(await queue.ask(request({ marker: "[il:gate-2]" }))).to.deep.equal({ atMs: clock.now(), seen: ASKED });
      expect(sim.comments(ref.id)).to.have.lengthOf(2);
    });

    it("fails where the workflow offers no way, with those that it offers, and keeps the one note", async () => {
      ref = issue("DEV");
      for (let tries = 0; tries < 2; tries += 1) {
        const fault = await faultOf(queue.ask(request({ recordType: "DEV" })));
        expect(fault).to.include({ kind: "rejected" });
        expect(fault.message).to.contain(`"${ASKED}"`).and.contain('"In Progress"').and.not.contain("Winter");
      }
      expect(sim.comments(ref.id)).to.have.lengthOf(1);
    });

    it("asks nobody where the rule names nobody who is known", async () => {
      const fault = await faultOf(queue.ask(request({ groups: ["Gone"], people: [] })));
      expect(fault).to.include({ kind: "rejected" });
      expect(fault.message).to.contain('"Gone"');
      expect(sim.comments(ref.id)).to.be.empty;
      expect(status()).to.equal("Open");
    });

    it("refuses what is no marker or issue, without a call", async () => {
      for (const odd of [{ marker: "[il:" }, { ref: { ...ref, id: "../1" } }]) {
        expect(await faultOf(queue.standing([open(odd)]))).to.include({ kind: "rejected" });
        expect(await faultOf(queue.undoSideDoor({ ...open(odd), state: true, seen: "Open" }))).to.include({
          kind: "rejected",
        });
      }
      expect(sim.requests).to.be.empty;
    });

    it("costs six calls to ask, beside the directory's, and two to see what stands", async () => {
      await queue.electorate(request(), clock.now());
      expect(await calls(() => queue.ask(request()))).to.deep.equal([
        "read_status",
        "read_journal",
        "note",
        "read_status",
        "read_transitions",
        "move",
      ]);
      expect(await calls(() => queue.standing([open()]))).to.deep.equal(["read_journal", "read_history"]);
    });

    it("absent: no note with the marker, whatever was moved", async () => {
      sim.transition(ref.id, ASKED, ABEL);
      sim.transition(ref.id, "In Progress", BETH);
      sim.comment(ref.id, "[il:gate-2]", ABEL);
      expect(await standing()).to.deep.equal({ state: "absent" });
    });

    it("answers are moves by people, with their time", async () => {
      const { atMs } = await queue.ask(request());
      expect(await shown()).to.deep.include({ atMs, seen: "Open", answers: [], sideDoor: null });
      clock.pass(MINUTE);
      sim.transition(ref.id, "In Progress", BETH);
      const found = await shown();
      expect(found).to.include({ atMs, seen: "Open", sideDoor: null });
      const [answer, ...more] = found.answers;
      expect(more).to.be.empty;
      const by = { approverId: BETH.by, answeredById: BETH.by };
      expect(answer).to.include({ decision: "approved", atMs: clock.now(), ...by });
      expect(found.names.get(BETH.by)).to.equal("Beth Anglin");
      sim.transition(ref.id, ASKED, ABEL);
      sim.transition(ref.id, "Declined", ABEL);
      expect((await shown()).answers.map(({ decision }) => decision)).to.deep.equal(["approved", "rejected"]);
      expect(new Set((await shown()).answers.map(({ id }) => id)).size).to.equal(2);
    });

    it("what was answered before it was asked is no answer to it", async () => {
      sim.transition(ref.id, ASKED, ABEL);
      sim.transition(ref.id, "In Progress", BETH);
      clock.pass(MINUTE);
      const { seen } = await queue.ask(request());
      expect(seen).to.equal("In Progress");
      expect((await shown()).answers).to.be.empty;
    });

    it("side door: moved on in another way, with both statuses and no ticket text; and undone", async () => {
      ref = issue("CHG");
      sim.transition(ref.id, "Review", ABEL);
      const strict: JiraApprovals = { ...BY_STATUS, approve: ["In Progress"] };
      await opened.connector.close();
      opened = connect(strict);
      queue = opened.connector.approvals ?? expect.fail("there is no queue");
      const { seen } = await queue.ask(request({ recordType: "CHG" }));
      clock.pass(MINUTE);
      sim.transition(ref.id, "Scheduled", ABEL);
      const { sideDoor, answers } = await shown();
      expect(answers).to.be.empty;
      expect(sideDoor).to.contain(`"${ASKED}"`).and.contain('"Scheduled"').and.not.contain("Winter");
      expect(await queue.undoSideDoor({ ...open(), state: true, seen })).to.deep.include({ done: true });
      expect(status()).to.equal(ASKED);
      expect((await shown()).sideDoor, "it stands there again").to.equal(null);
      expect(await queue.undoSideDoor({ ...open(), state: true, seen })).to.deep.include({ done: true });
    });

    it("side door not undone: no way back, or no such request", async () => {
      await queue.ask(request());
      sim.transition(ref.id, "Canceled", ABEL);
      expect((await shown()).sideDoor).to.contain('"Canceled"');
      const undone = await queue.undoSideDoor({ ...open(), state: true, seen: "Open" });
      expect(undone.done).to.equal(false);
      expect(undone.detail).to.contain(ref.key).and.contain("no transition").and.not.contain("Winter");
      const other = await queue.undoSideDoor({ ...open({ marker: "[il:gate-2]" }), state: true, seen: "Open" });
      expect(other).to.deep.include({ done: false });
      sim.faults.add({ path: /transitions/, kind: "status", status: 503 });
      expect(await faultOf(queue.undoSideDoor({ ...open(), state: true, seen: "Open" }))).to.include({
        kind: "unavailable",
      });
    });

    it("a request is taken back by doing nothing: answers are for people", async () => {
      await queue.ask(request());
      expect(await calls(() => queue.cancel(open()))).to.be.empty;
      expect(status()).to.equal(ASKED);
    });

    it("several requests share the changelogs, and keep apart", async () => {
      await queue.ask(request());
      const first = ref;
      ref = issue("OPS");
      await queue.ask(request());
      clock.pass(MINUTE);
      sim.transition(first.id, "In Progress", BETH);
      let found: RequestStanding[] = [];
      const asked = [open(), open({ ref: first }), open({ marker: "[il:gate-2]" })];
      const made = await calls(async () => {
        found = await queue.standing(asked);
      });
      expect(found.map((each) => (each.state === "standing" ? each.answers.length : "absent"))).to.deep.equal([
        0,
        1,
        "absent",
      ]);
      expect(made).to.deep.equal(["read_journal", "read_journal", "read_journal", "read_history"]);
      expect(await calls(() => queue.standing([]))).to.be.empty;
    });

    it("the note is found behind a hundred others, and looked for no further than it can be", async () => {
      await queue.ask(request());
      clock.pass(MINUTE);
      for (let n = 0; n < 150; n += 1) sim.comment(ref.id, `Look at ${n}`, ABEL);
      expect(await standing()).to.include({ state: "standing" });
      const recent = { marker: "[il:gate-2]", requestedAtMs: clock.now() };
      expect(await calls(() => standing(recent))).to.deep.equal(["read_journal", "read_journal"]);
      for (let n = 0; n < 900; n += 1) sim.comment(ref.id, `Look at ${n}`, ABEL);
      const fault = await faultOf(standing());
      expect(fault).to.include({ kind: "rejected" });
      expect(fault.message).to.contain("more than 1000 comments");
    });

    it("a quoted marker does not make the request a later one", async () => {
      const { atMs } = await queue.ask(request());
      clock.pass(MINUTE);
      sim.comment(ref.id, `What is ${MARKER}?`, ABEL);
      expect(await shown()).to.include({ atMs });
    });

    it("a changelog without times, or one that never ends, is an error", async () => {
      await queue.ask(request());
      const changeHistories = [{ id: "1", created: "soon", items: [{ fieldId: "status", fromString: "a" }] }];
      const body = { issueChangeLogs: [{ issueId: ref.id, changeHistories }], nextPageToken: null };
      sim.faults.add({ path: /changelog/, kind: "status", status: 200, body });
      expect((await faultOf(standing())).message).to.contain("does not date");
      const endless = { issueChangeLogs: [], nextPageToken: "more" };
      sim.faults.add({ path: /changelog/, kind: "status", status: 200, body: endless, times: 30 });
      expect((await faultOf(standing())).message).to.contain("pages of changelogs");
    });

    describe("in Data Center", () => {
      beforeEach(async () => {
        await opened.connector.close();
        sim.about.deployment = "datacenter";
        const auth = { type: "bearer", token: sim.integration.apiToken } as const;
        opened = connect(BY_STATUS, { deployment: "datacenter", auth, automation: ["abel.tuter"] });
        queue = opened.connector.approvals ?? expect.fail("there is no queue");
      });

      it("asks, reads who answered by their key, and undoes", async () => {
        const asked = await queue.ask(request({ people: ["beth.anglin"] }));
        expect(asked).to.deep.equal({ atMs: clock.now(), seen: "Open" });
        clock.pass(MINUTE);
        sim.transition(ref.id, "In Progress", BETH);
        const { answers } = await shown();
        const { eligible } = await queue.electorate({ groups: [], people: ["beth.anglin"] }, clock.now());
        expect(answers).to.have.lengthOf(1);
        expect([...eligible.people.keys()]).to.deep.equal([answers[0]?.answeredById]);
        expect(await queue.undoSideDoor({ ...open(), state: true, seen: "Open" })).to.deep.include({ done: true });
      });

      it("knows groups, e-mails and automation by key", async () => {
        const who = { groups: ["Network", "Gone"], people: ["beth.anglin@example.com", "nobody"] };
        const { eligible, unknown } = await queue.electorate(who, clock.now());
        expect([...eligible.people.values()]).to.deep.equal([["group:Network"], ["person:beth.anglin@example.com"]]);
        expect([...eligible.people.keys()].every((key) => key.startsWith("JIRAUSER"))).to.equal(true);
        expect(eligible.inactive.size).to.equal(1);
        expect(unknown).to.have.members(["Gone", "nobody"]);
        const own = await queue.ownIds();
        expect(own.size).to.equal(2);
        expect([...own]).to.include([...eligible.people.keys()][0]);
      });

      it("an automation account that nobody bears is an error", async () => {
        await opened.connector.close();
        const auth = { type: "bearer", token: sim.integration.apiToken } as const;
        opened = connect(BY_STATUS, { deployment: "datacenter", auth, automation: ["robot"] });
        const fault = await faultOf(opened.connector.approvals?.ownIds() ?? Promise.resolve());
        expect(fault.message).to.contain('"robot"').and.contain("interlock.yaml");
      });
    });
  });

  describe("by approvals of the service desk", () => {
    beforeEach(() => start(BY_JSM));
    const answer = (decision: "approved" | "declined", by: { by: string }): void =>
      sim.serviceDesk.answer(sim.serviceDesk.open(ref.id).id, decision, by);
    const approvers = (): unknown => {
      const value = sim.get(ref.id)?.fields[FIELD];
      return Array.isArray(value) ? value.map(({ accountId }: { accountId: string }) => accountId) : value;
    };

    it("names those who may answer, then moves the issue to the status", async () => {
      const asked = await queue.ask(request({ groups: ["Network"] }));
      expect(asked).to.deep.equal({ atMs: clock.now(), seen: "Open" });
      expect(approvers(), "nobody who is switched off").to.have.members([ABEL.by, BETH.by]);
      expect(status()).to.equal(ASKED);
      expect(await shown()).to.deep.include({ answers: [], sideDoor: null });
    });

    it("completes what was cut short at the field", async () => {
      sim.faults.add({ path: /issue\/\d+$/, method: "PUT", kind: "apply-then-reset" });
      expect(await faultOf(queue.ask(request()))).to.include({ outcome: "unknown" });
      await queue.ask(request());
      expect(sim.comments(ref.id)).to.have.lengthOf(1);
      expect(approvers()).to.deep.equal([BETH.by]);
      expect(status()).to.equal(ASKED);
    });

    it("answers: whose, with the time where Jira dates it, else as it is seen", async () => {
      const { atMs } = await queue.ask(request({ groups: ["Network"] }));
      clock.pass(MINUTE);
      answer("approved", BETH);
      clock.pass(MINUTE);
      const one = await shown();
      expect(one.answers[0]).to.include({ decision: "approved", answeredById: BETH.by, atMs: clock.now() });
      expect(one.sideDoor).to.equal(null);
      answer("declined", ABEL);
      const two = await shown();
      expect(two.answers.map(({ decision, approverId }) => `${approverId} ${decision}`)).to.have.members([
        `${BETH.by} approved`,
        `${ABEL.by} rejected`,
      ]);
      expect(two).to.include({ atMs, seen: "Open", sideDoor: null });
      expect(status()).to.equal("Declined");
    });

    it("one answer that decides has its own time", async () => {
      await queue.ask(request());
      clock.pass(MINUTE);
      const at = clock.now();
      answer("approved", BETH);
      clock.pass(MINUTE);
      expect((await shown()).answers).to.deep.include({
        id: "1:5b10-beth",
        decision: "approved",
        approverId: BETH.by,
        answeredById: BETH.by,
        atMs: at,
      });
    });

    it("of an approval that had begun before it was asked, only what is known to be later counts", async () => {
      await queue.ask(request({ groups: ["Network"] }));
      answer("approved", BETH);
      clock.pass(MINUTE);
      await queue.ask(request({ marker: "[il:gate-2]", groups: ["Network"] }));
      clock.pass(MINUTE);
      expect((await shown({ marker: "[il:gate-2]" })).answers, "given before, without a time").to.be.empty;
      answer("approved", ABEL);
      expect((await shown({ marker: "[il:gate-2]" })).answers, "two answers, and one time").to.be.empty;
      expect((await shown()).answers).to.have.lengthOf(2);
    });

    it("of an approval that had begun before, an answer with a later time counts", async () => {
      await queue.ask(request());
      clock.pass(MINUTE);
      await queue.ask(request({ marker: "[il:gate-2]" }));
      clock.pass(MINUTE);
      answer("declined", BETH);
      expect((await shown({ marker: "[il:gate-2]" })).answers[0]).to.include({
        decision: "rejected",
        atMs: clock.now(),
      });
    });

    it("side door: left without a decision; undone, a new approval begins", async () => {
      const { seen } = await queue.ask(request());
      clock.pass(MINUTE);
      sim.transition(ref.id, "In Progress", ABEL);
      expect((await shown()).sideDoor)
        .to.contain(`"${ASKED}"`)
        .and.contain('"In Progress"');
      clock.pass(MINUTE);
      expect(await queue.undoSideDoor({ ...open(), state: true, seen })).to.deep.include({ done: true });
      expect(status()).to.equal(ASKED);
      expect((await shown()).sideDoor).to.equal(null);
      clock.pass(MINUTE);
      answer("approved", BETH);
      expect((await shown()).answers).to.have.lengthOf(1);
      expect((await shown()).sideDoor).to.equal(null);
      clock.pass(MINUTE);
      sim.transition(ref.id, ASKED, ABEL);
      sim.transition(ref.id, "Canceled", ABEL);
      expect((await shown()).sideDoor, "a later approval, undecided").to.contain('"Canceled"');
    });

    it("costs three calls to see what stands", async () => {
      await queue.ask(request());
      expect(await calls(() => queue.standing([open()]))).to.deep.equal([
        "read_journal",
        "read_history",
        "read_approvals",
      ]);
    });

    it("an issue that is no request is an error, with what may be wrong", async () => {
      await queue.ask(request());
      sim.faults.add({ path: /servicedeskapi/, kind: "status", status: 404 });
      expect((await faultOf(queue.standing([open()]))).message).to.contain("no agent");
    });
  });

  describe("who may answer", () => {
    beforeEach(() => start(BY_STATUS));

    it("members of a group and people by e-mail or account id, with their seats; nobody by another name", async () => {
      const who = {
        groups: ["Network", "Nobody", "Gone"],
        people: [BETH.by, "Beth.Anglin@example.com", "5b10-gone", "x", "none@example.com", "a b"],
      };
      const { eligible, unknown, names } = await queue.electorate(who, clock.now());
      expect(Object.fromEntries(eligible.people)).to.deep.equal({
        [ABEL.by]: ["group:Network"],
        [BETH.by]: [`person:${BETH.by}`, "person:Beth.Anglin@example.com"],
      });
      expect(unknown).to.have.members(["Nobody", "Gone", "5b10-gone", "x", "none@example.com", "a b"]);
      expect([...eligible.inactive]).to.deep.equal(["5b10-gone"]);
      expect(eligible.delegates).to.be.empty;
      expect(names.get(ABEL.by)).to.equal("Abel Tuter");
    });

    it("all members of a group of many pages; not of one beyond all bounds", async () => {
      await opened.connector.close();
      await sim.close();
      const users = Array.from({ length: 120 }, (_, n) => ({
        accountId: `u-${n}`,
        displayName: `U ${n}`,
        emailAddress: `u${n}@example.com`,
        memberOf: ["Network"],
      }));
      await start(BY_STATUS, { users: [...USERS, ...users] });
      const { eligible } = await queue.electorate({ groups: ["Network"], people: [] }, clock.now());
      expect(eligible.people.size).to.equal(121);
      const { eligible: none } = await queue.electorate({ groups: [], people: [] }, clock.now());
      expect(none.people).to.be.empty;
      const stuck = { startAt: 0, isLast: false, values: [] };
      sim.faults.add({ path: /group\/member/, kind: "status", status: 200, body: stuck });
      const fault = await faultOf(queue.electorate({ groups: ["Nobody"], people: [] }, clock.now()));
      expect(fault).to.include({ kind: "protocol" });
    });

    it("is kept for a minute, and no longer", async () => {
      const who = { groups: ["Network"], people: [] };
      await queue.electorate(who, clock.now());
      sim.join(BETH.by, "Network");
      expect((await queue.electorate(who, clock.now())).eligible.people.size).to.equal(1);
      clock.pass(MINUTE);
      expect((await queue.electorate(who, clock.now())).eligible.people.size).to.equal(2);
    });

    it("never our own account, nor those that are listed", async () => {
      expect([...(await queue.ownIds())]).to.have.members([sim.integration.accountId, "bot-1"]);
      expect(await calls(() => queue.ownIds())).to.be.empty;
    });
  });
});
