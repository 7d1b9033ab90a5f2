import { edited, type Texts, without } from "../support/config-files.ts";
import {
  AUTONOMY,
  AUTONOMY_TESTS,
  FREEZES,
  GATES,
  GATES_TESTS,
  ICS,
  icsOf,
  ROUTING,
  ROUTING_TESTS,
  SLA,
  SLA_TESTS,
  SOUND_POLICY,
} from "../support/policy-files.ts";
import type { ProblemCase } from "./problem-cases.ts";

function edit(name: string, file: string, from: string, to: string): ProblemCase {
  return { name, texts: edited(SOUND_POLICY, file, from, to) };
}

function several(name: string, ...edits: readonly (readonly [string, string, string])[]): ProblemCase {
  return { name, texts: edits.reduce<Texts>((texts, [file, from, to]) => edited(texts, file, from, to), SOUND_POLICY) };
}

const CALLS = 'ticket.custom.contactType == "phone"';
const URGENT = 'when: ticket.kind == "incident" && ticket.priority <= 2\n    then: { assign';
const CLOCKED = 'when: ticket.kind == "incident" && ticket.priority <= 2\n    then:\n';
const YEAR_END = "{ zone: Europe/Berlin, start: 2026-12-20T18:00, end: 2027-01-03T06:00 }";
const WEEKLY = "FREQ=WEEKLY;BYDAY=FR";
const APPROVERS = "{ group: Security Operations }";

/** What is missing or misspelt. */
const forms: ProblemCase[] = [
  edit("gates: unknown key", GATES, "expires: 72h", "expire: 72h"),
  edit("gates: no approvers", GATES, APPROVERS, "{}"),
  edit("gates: approvers misspelt", GATES, APPROVERS, "{ grop: Security Operations }"),
  edit("gates: an effect that does not exist", GATES, "[assign, resolve]", "[assign, resolved]"),
  edit("gates: nothing waits", GATES, "before: [fulfil]", "before: []"),
  edit("gates: bound to what does not exist", GATES, "[request.price]", "[request.cost]"),
  edit("gates: no length of time", GATES, "72h", "3 days"),
  edit("gates: need of nobody", GATES, APPROVERS, "{ group: Security Operations, need: 0 }"),
  edit("gates: one id twice", GATES, "id: spend", "id: security"),
  edit("gates: a fact that does not exist", GATES, "spend.month", "spend.year"),
  edit("gates: advice misspelt", GATES, "advice.security_related", "advise.security_related"),
  edit("freezes: no time zone", FREEZES, YEAR_END, "{ start: 2026-12-20T18:00, end: 2027-01-03T06:00 }"),
  edit("freezes: an offset as zone", FREEZES, YEAR_END, YEAR_END.replace("Europe/Berlin", "+01:00")),
  edit("freezes: an abbreviation as zone", FREEZES, YEAR_END, YEAR_END.replace("Europe/Berlin", "CET")),
  edit("freezes: a time with an offset", FREEZES, YEAR_END, YEAR_END.replace("18:00", "18:00:00Z")),
  edit("freezes: a window that ends before it begins", FREEZES, YEAR_END, YEAR_END.replace("2027-01", "2025-01")),
  edit("freezes: a rule of recurrence that is none", FREEZES, WEEKLY, "every friday"),
  edit("freezes: a recurrence below a day", FREEZES, WEEKLY, "FREQ=HOURLY"),
  edit("freezes: a recurrence without a length", FREEZES, "for: 10h, ", ""),
  edit("freezes: severity misspelt", FREEZES, "severity: hard", "severity: hrad"),
  edit(
    "freezes: soft without an override",
    FREEZES,
    "  override: { approvers: { group: Change Management }, expires: 24h }\n",
    "",
  ),
  edit("freezes: a kind that does not exist", FREEZES, "services: [Payments]", "kinds: [changes]"),
  edit("freezes: a calendar file that is not there", FREEZES, YEAR_END, "{ ics: holidays.ics }"),
  {
    name: "freezes: an event without a zone",
    texts: edited(
      { ...SOUND_POLICY, [ICS]: icsOf("DTSTART:20261224T000000\nDTEND:20261227T000000") },
      FREEZES,
      YEAR_END,
      "{ ics: public.ics }",
    ),
  },
  edit("sla: a clock that does not exist", SLA, "resolution:\n", "resolve:\n"),
  edit("sla: a status that does not exist", SLA, "pauses: [on_hold]", "pauses: [onhold]"),
  edit("sla: a calendar that does not exist", SLA, "calendar: office", "calendar: ofice"),
  edit("sla: a step that does nothing", SLA, "do: { note: Half of the time is over }", "do: {}"),
  edit("sla: a point that is none", SLA, "at: 50%", "at: half"),
  edit("sla: hours that are none", SLA, '"08:00-18:00"', "8-18"),
  edit("sla: days that are none", SLA, "mon-fri:", "weekdays:"),
  edit("sla: a holiday that is no day", SLA, "[2026-12-25]", "[25.12.2026]"),
  edit("sla: one step twice", SLA, "id: over", "id: half"),
  edit("autonomy: a mode that does not exist", AUTONOMY, "mode: suggest", "mode: propose"),
  edit("autonomy: a share that is none", AUTONOMY, "targetError: 2%", "targetError: 0.02"),
  edit(
    "autonomy: no default",
    AUTONOMY,
    SOUND_POLICY[AUTONOMY]?.slice(SOUND_POLICY[AUTONOMY].indexOf("default:")) ?? "",
    "",
  ),
  edit("autonomy: kill switch misspelt", AUTONOMY, "rules:\n", "killswitch: true\nrules:\n"),
  { name: "a file of a misspelt name", texts: { ...SOUND_POLICY, "config/policy/gate.yaml": "[]" } },
];

