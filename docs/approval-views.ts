/**
 * Writes `approval-servicenow.svg` and `approval-jira.svg` of docs/approvals.md: what an approver sees, with the text that
 * the product writes today, taken from a run over both simulators. Ids and hours are fixed, so that a second run writes
 * the same:
 *   node docs/approval-views.ts
 */
import { writeFileSync } from "node:fs";
import { atDesk, type Desk, type Ticket } from "../test/e2e/scenarios/desk.ts";

const START_AT = "2026-03-02T09:00:00Z";
const LETTERS_PER_LINE = 100;
const LINE_PX = 18;
const WIDTH_PX = 760;
const ROUTING = `rules: []
default: { id: rest, why: Everything else is triaged by the service desk, then: { assign: { group: Service Desk } } }
`;

/** What is shown around a request. */
interface Card {
  title: string;
  /** Label and value, in the order of the form. */
  fields: readonly (readonly [string, string])[];
  /** Name of the place in which the request stands. */
  place: string;
  request: string;
  buttons: readonly string[];
}

/** File name → the picture, of a run that is made now. */
export async function approvalViews(): Promise<Record<string, string>> {
  return {
    "approval-servicenow.svg": svgOf(await inServiceNow()),
    "approval-jira.svg": svgOf(await inJira()),
  };
}

/** An emergency change on an item that much depends on, put to the board by the shipped change-risk.yaml. */
async function inServiceNow(): Promise<Card> {
  return played("ServiceNow", async (desk) => {
    const { snow } = desk.rig;
    const by = { by: "rita" };
    const described = { environment: "Production", owned_by: snow.user("cleo") };
    const cmdb_ci = snow.insert("cmdb_ci_server", { name: "core-db-01", ...described }, by).sys_id;
    const service = { name: "Payroll", busines_criticality: "1 - most critical", ...described };
    const parent = snow.insert("cmdb_ci_service", service, by).sys_id;
    const type = snow.rows("cmdb_rel_type").find((row) => row["name"] === "Depends on::Used by");
    snow.insert("cmdb_rel_ci", { parent, child: cmdb_ci, type: type?.sys_id ?? "" }, by);
    const ticket = desk.file({
      ...{ kind: "change", type: "emergency", title: "Replace the failing controller of the core database" },
      ...{ start: "2026-03-03T20:00:00Z", end: "2026-03-03T22:00:00Z" },
    });
    const change = snow.rows("change_request").at(-1);
    if (!change) throw new Error("no change was filed");
    snow.update("change_request", change.sys_id, { cmdb_ci }, by);
    await handedIn(desk, ticket);
    const group = snow.rows("sysapproval_group").find((row) => row["correlation_id"] !== "");
    return {
      title: "ServiceNow · My Approvals",
      fields: [
        ["State", "Requested"],
        ["Approver", ticket.asked()[0]?.toUpperCase() ?? ""],
        ["Approval for", ticket.key],
        ["Group", "Change Advisory Board"],
      ],
      place: "Group approval: description",
      request: group?.["description"] ?? "",
      buttons: ["Approve", "Reject"],
    };
  });
}

/** A security incident, by the shipped gates.yaml. */
async function inJira(): Promise<Card> {
  return played("Jira", async (desk) => {
    const ticket = desk.file({ kind: "incident", title: "Somebody reads my mail", category: "security", priority: 3 });
    await desk.settle();
    return {
      title: `Jira · ${ticket.key}`,
      fields: [
        ["Status", ticket.state()],
        ["Summary", "Somebody reads my mail"],
      ],
      place: "Comment by Interlock",
      request: ticket.request(),
      buttons: ["Approve → In Progress", "Decline → Declined"],
    };
  });
}

async function handedIn(desk: Desk, ticket: Ticket): Promise<void> {
  await desk.settle();
  ticket.submit();
  await desk.settle();
  // The platform asks the members of a group a moment later.
  await desk.pass(4_000);
}

async function played(system: "ServiceNow" | "Jira", play: (desk: Desk) => Promise<Card>): Promise<Card> {
  const cards: Card[] = [];
  await atDesk(
    system,
    { routing: ROUTING, policy: { "routing.test.yaml": "[]\n" }, startAt: START_AT },
    async (desk) => {
      cards.push(await play(desk));
    },
  );
  const [card] = cards;
  if (!card?.request.includes("asks for your approval")) throw new Error(`nobody was asked in ${system}`);
  return card;
}

/** Ids of decisions and markers are random or digests of random ids. */
function fixedIds(text: string): string {
  return text
    .replaceAll(/\bDecision [0-9a-f]{16}\b/g, "Decision 26bf59ba28ad6aca")
    .replaceAll(/\[il:[0-9a-f]+\]/g, "[il:642778c621d51032]");
}

const STYLE = [
  "text{font:13px system-ui,sans-serif;fill:#1d2530;white-space:pre}.label{fill:#5b6673}.title{font-weight:600}",
  ".card{fill:#fff;stroke:#b8c2cd}.request{fill:#f3f6f9;stroke:#d8dee6}.button{fill:#fff;stroke:#2f6f9f}",
  "@media(prefers-color-scheme:dark){text{fill:#e3e8ee}.label{fill:#9aa6b3}.card{fill:#171c22;stroke:#46515d}",
  ".request{fill:#202831;stroke:#39434e}.button{fill:#171c22;stroke:#7db4dc}}",
].join("");

function svgOf({ title, fields, place, request, buttons }: Card): string {
  const parts: string[] = [];
  const text = (x: number, y: number, words: string, kind = ""): void => {
    parts.push(`<text x="${x}" y="${y}"${kind && ` class="${kind}"`}>${escaped(words)}</text>`);
  };
  let y = 30;
  text(20, y, title, "title");
  for (const [label, value] of fields) {
    y += LINE_PX + 4;
    text(20, y, label, "label");
    text(140, y, value);
  }
  y += LINE_PX + 14;
  text(20, y, place, "label");
  y += 10;
  const lines = fixedIds(request).split("\n").flatMap(wrapped);
  const heightPx = lines.length * LINE_PX + 16;
  parts.push(`<rect class="request" x="20" y="${y}" width="${WIDTH_PX - 40}" height="${heightPx}" rx="4"/>`);
  for (const [at, line] of lines.entries()) text(32, y + 20 + at * LINE_PX, line);
  y += heightPx + 16;
  buttons.forEach((label, at) => {
    parts.push(`<rect class="button" x="${20 + at * 190}" y="${y}" width="176" height="30" rx="4"/>`);
    text(34 + at * 190, y + 20, label);
  });
  y += 50;
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH_PX} ${y}" role="img" aria-label="${escaped(title)}: a request for approval">`;
  const card = `<rect class="card" x="1" y="1" width="${WIDTH_PX - 2}" height="${y - 2}" rx="8"/>`;
  return `${[head, `<style>${STYLE}</style>`, card, ...parts, "</svg>"].join("\n")}\n`;
}

/** A line of the request in lines that fit; what continues one stands a little to the right. */
function wrapped(line: string): string[] {
  const lines: string[] = [];
  let current = "";
  for (const word of line.split(" ")) {
    const longer =
      current === "" && lines.length === 0 && word === ""
        ? " "
        : `${current}${current.trim() === "" ? "" : " "}${word}`;
    if (longer.length > LETTERS_PER_LINE && current.trim() !== "") {
      lines.push(current);
      current = `    ${word}`;
    } else current = longer;
  }
  return [...lines, current];
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

if (import.meta.main)
  for (const [name, svg] of Object.entries(await approvalViews())) writeFileSync(new URL(name, import.meta.url), svg);
