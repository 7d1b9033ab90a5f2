import type { Report } from "./backtest.ts";
import type { Figures } from "./figures.ts";

/** One line of the comparison: a figure as history has it, and under each policy. */
export interface Line {
  label: string;
  /** `""` where history has no such figure. */
  before: string;
  values: string[];
}

/** A whole number as people read it. */
export function whole(count: number): string {
  return count.toLocaleString("en-US");
}

/** `61.8 %`; a dash where there is nothing to take a share of. */
export function percent(part: number, all: number): string {
  return all === 0 ? "–" : `${((100 * part) / all).toFixed(1)} %`;
}

/** Every figure of a report in the words of a service desk, the policies side by side. */
export function reportLines({ history, policies }: Report): Line[] {
  const { tickets, known, agreeBefore } = history;
  const line = (label: string, value: (figures: Figures) => string | number, before = ""): Line => ({
    label,
    before,
    values: policies.map((figures) => {
      const shown = value(figures);
      return typeof shown === "number" ? whole(shown) : shown;
    }),
  });
  const right = `${percent(agreeBefore, known)} (${whole(agreeBefore)})`;
  return [
    line("Group decided is the one that resolved", ({ agree }) => `${percent(agree, known)} (${whole(agree)})`, right),
    line("Routed differently from the first group", (sum) => sum.routedDifferently),
    line("  of these: to the group that resolved it", (sum) => sum.better),
    line("  of these: away from the group that resolved it", (sum) => sum.worse),
    line("  of these: nobody had chosen a group yet", (sum) => sum.differentlyAndFree),
    line("Left where they are", (sum) => sum.leftToPeople),
    line("Held for a person when opened", (sum) => `${whole(sum.heldAtFirst)} (${percent(sum.heldAtFirst, tickets)})`),
    line("Held for a person at some time", (sum) => sum.held),
    line("Gates asked", (sum) => sum.gates.asked),
    line("  asked again, as a bound field changed", (sum) => sum.gates.askedAgain),
    line("Tickets that ran into a freeze", (sum) => sum.freezes.tickets),
    line("Escalation steps taken", (sum) => sum.escalations.steps),
    line("  on so many tickets", (sum) => sum.escalations.tickets),
    line("SLA clocks", (sum) => sum.sla.clocks),
    line(
      "SLA clocks that missed their target",
      ({ sla }) => `${whole(sla.missed)} (${percent(sla.missed, sla.clocks)})`,
    ),
    line("  people told by 50 % of the time", ({ sla }) => `${whole(sla.told50)} (${percent(sla.told50, sla.missed)})`),
    line("  people told by 75 % of the time", ({ sla }) => `${whole(sla.told75)} (${percent(sla.told75, sla.missed)})`),
    line(
      "  people told by 100 % of the time",
      ({ sla }) => `${whole(sla.told100)} (${percent(sla.told100, sla.missed)})`,
    ),
    line("AI calls and their cost", () => "0, AI is off here"),
    line("  tickets whose rules ask for advice", (sum) => sum.ai.wanted),
  ];
}

/** What a reader must know to judge the figures: what was left out, could not be read, or was not there to be asked. */
export function reportNotes({ history, policies, policiesDiffer }: Report): string[] {
  const { rows, tickets, known, unreadable, rowsOutOfOrder, before, remarks } = history;
  const notes = [
    `${whole(rows)} states of ${whole(tickets)} tickets, ${history.from ?? "–"} to ${history.to ?? "–"}; the group that resolved is known of ${whole(known)}, and agreement is a share of these.`,
    "History is taken as it was: what people would have done otherwise under these rules is not guessed at.",
  ];
  const [a, b] = policies;
  if (policiesDiffer !== null && a && b)
    notes.push(`${a.name} and ${b.name} send ${whole(policiesDiffer)} tickets to different groups.`);
  if (before > 0) notes.push(`${whole(before)} tickets were opened before --since and left out.`);
  if (rowsOutOfOrder > 0)
    notes.push(
      `${whole(rowsOutOfOrder)} states are earlier than the one before them; they count from that one's hour.`,
    );
  if (unreadable.rows > 0) {
    const reasons = Object.entries(unreadable.byReason).map(([reason, count]) => `${reason} (${whole(count)})`);
    notes.push(`${whole(unreadable.rows)} states could not be read and were passed over: ${reasons.join("; ")}.`);
  }
  notes.push(...remarks);
  for (const { name, unknownFacts } of policies) {
    const facts = Object.entries(unknownFacts).map(([fact, count]) => `${fact} of ${whole(count)} tickets`);
    if (facts.length > 0)
      notes.push(`${name} asks for facts that no history holds, so they count as unknown: ${facts.join(", ")}.`);
  }
  return notes;
}
