/** What those who approve do in their own queues, once they are asked there. */
import type { Running } from "../../cli/server.ts";
import { systemClock } from "../../cli/system.ts";
import type { Filed } from "./replay.ts";
import type { Site } from "./site.ts";
import type { DemoTickets } from "./tickets.ts";

/** Members of the groups that approve, by user name: two each, since nobody approves their own request. */
export const APPROVERS: Readonly<Record<string, readonly string[]>> = {
  "Security Operations": ["aoife.nolan", "stefan.huber"],
  "Budget Owners": ["claire.dubois", "emily.hart"],
  "Change Advisory Board": ["lars.dekker", "katarzyna.nowak"],
  "Change Management": ["tom.brandt", "katarzyna.nowak"],
};

/** Of the workflow of the simulated Jira. */
const ASKED = "Awaiting approval";
const ANSWERED_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 100;

/**
 * Answers all but the last of what is asked: the first is rejected, all others are approved. Of these the first in
 * ServiceNow is then edited by somebody, so that it is asked about again, and approved anew.
 */
export async function letThemAnswer(
  site: Site,
  server: Running,
  demo: DemoTickets,
  filed: ReadonlyMap<string, Filed>,
): Promise<void> {
  const asked: Filed[] = [];
  for (const ticket of filed.values()) if (await waits(server, ticket)) asked.push(ticket);
  const [first, ...others] = asked.slice(0, -1);
  if (!first) throw new Error("nobody was asked for an approval");
  const answered = async (ticket: Filed, answer: "approved" | "rejected"): Promise<void> => {
    await answerOne(site, demo, ticket, answer);
    await until(`${ticket.key} is decided`, async () => !(await waits(server, ticket)));
  };
  await answered(first, "rejected");
  await Promise.all(others.map((ticket) => answered(ticket, "approved")));
  const edited = others.find(({ connection }) => connection === "snow");
  if (!edited) return;
  const title = `${edited.title} (and more of it)`;
  site.snow.update(edited.table, edited.id, { short_description: title }, { by: demo.users[0]?.user_name ?? "" });
  await until(`${edited.key} is asked about again`, () => waits(server, edited));
  await answered(edited, "approved");
}

async function waits({ store }: Running, { connection, key }: Filed): Promise<boolean> {
  const view = await store.view(connection, key);
  return view?.gates.some(({ state }) => state === "requested") ?? false;
}

/** The first who may, as the system itself allows it. */
async function answerOne(site: Site, demo: DemoTickets, ticket: Filed, answer: "approved" | "rejected"): Promise<void> {
  const comments = answer === "approved" ? "Go ahead." : "Not like this.";
  if (ticket.connection === "jira") {
    await until(`${ticket.key} stands where it is approved`, async () => statusOf(site, ticket) === ASKED);
    const by = demo.users.find(({ user_name }) => APPROVERS["Security Operations"]?.includes(user_name));
    site.jira.transition(ticket.id, answer === "approved" ? "In Progress" : "Declined", { by: by?.accountId ?? "" });
    return;
  }
  await until(`${ticket.key} is in somebody's queue`, async () => rowOf(site, ticket) !== undefined);
  const row = rowOf(site, ticket);
  const by = demo.users.find(({ user_name }) => site.snow.user(user_name) === row?.["approver"]);
  if (!row || !by) throw new Error(`nobody was asked about ${ticket.key}`);
  site.snow.update("sysapproval_approver", row.sys_id, { state: answer, comments }, { by: by.user_name });
}

/** A row of My Approvals of the last request, of somebody who did not ask for it; the platform makes it a little later. */
function rowOf(site: Site, ticket: Filed): ReturnType<Site["snow"]["get"]> {
  const request = site.snow.rows("sysapproval_group").findLast((row) => row["parent"] === ticket.id);
  const requester = requesterOf(site, ticket);
  return site.snow
    .rows("sysapproval_approver")
    .find((row) => row["group"] === request?.sys_id && row["state"] === "requested" && row["approver"] !== requester);
}

function requesterOf(site: Site, { table, id }: Filed): string {
  const row = site.snow.get(table, id);
  return row?.["caller_id"] || row?.["requested_for"] || row?.["opened_by"] || "";
}

function statusOf(site: Site, { id }: Filed): string {
  const status = site.jira.get(id)?.fields["status"];
  return status !== null && typeof status === "object" && "name" in status ? String(status.name) : "";
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + ANSWERED_WITHIN_MS;
  while (!(await isSo())) {
    if (Date.now() > deadlineMs) throw new Error(`${ANSWERED_WITHIN_MS / 1_000} s passed before ${what}`);
    await systemClock.sleep(LOOK_EVERY_MS);
  }
}
