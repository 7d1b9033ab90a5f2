import { type Checked, checkConfig } from "../../../core/config/check.ts";
import { FOLDERS, filesOf, ROUTING, SECRETS, SNOW, SOUND, type Texts } from "./config-files.ts";

export const GATES = "config/policy/gates.yaml";
export const FREEZES = "config/policy/freezes.yaml";
export const SLA = "config/policy/sla.yaml";
export const AUTONOMY = "config/policy/autonomy.yaml";
export const ICS = "config/policy/public.ics";
export const ROUTING_TESTS = "config/policy/routing.test.yaml";
export const GATES_TESTS = "config/policy/gates.test.yaml";
export const FREEZES_TESTS = "config/policy/freezes.test.yaml";
export const SLA_TESTS = "config/policy/sla.test.yaml";
export const AUTONOMY_TESTS = "config/policy/autonomy.test.yaml";

/** The hour at which the policy below is checked. */
export const CHECKED_AT_MS = Date.UTC(2026, 2, 2, 9);

/** A small sound policy with tests for all it says; every case of a wrong one is an edit of it. */
export const SOUND_POLICY: Texts = {
  ...SOUND,
  [SNOW]: `${SOUND[SNOW]}  tier: { from: u_tier, values: { "1": gold, "2": silver }, default: silver }\n`,
  [ROUTING_TESTS]: `- name: an urgent incident goes to senior engineers
  ticket: { kind: incident, priority: 2 }
  expect: { rule: senior, set: { assignmentGroup: Senior Engineers } }
- name: a call stays with the desk
  ticket: { priority: 4, custom: { contactType: phone } }
  expect: { rule: phone, set: {} }
- name: everything else is looked at
  ticket: { priority: 4 }
  expect: { rule: the-rest, becauseNot: [senior, phone] }
`,
  [GATES]: `- id: security
  why: Security-related tickets need a person
  when: ticket.category == "security" || advice.security_related
  then:
    gate: { approvers: { group: Security Operations }, before: [assign, resolve], binds: [title], expires: 72h }
- id: spend
  why: Spend above the limit needs the budget owner
  when: ticket.kind == "request" && spend.month + ticket.request.price > 1000
  then:
    gate: { approvers: { person: budget@example.com }, before: [fulfil], binds: [request.price], expires: 5d }
`,
  [GATES_TESTS]: `- name: a security ticket needs a person
  ticket: { category: security }
  expect: { gates: [security], holds: [] }
- name: what a model calls security needs a person too
  ticket: {}
  facts: { advice: { security_related: true } }
  expect: { gates: [security], becauseNot: [spend] }
- name: a dear request needs the budget owner
  ticket: { kind: request, request: { price: 600 } }
  facts: { spend: { month: 500 } }
  expect: { gates: [spend] }
- name: a request whose spend nobody knows waits
  ticket: { kind: request, request: { price: 600 } }
  facts: { spend: null }
  expect: { gates: [], holds: [spend] }
`,
  [FREEZES]: `- id: year-end
  why: Nothing changes while the books are closed
  window: { zone: Europe/Berlin, start: 2026-12-20T18:00, end: 2027-01-03T06:00 }
  severity: hard
- id: fridays
  why: Payments rest on Friday afternoons
  window: { zone: Europe/Berlin, start: 2026-01-02T14:00, for: 10h, rrule: FREQ=WEEKLY;BYDAY=FR }
  scope: { services: [Payments], when: ticket.change.type != "emergency" }
  severity: soft
  override: { approvers: { group: Change Management }, expires: 24h }
`,
  [FREEZES_TESTS]: `- name: a change at Christmas waits
  ticket: { kind: change, change: { plannedStart: 2026-12-24T10:00:00Z, plannedEnd: 2026-12-24T12:00:00Z } }
  expect: { holds: [year-end], gates: [] }
- name: a change of payments on a Friday needs an override
  ticket: { kind: change, service: Payments, change: { type: normal, plannedStart: 2026-03-06T14:00:00Z, plannedEnd: 2026-03-06T15:00:00Z } }
  expect: { holds: [], gates: [fridays] }
- name: an emergency does not
  ticket: { kind: change, service: Payments, change: { type: emergency, plannedStart: 2026-03-06T14:00:00Z } }
  expect: { gates: [], becauseNot: [fridays] }
`,
  [SLA]: `calendars:
  office: { zone: Europe/Berlin, hours: { mon-fri: "08:00-18:00" }, holidays: [2026-12-25] }
rules:
  - id: urgent
    why: Urgent incidents are answered within the hour
    when: ticket.kind == "incident" && ticket.priority <= 2
    then:
      clocks:
        response:
          within: 1h
          stops: [in_progress, resolved, closed]
          steps:
            - { id: half, at: 50%, do: { note: Half of the time is over } }
            - { id: over, at: 100%, do: { escalate: { group: Senior Engineers, takeOver: true } } }
        resolution:
          within: 8h
          calendar: office
          stops: [resolved, closed]
          pauses: [on_hold]
`,
  [SLA_TESTS]: `- name: half an hour after an urgent incident
  ticket: { priority: 1, createdAt: 2026-03-02T09:00:00Z }
  now: 2026-03-02T09:30:00Z
  expect: { escalations: [half], wakeAt: 2026-03-02T10:00:00Z, because: [urgent] }
- name: a small one has no clocks
  ticket: { priority: 4 }
  expect: { escalations: [], wakeAt: null }
`,
  [AUTONOMY]: `rules:
  - id: changes-by-people
    why: Changes are only suggested
    when: ticket.kind == "change"
    then: { mode: suggest }
default:
  id: act
  why: Everything else may happen by itself
  then: { mode: act, targetError: 2% }
`,
  [AUTONOMY_TESTS]: `- name: a change is suggested
  ticket: { kind: change }
  expect: { mode: suggest, because: [autonomy/changes-by-people] }
- name: an incident happens
  ticket: { kind: incident }
  expect: { mode: act }
`,
  [ICS]: icsOf("DTSTART;TZID=Europe/Berlin:20261224T000000\nDTEND;TZID=Europe/Berlin:20261227T000000"),
  "mappings/snow.test.yaml": mappingTest(
    "short_description: t, state: '1', priority: '2', u_tier: '1'",
    "2026-03-02 08:15:00",
  ),
  "mappings/jira.test.yaml": mappingTest(
    "summary: t, status: { name: Open }, priority: { name: High }",
    "2026-03-02T08:15:00.000+0000",
  ),
};

export { ROUTING };

/** A calendar file with one event. */
export function icsOf(times: string): string {
  return `BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\nBEGIN:VEVENT\nUID:1\nSUMMARY:Closed\n${times}\nEND:VEVENT\nEND:VCALENDAR\n`;
}

function mappingTest(record: string, at: string): string {
  const times = record.startsWith("summary")
    ? `created: "${at}", updated: "${at}"`
    : `sys_created_on: "${at}", sys_updated_on: "${at}"`;
  return `- name: maps\n  record: { ${record}, ${times} }\n  expect: { title: t, status: new, priority: 2 }\n`;
}

/** What a check of these texts finds. */
export function checkedOf(texts: Texts, nowMs: number = CHECKED_AT_MS): Checked {
  return checkConfig(filesOf(texts), FOLDERS, SECRETS, nowMs);
}
