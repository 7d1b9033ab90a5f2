import type { Finding } from "../connectors/finding.ts";
import { enterJira } from "../connectors/jira/entry.ts";
import { installDispatcher } from "../connectors/jira/http.ts";
import { jiraInspection } from "../connectors/jira/inspect.ts";
import { answerJira } from "../connectors/jira/live.ts";
import { servicenowClient } from "../connectors/servicenow/client.ts";
import { enterServiceNow } from "../connectors/servicenow/entry.ts";
import { inspection } from "../connectors/servicenow/inspect.ts";
import { answerServiceNow } from "../connectors/servicenow/live.ts";
import type { Clock } from "../core/clock.ts";
import type { ConfigFolders } from "../core/config/files.ts";
import type { Config } from "../core/config/load.ts";
import type { Connection } from "../core/config/settings.ts";
import { ConnectorError } from "../core/errors.ts";
import type { LiveAnswer, LiveQuestion } from "../core/live/answer.ts";
import { type Held, heldAgainst } from "../core/live/held.ts";
import { placeOf } from "../core/live/named.ts";
import { type Named, namedIn, questionFor } from "../core/live/questions.ts";
import type { Problem } from "../core/problem.ts";
import { diskFiles } from "./system.ts";

/** What came of asking the live systems. */
export interface LiveCheck {
  problems: Problem[];
  /** Connections that answered. */
  answered: string[];
  /** Names that were held against an answer, each once. */
  counts: Held["counts"];
  /** What could not be held against a system, and why: sentences without their full stop. */
  notHeld: string[];
}

/** Asks every connection for what the configuration names, and holds it against the answers. Changes nothing anywhere. */
export async function checkLive(config: Config, folders: ConfigFolders, clock: Clock): Promise<LiveCheck> {
  const named = namedIn(diskFiles, folders, config);
  if (!named) throw new Error("the configuration changed while check was running; run it again");
  const answers = new Map<string, LiveAnswer | undefined>();
  const problems: Problem[] = [];
  for (const [connection, settings] of Object.entries(config.settings.connections)) {
    const asked = await ask({ connection, config, clock }, settings, questionFor(named, connection));
    answers.set(connection, "answer" in asked ? asked.answer : undefined);
    if ("finding" in asked) problems.push(unanswered(named, connection, asked.finding));
  }
  const { problems: found, counts, open } = heldAgainst(named, answers);
  const notHeld = [...answers].flatMap(([connection, answer]) =>
    (answer?.unseen ?? []).map((what) => `${connection}: ${what}`),
  );
  if (open > 0) notHeld.push(`${open} names, since a system that may know them did not say`);
  const answered = [...answers].flatMap(([connection, answer]) => (answer ? [connection] : []));
  return { problems: [...problems, ...found], answered, counts, notHeld };
}

interface Asking {
  connection: string;
  config: Config;
  clock: Clock;
}

type Asked = { answer: LiveAnswer } | { finding: Pick<Finding, "check" | "what" | "fix"> };

async function ask(asking: Asking, settings: Connection, question: LiveQuestion): Promise<Asked> {
  try {
    return settings.type === "servicenow"
      ? await askServiceNow(asking, settings, question)
      : await askJira(asking, settings, question);
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    return { finding: { check: "reach", what: error.message, fix: "Run it again when the system answers" } };
  }
}

async function askServiceNow(
  { connection, config, clock }: Asking,
  settings: Extract<Connection, { type: "servicenow" }>,
  question: LiveQuestion,
): Promise<Asked> {
  const { limits } = config.settings;
  const client = servicenowClient({ connection, settings, limits, clock, meter: { count() {} } });
  try {
    const ours = inspection(connection, client);
    const entered = await enterServiceNow({
      ...{ connection, settings, ours, clock },
      callTimeoutMs: limits.callTimeoutMs,
    });
    if (!entered.account) return { finding: lastOf(entered.findings) };
    return { answer: await answerServiceNow(ours, question) };
  } finally {
    await client.close();
  }
}

async function askJira(
  { connection, config, clock }: Asking,
  settings: Extract<Connection, { type: "jira" }>,
  question: LiveQuestion,
): Promise<Asked> {
  const { callTimeoutMs } = config.settings.limits;
  const dispatcher = installDispatcher(callTimeoutMs);
  try {
    const jira = jiraInspection(connection, settings, clock);
    const entered = await enterJira({ connection, settings, jira, callTimeoutMs, clock });
    if (!entered.account) return { finding: lastOf(entered.findings) };
    return { answer: await answerJira(jira, question) };
  } finally {
    await dispatcher.close();
  }
}

/** Why a system could not be entered. */
function lastOf(findings: readonly Finding[]): Pick<Finding, "check" | "what" | "fix"> {
  const last = findings.at(-1);
  if (!last) throw new Error("a system was not entered for a reason that was not told");
  return last;
}

function unanswered(
  { settings }: Named,
  connection: string,
  { check, what, fix }: Pick<Finding, "check" | "what" | "fix">,
): Problem {
  const place = placeOf(settings, ["connections", connection, check === "login" ? "auth" : "baseUrl"]);
  return { ...place, what: `${what}, so nothing was held against ${connection}`, fix };
}
