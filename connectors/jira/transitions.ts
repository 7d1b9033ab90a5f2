import { z } from "zod";
import { ConnectorError } from "../../core/errors.ts";
import { type IssueRef, issueIdOf, type JiraCaller, type Pace, quoted, reworded } from "./caller.ts";

const TRANSITIONS_MAX = 200;

const Standing = z.looseObject({ fields: z.looseObject({ status: z.looseObject({ name: z.string().min(1) }) }) });

const ScreenField = z.looseObject({ required: z.boolean(), name: z.string().optional() });
const Transition = z.looseObject({
  id: z.string().min(1),
  to: z.looseObject({ name: z.string() }),
  isAvailable: z.boolean().optional(),
  fields: z.record(z.string(), ScreenField).optional(),
});
type Transition = z.infer<typeof Transition>;
const Transitions = z.looseObject({ transitions: z.array(Transition).max(TRANSITIONS_MAX) });

export interface Move {
  ref: IssueRef;
  /** The status the decision saw. In any other one the issue stays where it is. */
  seen: string;
  /** The status it should have, by name. Which transition leads there is the workflow's business. */
  to: string;
  /** For the transition's screen, in Jira's own form. */
  fields?: Readonly<Record<string, unknown>>;
}

/** `already`: it stands there, whoever moved it; nothing was written. */
export type Moved = "moved" | "already";

/** The calls that moving an issue takes, of jira.js or of a Data Center's own routes. */
export interface MoveCalls {
  getIssue(issue: { issueIdOrKey: string; fields: string[] }): Promise<unknown>;
  getTransitions(issue: { issueIdOrKey: string; expand: string }): Promise<unknown>;
  doTransition(move: {
    issueIdOrKey: string;
    transition: { id: string };
    fields?: Record<string, unknown>;
  }): Promise<unknown>;
}

export interface TransitionOptions {
  caller: JiraCaller;
  pace: Pace;
  issues: MoveCalls;
  /** Statuses in which people decide: leaving one is their answer, so we never move an issue out of it. */
  approvalStatuses: ReadonlySet<string>;
}

/**
 * Moves an issue to a status. It may be asked again after an unknown outcome: it looks where the issue stands first.
 *
 * Throws ConnectorError: `conflict` where the issue is no longer where the decision saw it, or is being moved by
 * another; `rejected` where no transition leads there (with those that are there), where the transition's screen refuses
 * (with the fields it requires), or where only a person may answer.
 */
export async function moveIssue(options: TransitionOptions, move: Move): Promise<Moved> {
  const { caller, issues, pace } = options;
  const issueIdOrKey = issueIdOf(caller.connection, move.ref);
  const from = await statusOf(options, move.ref);
  if (from === move.to) return "already";
  if (from !== move.seen) throw elsewhere(options, move);
  if (options.approvalStatuses.has(from)) throw peoplesAnswer(options, move);
  const transition = await transitionTo(options, move);
  const request = {
    issueIdOrKey,
    transition: { id: transition.id },
    ...(move.fields !== undefined && { fields: { ...move.fields } }),
  };
  try {
    await pace.turn(issueIdOrKey, () => caller.send("move", () => issues.doTransition(request)));
    return "moved";
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    return afterRefusal(options, move, transition, error);
  }
}

async function statusOf({ caller, issues }: TransitionOptions, ref: IssueRef): Promise<string> {
  const issueIdOrKey = issueIdOf(caller.connection, ref);
  const issue = await caller.ask("read_status", Standing, () => issues.getIssue({ issueIdOrKey, fields: ["status"] }));
  return issue.fields.status.name;
}

/** The transition that leads to the target; of several the first, in Jira's order, whose required fields are all given. */
async function transitionTo(options: TransitionOptions, move: Move): Promise<Transition> {
  const { caller, issues } = options;
  const issueIdOrKey = issueIdOf(caller.connection, move.ref);
  const { transitions } = await caller.ask("read_transitions", Transitions, () =>
    issues.getTransitions({ issueIdOrKey, expand: "transitions.fields" }),
  );
  const open = transitions.filter(({ isAvailable }) => isAvailable !== false);
  const leading = open.filter(({ to }) => to.name === move.to);
  const chosen = leading.find((transition) => missing(transition, move).length === 0) ?? leading[0];
  if (chosen) return chosen;
  const { connection } = caller;
  const there =
    open.length > 0
      ? `available are ${quoted(open.map(({ to }) => to.name))}; name one of these, or add a transition to its workflow`
      : "none is available; the integration account needs Transition issues, or the status is an end";
  throw new ConnectorError({
    kind: "rejected",
    connection,
    message: `${move.ref.key} of ${connection} has no transition from ${quoted([move.seen])} to ${quoted([move.to])}: ${there}`,
  });
}

/** What the transition's screen requires and the move does not bring, by name and id. */
function missing({ fields = {} }: Transition, move: Move): string[] {
  return Object.entries(fields)
    .filter(([id, { required }]) => required && move.fields?.[id] === undefined)
    .map(([id, { name }]) => (name === undefined || name === id ? id : `${name} (${id})`));
}

/** A 400 says neither whether somebody was faster nor what the screen wants, so both are looked up. */
async function afterRefusal(
  options: TransitionOptions,
  move: Move,
  transition: Transition,
  error: ConnectorError,
): Promise<Moved> {
  const { key } = move.ref;
  const { connection } = options.caller;
  if (error.kind === "conflict")
    throw reworded(
      error,
      `${key} of ${connection} is being moved by another; nothing was written, it will be read again`,
    );
  if (error.kind !== "rejected") throw error;
  const unmoved = `${key} of ${connection} was not moved to ${quoted([move.to])}`;
  if (error.status === 403) throw reworded(error, `${unmoved}: the integration account needs Transition issues`);
  const now = await statusOf(options, move.ref);
  if (now === move.to) return "already";
  if (now !== move.seen) throw elsewhere(options, move);
  const wanted = missing(transition, move);
  if (wanted.length === 0) throw reworded(error, `${unmoved}: ${error.message}`);
  const what = `its screen requires ${quoted(wanted)}; give them in the rule, or make them optional on that screen`;
  throw reworded(error, `${unmoved}: ${what}`);
}

function elsewhere({ caller: { connection } }: TransitionOptions, move: Move): ConnectorError {
  const message = `${move.ref.key} of ${connection} was moved after it was read; nothing was written`;
  return new ConnectorError({ kind: "conflict", connection, message });
}

function peoplesAnswer({ caller: { connection } }: TransitionOptions, move: Move): ConnectorError {
  const message = `${move.ref.key} of ${connection} waits for people in ${quoted([move.seen])}; only their own answer moves it on`;
  return new ConnectorError({ kind: "rejected", connection, message });
}
