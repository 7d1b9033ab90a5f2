import { expect } from "chai";
import type { Facts } from "../../../core/policy/facts.ts";
import type { Ticket } from "../../../core/ticket.ts";
import { decided, policyOf } from "../support/policies.ts";
import { TICKET } from "../support/tickets.ts";

const NOW_MS = Date.parse("2026-03-02T09:00:00Z");
const POLICY = policyOf([{ when: "ticket.priority == 1" }]);

/** A ticket in which every field that its schema allows is filled. */
const FULL: Ticket = {
  ...TICKET,
  labels: ["vpn"],
  change: {
    type: "normal",
    risk: "low",
    plannedStart: "2026-03-03T08:00:00.000Z",
    plannedEnd: "2026-03-03T09:00:00.000Z",
    backoutPlan: "Put it back.",
    cabRequired: false,
    onHold: false,
    outcome: "",
  },
  request: { item: "Laptop", quantity: 1, price: 900 },
  custom: { contactType: "phone", floor: 3, vip: true },
};

/** The same value with one of its leaves changed, once for each, with the leaf's path. */
function changedAnywhere<T>(value: T, path = ""): [string, T][] {
  if (value === null || typeof value !== "object") {
    const other = typeof value === "number" ? value + 1 : typeof value === "boolean" ? !value : `${String(value)}x`;
    return [[path, other as T]]; // of the same kind
  }
  return Object.entries(value).flatMap(([key, inner]) =>
    changedAnywhere(inner as unknown, `${path}.${key}`).map(([where, changed]): [string, T] => {
      const copy = structuredClone(value);
      Object.assign(copy as object, { [key]: changed });
      return [where, copy];
    }),
  );
}

describe("what a decision was made from", () => {
  const digests = (ticket: Ticket, facts: Facts = {}, nowMs = NOW_MS, policy = POLICY): [string, string] => {
    const { id, inputsDigest } = decided(ticket, policy, nowMs, facts);
    return [id, inputsDigest];
  };

  it("has another digest, and the decision another id, when anything in the ticket is another, texts too", () => {
    const changed = changedAnywhere(FULL);
    expect(changed.map(([path]) => path)).to.include.members([".title", ".custom.vip", ".labels.0", ".requester.name"]);
    const told = [digests(FULL), ...changed.map(([, ticket]) => digests(ticket))];
    expect(new Set(told.map(([id]) => id)).size, "ids").to.equal(changed.length + 1);
    expect(new Set(told.map(([, digest]) => digest)).size, "digests").to.equal(changed.length + 1);
  });

  it("has another digest when a value stands in another field", () => {
    const moved = { ...FULL, ci: FULL.service, service: FULL.ci };
    const between = { ...FULL, category: `${FULL.category}","${FULL.subcategory}`, subcategory: "" };
    expect(new Set([FULL, moved, between].map((ticket) => digests(ticket)[1])).size).to.equal(3);
  });

  it("has another digest with another fact, another hour or another policy", () => {
    const ci = { name: "vpn", className: "app", environment: "production", criticality: "1", owner: "x" };
    const told = [
      digests(FULL),
      digests(FULL, { ci: null }),
      digests(FULL, { ci }),
      digests(FULL, { ci: { ...ci, owner: "y" } }),
      digests(FULL, { members: { u1: ["Board Office"] } }),
      digests(FULL, { members: { u1: ["Sales"] } }),
      digests(FULL, {}, NOW_MS + 1),
      digests(FULL, {}, NOW_MS, policyOf([{ when: "ticket.priority == 2" }])),
    ];
    expect(new Set(told.map(([id]) => id)).size, "ids").to.equal(told.length);
    expect(new Set(told.map(([, digest]) => digest)).size, "digests").to.equal(told.length);
  });
});

describe("the id of a decision", () => {
  /** Both let everything happen and set nothing; they differ in which rule said so. */
  const freedBy = (...whens: readonly string[]) => ({
    // Of one version, so that only the trace can tell them apart.
    ...policyOf(
      [],
      undefined,
      {},
      {
        autonomy: {
          // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
          rules: whens.map((when, at) => ({ id: `free-${at}`, why: "It says so", when, then: { mode: "act" } })),
          // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
          default: { id: "rest", why: "It says so", then: { mode: "act" } },
        },
      },
    ),
    version: "one",
  });

  it("is another when only a verdict is another", () => {
    const traced = [freedBy("true", "true"), freedBy("false", "true"), freedBy("false", "false")].map((policy) =>
      decided(FULL, policy, NOW_MS),
    );
    expect(traced.map(({ trace }) => trace.verdicts)).to.deep.equal(["mmss", "mnms", "mnnm"]);
    expect(new Set(traced.map(({ inputsDigest }) => inputsDigest)).size, "inputs").to.equal(1);
    expect(new Set(traced.map(({ id }) => id)).size, "ids").to.equal(traced.length);
  });
});