/** What is well formed and cannot be meant. */
const meanings: ProblemCase[] = [
  edit("a status that does not exist", ROUTING, CALLS, 'ticket.status == "onhold"'),
  edit("a kind in another case", ROUTING, CALLS, 'ticket.kind != "Incident"'),
  edit("a priority that does not exist", ROUTING, CALLS, "ticket.priority in [0, 1]"),
  edit(
    "a risk that does not exist, inside brackets",
    GATES,
    "advice.security_related",
    '!(ticket.change.risk == "medium")',
  ),
  edit("a value that no mapping gives", ROUTING, CALLS, 'ticket.custom.tier == "golden"'),
  edit("a connection that does not exist", GATES, "advice.security_related", 'ticket.connection == "snwo"'),
  edit("a condition that contradicts itself", ROUTING, CALLS, 'ticket.kind == "incident" && ticket.kind == "change"'),
  edit("bounds that leave nothing", ROUTING, CALLS, "ticket.priority > 3 && ticket.priority < 2"),
  edit("a bound beyond all values", GATES, "advice.security_related", "ticket.urgency > 3 || false"),
  edit("a guard that can never hold", GATES, 'when: ticket.kind == "request" && spend', "when: false && spend"),
  edit("a condition and its opposite", ROUTING, CALLS, 'ticket.title.contains("a") && !(ticket.title.contains("a"))'),
  edit("a rule that an earlier one covers", ROUTING, CALLS, 'ticket.priority == 1 && ticket.kind == "incident"'),
  edit(
    "a rule that two earlier ones cover together",
    ROUTING,
    "default:",
    `  - { id: both, why: It cannot, when: '${CALLS} || (ticket.kind == "incident" && ticket.priority < 2)', then: { leave: true } }\ndefault:`,
  ),
  edit("a rule before everything", AUTONOMY, 'ticket.kind == "change"', "ticket.priority >= 1"),
  edit(
    "a rule that is written twice",
    SLA,
    "rules:\n",
    `rules:\n  - { id: first, why: x, ${CLOCKED.trim()
      .replace(/\n.*/s, "")
      .replace(/^when: (.*)$/, "when: '$1'")}, then: { clocks: { response: { within: 1h, stops: [closed] } } } }\n`,
  ),
  edit(
    "a window that is over",
    FREEZES,
    YEAR_END,
    "{ zone: Europe/Berlin, start: 2024-12-20T18:00, end: 2025-01-03T06:00 }",
  ),
  edit("a recurrence that has ended", FREEZES, WEEKLY, `${WEEKLY};COUNT=3`),
];

