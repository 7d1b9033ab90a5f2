import { expect } from "chai";
import { COLUMNS, sample } from "./sample-uci.ts";
import { changes, EDITED_FIELDS, type Incident, type IncidentEvent, parseIncidents, readIncidents } from "./uci.ts";

const HEADER = COLUMNS.join(",");
const ROW = {
  number: "0000045",
  incident_state: "New",
  active: "true",
  reassignment_count: "0",
  sys_mod_count: "0",
  caller_id: "2403",
  opened_by: "8",
  opened_at: "29/2/2016 01:16",
  sys_updated_by: "21",
  sys_updated_at: "29/2/2016 01:23",
  contact_type: "Phone",
  location: "143",
  category: "55",
  subcategory: "170",
  u_symptom: "?",
  cmdb_ci: "?",
  impact: "2",
  urgency: "2",
  priority: "3",
  assignment_group: "56",
  assigned_to: "?",
  closed_code: "5",
};
const CLOSED = {
  incident_state: "Closed",
  active: "false",
  sys_mod_count: "4",
  sys_updated_at: "5/3/2016 12:00",
  assigned_to: "17",
};

function csv(...rows: Partial<typeof ROW>[]): string {
  return `${[HEADER, ...rows.map((row) => Object.values({ ...ROW, ...row }).join(","))].join("\n")}\n`;
}

function first(incident: Incident): IncidentEvent {
  const [event] = incident.events;
  if (event === undefined) {
    throw new Error(`${incident.number} has no events`);
  }
  return event;
}

function pairs(incident: Incident): [IncidentEvent, IncidentEvent][] {
  return incident.events.slice(1).map((next, index) => [incident.events[index] ?? next, next]);
}

function countBy<Item>(items: Item[], key: (item: Item) => number | string): Record<string, number> {
  return Object.fromEntries(
    Object.entries(Object.groupBy(items, key)).map(([name, group = []]) => [name, group.length]),
  );
}

describe("the UCI sample", () => {
  const incidents = readIncidents();

  it("has 320 incidents of every priority and at most 2,200 events", () => {
    expect(incidents).to.have.length(320);
    expect(countBy(incidents, (incident) => first(incident).priority)).to.eql({ 1: 35, 2: 35, 3: 205, 4: 45 });
    expect(incidents.flatMap(({ events }) => events)).to.have.length(2087);
  });

  it("opens at least 60 % in the front line and the rest in various groups", () => {
    const groups = countBy(incidents, (incident) => first(incident).assignmentGroup ?? "");
    expect(((groups[70] ?? 0) + (groups[""] ?? 0)) / incidents.length).to.be.at.least(0.6);
    expect(Object.keys(groups)).to.have.length.above(25);
  });

  it("starts every incident at its row 0 and ends it Closed", () => {
    for (const { events } of incidents) {
      expect(events[0]?.modCount).to.equal(0);
      expect(events.at(-1)?.state).to.equal("Closed");
    }
  });

  it("derives priority from impact and urgency alone, so a replay need not set it", () => {
    const matrix = new Map<string, number>();
    for (const { impact, urgency, priority } of incidents.flatMap(({ events }) => events)) {
      const key = `${impact}/${urgency}`;
      expect(matrix.get(key) ?? priority).to.equal(priority);
      matrix.set(key, priority);
    }
  });
});

