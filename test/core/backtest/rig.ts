import { diskFiles } from "../../../cli/system.ts";
import {
  type BacktestOptions,
  backtest,
  type NamedPolicy,
  type Replayed,
  type Report,
} from "../../../core/backtest/backtest.ts";
import { fileStates, type History, loadHistory } from "../../../core/backtest/history.ts";
import type { ConfigFiles } from "../../../core/config/files.ts";
import { loadPolicy } from "../../../core/config/policy-files.ts";
import { renderProblem } from "../../../core/problem.ts";

/** A small history: one column for each thing a test changes. */
const HISTORY = `
csv:
  id: number
  empty: ["?"]
  dates: { columns: [opened, at], order: d/m/y, zone: Europe/Berlin }
  words: { group: Group }
vendor: servicenow
kind: KIND
fields:
  title: { from: number, write: false }
  status: { from: state, values: { New: new, Active: in_progress, Waiting: on_hold, Resolved: resolved, Closed: closed } }
  priority: { from: priority, values: { "1": 1, "2": 2, "3": 3 }, write: false }
  category: { from: category }
  assignmentGroup: { from: group, intake: [Group 70] }
  createdAt: { from: opened }
  updatedAt: { from: at }
`;

const CHANGES = `  plannedStart: { from: start }
  plannedEnd: { from: end }
`;

export const HEADER = ["number", "state", "priority", "category", "group", "opened", "at"];

const LEAVE = "default: { id: leave-it, why: People route it, then: { leave: true } }\n";

/** Files by path, as a folder on a disk would hold them. */
export function filesOf(texts: Readonly<Record<string, string>>): ConfigFiles {
  return {
    read: (path) => texts[path],
    list: (folder) =>
      Object.keys(texts)
        .filter((path) => path.startsWith(`${folder}/`))
        .map((path) => path.slice(folder.length + 1))
        .sort(),
  };
}

export function historyFrom(text: string): History {
  const loaded = loadHistory(filesOf({ "m/history/small.yaml": text }), "m", "small");
  if ("problems" in loaded) throw new Error(loaded.problems.map(renderProblem).join("\n"));
  return loaded;
}

export function incidents({ grouped = false } = {}): History {
  return historyFrom(HISTORY.replace("KIND", "incident").replace("number\n", `number\n  grouped: ${grouped}\n`));
}

export function changes(): History {
  return historyFrom(
    `${HISTORY.replace("KIND", "change").replace("[opened, at]", "[opened, at, start, end]")}${CHANGES}`,
  );
}

export function shipped(name: string): History {
  const loaded = loadHistory(diskFiles, "mappings", name);
  if ("problems" in loaded) throw new Error(loaded.problems.map(renderProblem).join("\n"));
  return loaded;
}

/** A policy of some files; its routing leaves everything where it is unless it says otherwise. */
export function policyOf(history: History, files: Readonly<Record<string, string>> = {}, name = "p"): NamedPolicy {
  const texts = {
    "p/routing.yaml": LEAVE,
    ...Object.fromEntries(Object.entries(files).map(([file, text]) => [`p/${file}.yaml`, text])),
  };
  const policy = loadPolicy(filesOf(texts), "p", [history.mapping], true);
  if ("problems" in policy) throw new Error(policy.problems.map(renderProblem).join("\n"));
  return { name, policy };
}

export function routing(...rules: readonly (readonly [id: string, when: string, group: string])[]): string {
  const lines = rules.map(
    ([id, when, group]) => `  - { id: ${id}, why: because, when: '${when}', then: { assign: { group: ${group} } } }\n`,
  );
  return `rules:\n${lines.join("")}${LEAVE}`;
}

/** Replays rows that stand under `header`. */
export async function replayed(
  history: History,
  rows: readonly (readonly string[])[],
  policies: readonly NamedPolicy[],
  options: BacktestOptions & { header?: readonly string[] } = {},
): Promise<{ report: Report; tickets: Replayed[] }> {
  const { header = HEADER, ...rest } = options;
  const tickets: Replayed[] = [];
  async function* all(): AsyncGenerator<readonly string[]> {
    yield header;
    yield* rows;
  }
  const source = fileStates(history, all());
  const report = await backtest(source, policies, { ...rest, onTicket: (ticket) => void tickets.push(ticket) });
  return { report, tickets };
}