/** What the tests of the rules find. */
const tests: ProblemCase[] = [
  { name: "tests: a file without any", texts: without(SOUND_POLICY, GATES_TESTS) },
  { name: "tests: an empty file", texts: { ...SOUND_POLICY, [AUTONOMY_TESTS]: "[]\n" } },
  edit("tests: unknown key", ROUTING_TESTS, "set: { assignmentGroup", "sets: { assignmentGroup"),
  edit("tests: a field of the ticket that does not exist", ROUTING_TESTS, "priority: 2 }", "prioritty: 2 }"),
  edit("tests: a custom field that does not exist", ROUTING_TESTS, "contactType: phone", "contactTyp: phone"),
  edit("tests: a fact that does not exist", GATES_TESTS, "{ spend: null }", "{ spent: null }"),
  edit("tests: an hour without a zone", SLA_TESTS, "now: 2026-03-02T09:30:00Z", "now: 2026-03-02T09:30:00"),
  edit("tests: nothing is expected", ROUTING_TESTS, "{ rule: phone, set: {} }", "{}"),
  edit("tests: another rule decides", ROUTING_TESTS, "rule: phone", "rule: the-rest"),
  edit("tests: another group is set", ROUTING_TESTS, "Senior Engineers }", "Service Desk }"),
  edit(
    "tests: a gate that is not asked for",
    GATES_TESTS,
    "gates: [security], holds",
    "gates: [security, spend], holds",
  ),
  edit("tests: a rule that is not there", GATES_TESTS, "gates: [spend]", "gates: [spent]"),
  edit(
    "tests: a rule that must not match and is not there",
    GATES_TESTS,
    "becauseNot: [spend]",
    "becauseNot: [spending]",
  ),
  edit("tests: a rule that must not match and does", GATES_TESTS, "becauseNot: [spend]", "becauseNot: [security]"),
  edit("tests: a rule that must match and does not", SLA_TESTS, "wakeAt: null", "because: [urgent]"),
  edit("tests: a fact that is asked for and not given", GATES_TESTS, "  facts: { spend: { month: 500 } }\n", ""),
  edit("tests: a step that comes later", SLA_TESTS, "escalations: [half]", "escalations: [over]"),
  edit("tests: another hour to wake", SLA_TESTS, "wakeAt: 2026-03-02T10:00:00Z", "wakeAt: 2026-03-02T10:30:00Z"),
  edit(
    "tests: another mode",
    AUTONOMY_TESTS,
    "{ mode: suggest, because: [autonomy/changes-by-people] }",
    "{ mode: act }",
  ),
  edit("tests: a rule that none matches", ROUTING_TESTS, "{ contactType: phone }", "{ contactType: mail }"),
  edit(
    "tests: a rule that none passes by",
    AUTONOMY_TESTS,
    "- name: an incident happens\n  ticket: { kind: incident }\n  expect: { mode: act }\n",
    "",
  ),
];

/** One problem does not hide another. */
const together: ProblemCase[] = [
  several(
    "a misspelt status, a window that is over, a failing test and a rule without tests",
    [ROUTING, CALLS, 'ticket.status == "closd"'],
    [FREEZES, YEAR_END, "{ zone: Europe/Berlin, start: 2024-12-20T18:00, end: 2025-01-03T06:00 }"],
    [AUTONOMY_TESTS, "mode: suggest", "mode: observe"],
  ),
  several(
    "a wrong form and a wrong meaning in two files",
    [GATES, "expires: 72h", "expire: 72h"],
    [ROUTING, URGENT, 'when: ticket.kind == "incidnt"\n    then: { assign'],
  ),
];

export const POLICY_PROBLEM_CASES: readonly ProblemCase[] = [...forms, ...meanings, ...tests, ...together];
