/** What the desk had closed before the demo begins: put into the simulated ServiceNow, and read back to train on. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import type { LabelledText } from "../../core/advice/local/corpus.ts";
import type { ServiceNowSim } from "../sim/servicenow.ts";
import { prng, shuffled } from "../support/prng.ts";

const Topic = z.strictObject({
  category: z.string().min(1),
  group: z.string().min(1),
  count: z.int().positive(),
  things: z.array(z.string()).min(1),
  titles: z.array(z.string().includes("{thing}")).min(1),
  details: z.array(z.string()).min(1),
  fixes: z.array(z.string()).min(1),
});
const Topics = z.array(Topic).min(1);

/** A closed ticket as its desk left it. */
export interface ClosedTicket {
  title: string;
  description: string;
  category: string;
  group: string;
  fix: string;
}

const SEED = 20_261_128;
/** So many in a hundred were closed by the group that had them by mistake: no desk is without such tickets. */
const MISTAKEN_PERCENT = 1;

/** The closed tickets, no two with the same text, always the same ones. */
export function closedTickets(): ClosedTicket[] {
  const topics = Topics.parse(parse(readFileSync(new URL("closed-tickets.yaml", import.meta.url), "utf8")));
  const random = prng(SEED);
  const all = topics.flatMap(({ category, group, count, things, titles, details, fixes }) => {
    const texts = titles.flatMap((title) =>
      things.flatMap((thing) =>
        details.map((description) => ({ title: title.replace("{thing}", thing), description })),
      ),
    );
    return shuffled(texts, random)
      .slice(0, count)
      .map((text, at): ClosedTicket => ({ ...text, category, group, fix: fixes[at % fixes.length] ?? "" }));
  });
  return shuffled(all, random).map((ticket, at) => {
    const other = topics[at % topics.length];
    return other && random() * 100 < MISTAKEN_PERCENT
      ? { ...ticket, category: other.category, group: other.group }
      : ticket;
  });
}

/** Files them, as people closed them. */
export function fileClosed(snow: ServiceNowSim, tickets: readonly ClosedTicket[], by: string): void {
  for (const { title, description, category, group, fix } of tickets) {
    const closing = { state: "7", close_code: "Solution provided", close_notes: fix };
    const told = { short_description: title, description, category, impact: "3", urgency: "3" };
    snow.insert("incident", { ...told, assignment_group: snow.group(group), ...closing }, { by });
  }
}

/** All closed incidents as `interlock train` would read them: what was asked, and where it ended. */
export function closedIncidents(snow: ServiceNowSim): LabelledText[] {
  const groups = new Map(snow.rows("sys_user_group").map((row) => [row.sys_id, row["name"] ?? ""]));
  return snow
    .rows("incident")
    .filter((row) => row["state"] === "7")
    .map((row) => ({
      text: `${row["short_description"]}\n${row["description"]}`,
      labels: { category: row["category"] ?? "", assignment_group: groups.get(row["assignment_group"] ?? "") ?? "" },
    }));
}
