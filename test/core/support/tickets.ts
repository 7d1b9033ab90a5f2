import fc from "fast-check";
import {
  CHANGE_OUTCOMES,
  CHANGE_RISKS,
  CHANGE_TYPES,
  type Person,
  TICKET_KINDS,
  TICKET_STATUSES,
  type Ticket,
} from "../../../core/ticket.ts";

export const TICKET: Ticket = {
  ref: { connection: "snow", type: "incident", id: "5f3a1b2c", key: "INC0010001" },
  kind: "incident",
  title: "VPN asks for the code again and again",
  description: "Since this morning.",
  status: "new",
  priority: 3,
  impact: 2,
  urgency: 2,
  category: "network",
  subcategory: "",
  assignmentGroup: "Service Desk",
  assignee: { id: "", name: "", email: "" },
  requester: { id: "u1", name: "Maria Keller", email: "maria.keller@example.com" },
  ci: "vpn-rtm-01",
  ciId: "c1",
  service: "",
  labels: [],
  createdAt: "2026-03-02T08:15:00.000Z",
  updatedAt: "2026-03-02T08:16:30.000Z",
  revision: "4",
  change: { type: "", risk: "", backoutPlan: "", cabRequired: false, onHold: false, outcome: "" },
  request: { item: "", quantity: 0, price: 0 },
  custom: {},
};

export function ticketWith(patch: Partial<Ticket>): Ticket {
  return { ...structuredClone(TICKET), ...patch };
}

/** What people and vendors write into fields; without halves of characters, which a mapping takes out. */
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.constantFrom("", "__proto__", "constructor", "a\nb", "network", "2026-01-01T00:00:00Z", "1"),
);
const instant = fc
  .date({ min: new Date("1970-01-01T00:00:00Z"), max: new Date("2099-12-31T00:00:00Z"), noInvalidDate: true })
  .map((date) => date.toISOString());
const person: fc.Arbitrary<Person> = fc.record({ id: text, name: text, email: text });

/** Any ticket its schema allows. */
export const anyTicket: fc.Arbitrary<Ticket> = fc.record({
  ref: fc.record({ connection: text, type: text, id: text, key: text }),
  kind: fc.constantFrom(...TICKET_KINDS),
  title: text,
  description: text,
  status: fc.constantFrom(...TICKET_STATUSES),
  priority: fc.integer({ min: 1, max: 5 }),
  impact: fc.integer({ min: 1, max: 3 }),
  urgency: fc.integer({ min: 1, max: 3 }),
  category: text,
  subcategory: text,
  assignmentGroup: text,
  assignee: person,
  requester: person,
  ci: text,
  ciId: text,
  service: text,
  labels: fc.array(text, { maxLength: 3 }),
  createdAt: instant,
  updatedAt: instant,
  revision: text,
  change: fc.record(
    {
      type: fc.constantFrom(...CHANGE_TYPES),
      risk: fc.constantFrom(...CHANGE_RISKS),
      plannedStart: instant,
      plannedEnd: instant,
      actualEnd: instant,
      backoutPlan: text,
      cabRequired: fc.boolean(),
      onHold: fc.boolean(),
      outcome: fc.constantFrom(...CHANGE_OUTCOMES),
    },
    { requiredKeys: ["type", "risk", "backoutPlan", "cabRequired", "onHold", "outcome"] },
  ),
  request: fc.record({ item: text, quantity: fc.nat(), price: fc.nat() }),
  custom: fc.dictionary(fc.stringMatching(/^[a-z][A-Za-z0-9]{0,9}$/), fc.oneof(text, fc.integer(), fc.boolean()), {
    maxKeys: 4,
  }),
});

/** Makes an object, and all that is in it, unchangeable: a function that writes to it throws. */
export function frozen<T>(value: T): T {
  if (value !== null && typeof value === "object") {
    for (const inner of Object.values(value)) frozen(inner);
    Object.freeze(value);
  }
  return value;
}
