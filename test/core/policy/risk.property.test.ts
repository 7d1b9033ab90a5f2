import { readFileSync } from "node:fs";
import fc from "fast-check";
import { parseYaml, type YamlFile } from "../../../core/config/document.ts";
import type { Decision } from "../../../core/decision.ts";
import { compilePolicy } from "../../../core/policy/compile.ts";
import type { Facts } from "../../../core/policy/facts.ts";
import type { ImpactFact } from "../../../core/policy/impact.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import { ProblemsError } from "../../../core/problem.ts";
import { CHANGE_TYPES, type Ticket } from "../../../core/ticket.ts";
import { decided, yamlOf } from "../support/policies.ts";
import { ticketWith } from "../support/tickets.ts";
import { anyHour, anyImpact } from "../support/worlds.ts";

const RUNS = { numRuns: 10_000 };

const FLAGS = ["dependentsCut", "stale", "orphaned", "duplicate", "ownerless", "relationless", "noHistory"] as const;

function shipped(name: string): YamlFile {
  const parsed = parseYaml(`${name}.yaml`, readFileSync(`config/policy/${name}.yaml`, "utf8"));
  if ("problems" in parsed) throw new ProblemsError(parsed.problems);
  return parsed.file;
}

/** The factors that are shipped, with these points of what is not known. */
function policyWith(ignorance: object): Policy {
  const [risk, freezes, sla] = [shipped("change-risk"), shipped("freezes"), shipped("sla")];
  const weighed = yamlOf("change-risk.yaml", { ...Object(risk.value), ignorance });
  const files = { routing: shipped("routing"), freezes, sla, "change-risk": weighed, readIcs: () => undefined };
  const compiled = compilePolicy(files, {});
  if ("problems" in compiled) throw new ProblemsError(compiled.problems);
  return compiled.policy;
}

const POLICIES = [{}, { stale: 1, cut: 1 }, { ownerless: 90, noHistory: 1_000 }].map(policyWith);

const anyChange: fc.Arbitrary<Ticket> = fc
  .record({
    type: fc.constantFrom(...CHANGE_TYPES),
    backoutPlan: fc.constantFrom("", "Put it back."),
    window: fc.constantFrom(
      {},
      { plannedStart: "2026-03-14T02:00:00.000Z" },
      { plannedStart: "2026-04-01T10:00:00.000Z" },
    ),
    ci: fc.constantFrom("", "erp-db-01"),
    assignmentGroup: fc.constantFrom("", "Database"),
  })
  .map(({ type, backoutPlan, window, ci, assignmentGroup }) =>
    ticketWith({
      ...{ kind: "change", status: "assess", ci, ciId: ci, assignmentGroup },
      change: { type, risk: "", backoutPlan, cabRequired: false, onHold: false, outcome: "", ...window },
    }),
  );

const anyCi = fc.option(
  fc.record({
    ...{ name: fc.constant(""), className: fc.constant(""), owner: fc.constantFrom("", "Tom") },
    ...{ environment: fc.constantFrom("Production", "Test"), criticality: fc.constantFrom("1 - most critical", "4") },
  }),
);

function careOf({ gates, holds }: Decision): string[] {
  return [...gates.map(({ rule }) => rule), ...holds.map(({ rule }) => rule)];
}

/** Ten thousand cases with a score each take seconds, and longer on a busy machine. */
describe("the risk of a change (properties)", function (this: Mocha.Suite) {
  this.timeout(120_000);
  const { stackTraceLimit } = Error;
  before(() => {
    Error.stackTraceLimit = 0;
  });
  after(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });

  it("less knowledge of an item never lowers it, nor takes away a guard", () => {
    fc.assert(
      fc.property(
        ...([anyChange, anyCi, anyImpact, fc.constantFrom(...FLAGS), fc.constantFrom(...POLICIES), anyHour] as const),
        (ticket, ci, drawn, flag, policy, nowMs) => {
          const risk = (impact: ImpactFact): Decision => decided(ticket, policy, nowMs, { ci, impact } satisfies Facts);
          const known = risk({ ...drawn, [flag]: false });
          const unknown = risk({ ...drawn, [flag]: true });
          const points = (unknown.risk?.points ?? 0) - (known.risk?.points ?? 0);
          // A guard of the board may come as a gate or, where it is too late to ask, as a hold; neither goes away.
          return points > 0 && careOf(known).every((rule) => careOf(unknown).includes(rule));
        },
      ),
      RUNS,
    );
  });

  it("to know nothing of the item's environment never lowers it", () => {
    fc.assert(
      fc.property(anyChange, anyCi, anyImpact, anyHour, (ticket, ci, impact, nowMs) => {
        const policy = POLICIES[0];
        if (!policy) return false;
        const points = (known: Facts["ci"]): number =>
          decided(ticket, policy, nowMs, { ci: known, impact }).risk?.points ?? 0;
        return points(null) >= points(ci);
      }),
      RUNS,
    );
  });

  it("its points are those of its factors", () => {
    fc.assert(
      fc.property(anyChange, anyCi, fc.option(anyImpact), anyHour, (ticket, ci, impact, nowMs) =>
        POLICIES.every((policy) => {
          const { risk } = decided(ticket, policy, nowMs, { ci, impact });
          return risk?.points === risk?.factors.reduce((sum, { points }) => sum + points, 0);
        }),
      ),
    );
  });
});
