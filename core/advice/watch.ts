import type { Clock } from "../clock.ts";
import { instant } from "../clock.ts";
import { describeError } from "../errors.ts";
import type { Log, Meter } from "../ports.ts";
import type { Ticket } from "../ticket.ts";
import type { AdviceMemory, AdviceOutcome, Advised } from "./remembered.ts";
import type { LabelField } from "./step.ts";
import { isRefuted, type Trust, WINDOW_TICKETS } from "./trust.ts";

/** The most characters of a value that stand in an outcome. */
const FINAL_MAX = 400;

/** What people closed a ticket with, beside what advice had said. A field that they left empty tells nothing. */
export function outcomesOf(advised: readonly Advised[], ticket: Ticket): AdviceOutcome[] {
  return advised.flatMap((each) => {
    const final = finalOf(each.field, ticket).trim();
    if (final === "") return [];
    const correct = final.toLowerCase() === each.label.trim().toLowerCase();
    return [{ ...each, final: final.slice(0, FINAL_MAX).toWellFormed(), correct }];
  });
}

/** An intent is nothing that a ticket is closed with. */
function finalOf(field: LabelField, { category, service, assignmentGroup }: Ticket): string {
  switch (field) {
    case "category":
      return category;
    case "service":
      return service;
    case "assignment_group":
      return assignmentGroup;
    case "intent":
      return "";
  }
}

export interface WatchDeps {
  memory: Pick<AdviceMemory, "tally" | "demote" | "demotions">;
  trust: Trust;
  clock: Clock;
  log: Log;
  meter: Meter;
}

/** Keeps watch over what goes by itself: where outcomes refute a class, a person decides about it from then on. */
export class Watch {
  readonly #deps: WatchDeps;

  constructor(deps: WatchDeps) {
    this.#deps = deps;
  }

  /** Learns what other processes have found out, and what was found out before the start. */
  async refresh(): Promise<void> {
    this.#deps.trust.know(await this.#deps.memory.demotions());
  }

  /** To be told of outcomes once they are durable. */
  async look(outcomes: readonly AdviceOutcome[]): Promise<void> {
    const { meter } = this.#deps;
    for (const outcome of outcomes) {
      const { field, automatic, audited, correct } = outcome;
      const labels = { field, automatic: String(automatic), correct: String(correct) };
      meter.count("interlock_advice_outcomes_total", labels);
      // Below the bound nobody relied on it: such answers say nothing about the bound.
      if (correct || !(automatic || audited)) continue;
      try {
        await this.#judge(outcome);
      } catch (error) {
        // The ticket is settled all the same; the next error of the class judges again.
        this.#deps.log.warn("outcomes of a class could not be judged", {
          by: outcome.by,
          field,
          error: describeError(error),
        });
      }
    }
  }

  async #judge({ by, field, label, targetBp }: AdviceOutcome): Promise<void> {
    const { memory, trust, clock, log, meter } = this.#deps;
    const which = { by, field, label };
    if (targetBp === null || trust.isDemoted(which)) return;
    const { tickets, errors } = await memory.tally(which, WINDOW_TICKETS, trust.restoredMs(which));
    if (!isRefuted({ tickets, errors }, targetBp)) return;
    const since = instant(clock.now());
    if (!(await memory.demote({ ...which, since, tickets, errors, targetBp }))) return;
    meter.count("interlock_demotions_total", { field });
    log.warn(
      "answers of a class are only suggested from now on; look at them, retrain, or restore it in autonomy.yaml",
      {
        ...which,
        tickets,
        errors,
        targetBp,
      },
    );
    await this.refresh();
  }
}