describe("parseIncidents", () => {
  it("reads codes as text, levels as numbers, ? as absent and dates as UTC", () => {
    const [incident] = parseIncidents(csv({}, CLOSED));
    expect(incident).to.deep.include({ number: "0000045", openedBy: "8", openedAt: "2016-02-29T01:16:00.000Z" });
    expect(incident?.events[0]).to.eql({
      state: "New",
      active: true,
      modCount: 0,
      reassignmentCount: 0,
      impact: 2,
      urgency: 2,
      priority: 3,
      contactType: "Phone",
      category: "55",
      subcategory: "170",
      assignmentGroup: "56",
      callerId: "2403",
      location: "143",
      updatedBy: "21",
      updatedAt: "2016-02-29T01:23:00.000Z",
    });
  });

  it("shows the closed code only once the incident is resolved", () => {
    const [incident] = parseIncidents(csv({}, CLOSED));
    expect(incident?.events.map(({ closedCode }) => closedCode)).to.eql([undefined, "5"]);
  });

  const bad: [string, string, string][] = [
    ["a foreign header", "number\n", "line 1: not the columns"],
    ["a short row", `${csv({}, CLOSED)}0000046,New\n`, "line 4: 2 fields"],
    ["a foreign state", csv({ incident_state: "Open" }), 'line 2: incident_state is "Open"'],
    ["an impact with a label", csv({ impact: "1 - High" }), 'line 2: impact is "1 - High"'],
    ["a blank cell", csv({ category: "" }), "line 2: category is blank"],
    ["a day that does not exist", csv({ opened_at: "31/2/2016 01:16" }), 'line 2: opened_at is "31/2/2016'],
    ["a history without row 0", csv(CLOSED), "line 2: 0000045 does not start"],
    ["a history left open", csv({}), "line 2: 0000045 does not end Closed"],
    ["a history left open before another", csv({}, { number: "0000046" }), "line 2: 0000045 does not end Closed"],
    [
      "a history in two parts",
      csv({}, CLOSED, { ...CLOSED, number: "0000046", sys_mod_count: "0" }, {}),
      "line 5: the",
    ],
    ["time that runs back", csv({}, { ...CLOSED, sys_updated_at: "28/2/2016 12:00" }), "line 3: the events of"],
  ];
  for (const [what, text, message] of bad) {
    it(`names the line of ${what}`, () => {
      expect(() => parseIncidents(text)).to.throw(message);
    });
  }
});

describe("changes", () => {
  const incidents = readIncidents();

  it("gives the edited fields and nothing that follows from them", () => {
    const [incident] = parseIncidents(csv({}, CLOSED));
    const [[previous, next] = []] = incident === undefined ? [] : pairs(incident);
    if (previous === undefined || next === undefined) {
      throw new Error("expected two events");
    }
    expect(changes(previous, next)).to.eql({ state: "Closed", assignedTo: "17", closedCode: "5" });
    expect(changes(next, previous)).to.eql({ state: "New", assignedTo: null, closedCode: null });
    expect(changes(next, next)).to.eql({});
  });

  it("takes every first event to its last when applied in turn", () => {
    for (const incident of incidents) {
      const edited = new Map<string, unknown>(Object.entries(first(incident)));
      for (const [previous, next] of pairs(incident)) {
        for (const [field, value] of Object.entries(changes(previous, next))) {
          edited.set(field, value ?? undefined);
        }
      }
      const last = incident.events.at(-1);
      for (const field of EDITED_FIELDS) {
        expect(edited.get(field), `${field} of ${incident.number}`).to.equal(last?.[field]);
      }
    }
  });
});

describe("sample", () => {
  it("refuses a source that it would misread", () => {
    expect(() => sample('number\n"0000045"\n')).to.throw("quoted");
    expect(() => sample("number\n0000045\n")).to.throw("lacks the columns incident_state");
  });

  it("refuses a source with too few incidents for its quotas", () => {
    expect(() => sample(csv({}, CLOSED))).to.throw("too few incidents of priority 1");
  });

  it("takes the same incidents from the same text and seed, and others with another seed", () => {
    const priorities = ["1", "2", "3", "4"];
    const rows = Array.from({ length: 1600 }, (_, index) => ({
      number: String(index).padStart(7, "0"),
      priority: priorities[index % 4] ?? "",
      assignment_group: index % 8 < 4 ? "70" : "56",
    })).flatMap((row) => [row, { ...CLOSED, ...row }]);
    const source = csv(...rows);
    expect(sample(source)).to.equal(sample(source));
    expect(sample(source)).to.not.equal(sample(source, "another"));
    expect(parseIncidents(sample(source))).to.have.length(320);
  });
});
