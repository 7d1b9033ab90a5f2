import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import { ConnectorError, type FaultKind } from "../../core/errors.ts";
import type { ServiceNowClient } from "./client.ts";
import { isSysId, timeOf } from "./listing.ts";

const BASE = "/api/sn_chg_rest/change";
/** A conflict check is waited for this often, `POLL_MS` apart: most end within seconds. */
const POLLS_MAX = 20;
const POLL_MS = 1_500;
const CONFLICTS_MAX = 200;

/** A field of this API: a typed value beside its label. Numbers are numbers here, unlike in the Table API. */
const Typed = z.looseObject({ value: z.union([z.string(), z.number(), z.boolean(), z.null()]).optional() });
const TypedRecord = z.record(z.string(), z.unknown());
type TypedRecord = z.infer<typeof TypedRecord>;

const NextStates = z.looseObject({
  available_states: z.array(z.union([z.string(), z.number()])),
  state_transitions: z
    .array(
      z.array(
        z.looseObject({
          from_state: z.union([z.string(), z.number()]).optional(),
          to_state: z.union([z.string(), z.number()]).optional(),
          transition_available: z.boolean().optional(),
          conditions: z
            .array(
              z.looseObject({
                passed: z.boolean(),
                condition: z.looseObject({ name: z.string().optional() }).optional(),
              }),
            )
            .optional(),
        }),
      ),
    )
    .optional(),
  state_label: z.record(z.string(), z.string()).optional(),
});
type NextStates = z.infer<typeof NextStates>;

const Worker = z.looseObject({
  worker: z.looseObject({ sysId: z.string().regex(/^[0-9a-f]{32}$/) }),
  state: z.looseObject({ value: z.coerce.number() }),
});

const Conflicts = z.looseObject({
  last_run: z.unknown(),
  conflicts: z.array(z.looseObject({ type: z.unknown(), change: z.unknown() })),
});
type Conflicts = z.infer<typeof Conflicts>;

/** A change as its own API shows it. No text. */
export interface Change {
  id: string;
  key: string;
  /** The state's number as text: `-5` is New. */
  state: string;
  type: string;
  risk: string;
  approval: string;
  cabRequired: boolean;
  onHold: boolean;
  plannedStartMs: number | null;
  plannedEndMs: number | null;
  /** Goes up with every edit. */
  revision: string;
}

/** A state that the change may go to now. */
export interface NextState {
  state: string;
  label: string;
}

export interface Move {
  id: string;
  /** Where the change was when it was decided on; anywhere else, and it is not moved. */
  from: string;
  to: string;
}

/** What a conflict check found. `unknown` is not `clear`: whoever needs the answer waits for a person. */
export type ConflictVerdict =
  | { verdict: "clear"; lastRun: string }
  | { verdict: "conflict"; lastRun: string; conflicts: { type: string; changeId: string | null }[]; cut: boolean }
  | { verdict: "unknown"; reason: string };

/** Changes through the Change Management API, which knows each change model's own transitions. Failures are ConnectorErrors. */
export interface Changes {
  /** Undefined where there is no such change, or none that we may see. */
  read(id: string): Promise<Change | undefined>;
  nextStates(id: string): Promise<NextState[]>;
  /**
   * Moves a change to a state that it offers; `moved: false` where it is there already, so that a repeated call does
   * nothing. `raced`: the record was edited between our reading and our write (by a person, or by the instance's rules).
   * Throws `conflict` when the change is not where it was decided on, `rejected` when the state is not offered.
   */
  moveTo(move: Move): Promise<{ moved: boolean; raced: boolean }>;
  /** Has the instance check for conflicts and waits for the answer, about half a minute at the most. */
  conflicts(id: string): Promise<ConflictVerdict>;
  /** How many conflicts the last check found, whenever that was, in one call; undefined where there was none. */
  knownConflicts(id: string): Promise<number | undefined>;
}

export interface ChangeDeps {
  connection: string;
  client: ServiceNowClient;
  clock: Clock;
}

export function changes(deps: ChangeDeps): Changes {
  return new ChangeApi(deps);
}

class ChangeApi implements Changes {
  readonly #deps: ChangeDeps;

  constructor(deps: ChangeDeps) {
    this.#deps = deps;
  }

  async read(id: string): Promise<Change | undefined> {
    if (!isSysId(id)) return undefined;
    const answer = await this.#maybe(() => this.#get("read_change", `/${id}`));
    if (answer === undefined) return undefined;
    return this.#changeOf(this.#parsed(TypedRecord, answer, "a read of a change"), id);
  }

  async nextStates(id: string): Promise<NextState[]> {
    const offered = await this.#offered(id);
    return [...new Set(offered.available_states.map(String))].map((state) => ({
      state,
      label: offered.state_label?.[state] ?? state,
    }));
  }

  async moveTo({ id, from, to }: Move): Promise<{ moved: boolean; raced: boolean }> {
    const before = await this.read(id);
    if (before === undefined)
      throw this.#fault("not_found", `has no change ${id}, or hides it from the integration user`);
    if (before.state === to) return { moved: false, raced: false };
    if (before.state !== from)
      throw this.#fault("conflict", `moved ${before.key} to state ${before.state} by itself; nothing was written`);
    const refused = refusalOf(await this.#offered(id), from, to);
    if (refused !== undefined)
      throw this.#fault("rejected", `does not offer state ${to} to ${before.key}, which is in ${from}${refused}`);
    const answer = await this.#deps.client.send({
      operation: "move_change",
      method: "PATCH",
      path: `${BASE}/${id}`,
      body: { state: to },
    });
    const parsed = TypedRecord.safeParse(only(answer));
    if (!parsed.success)
      throw this.#fault("protocol", `answered the move of ${before.key} in an unknown form`, "unknown");
    const after = this.#changeOf(parsed.data, id);
    if (after.state !== to)
      throw this.#fault(
        "rejected",
        `accepted the move of ${before.key} to state ${to} and kept it in ${after.state}; check the write ACL of state for the integration user`,
      );
    return { moved: true, raced: Number(after.revision) !== Number(before.revision) + 1 };
  }

  async conflicts(id: string): Promise<ConflictVerdict> {
    if (!isSysId(id)) throw this.#fault("not_found", "has no change of that id");
    // The instance's own clock and zone are not ours: a result is new when it is not the one that stood before we asked.
    const before = lastRunOf(await this.#conflictsOf(id));
    const started = await this.#deps.client.send({
      operation: "check_conflicts",
      method: "POST",
      path: `${BASE}/${id}/conflict`,
    });
    const worker = this.#parsed(Worker, started, "the start of a conflict check").worker.sysId;
    for (let polls = 0; polls < POLLS_MAX; polls += 1) {
      const state = this.#parsed(Worker, await this.#get("read_worker", `/worker/${worker}`), "a worker").state.value;
      if (state === 4) return { verdict: "unknown", reason: "the conflict check failed on the instance" };
      if (state === 3) {
        const result = await this.#conflictsOf(id);
        const lastRun = lastRunOf(result);
        // The worker is done a little before its result can be read.
        if (lastRun !== "" && lastRun > before) return verdictOf(result, lastRun);
      }
      await this.#deps.clock.sleep(POLL_MS);
    }
    return { verdict: "unknown", reason: `no new conflict result after ${(POLLS_MAX * POLL_MS) / 1_000} s` };
  }

  async knownConflicts(id: string): Promise<number | undefined> {
    if (!isSysId(id)) return undefined;
    const answer = await this.#maybe(() => this.#get("read_conflicts", `/${id}/conflict`));
    if (answer === undefined) return undefined;
    const result = this.#parsed(Conflicts, answer, "a read of conflicts");
    return lastRunOf(result) === "" ? undefined : result.conflicts.length;
  }

  async #conflictsOf(id: string): Promise<Conflicts> {
    return this.#parsed(Conflicts, await this.#get("read_conflicts", `/${id}/conflict`), "a read of conflicts");
  }

  async #offered(id: string): Promise<NextStates> {
    if (!isSysId(id)) throw this.#fault("not_found", "has no change of that id");
    return this.#parsed(NextStates, await this.#get("read_next_states", `/${id}/nextstates`), "a read of next states");
  }

  #get(operation: string, path: string): Promise<unknown> {
    return this.#deps.client.send({ operation, method: "GET", path: `${BASE}${path}` });
  }

  async #maybe(call: () => Promise<unknown>): Promise<unknown> {
    try {
      return await call();
    } catch (error) {
      if (error instanceof ConnectorError && error.kind === "not_found") return undefined;
      throw error;
    }
  }

  #parsed<T>(schema: z.ZodType<T>, answer: unknown, what: string): T {
    const parsed = schema.safeParse(only(answer));
    if (parsed.success) return parsed.data;
    throw this.#fault("protocol", `answered ${what} in an unknown form`);
  }

  #changeOf(record: TypedRecord, id: string): Change {
    const state = typed(record, "state");
    // An answer for another record, or without the field that everything hangs on, must not pass for this one.
    if (typed(record, "sys_id") !== id || state === "")
      throw this.#fault("protocol", "answered a read of a change with another record, or without its state");
    return {
      id,
      key: typed(record, "number"),
      state,
      type: typed(record, "type"),
      risk: typed(record, "risk"),
      approval: typed(record, "approval"),
      cabRequired: typed(record, "cab_required") === "true",
      onHold: typed(record, "on_hold") === "true",
      plannedStartMs: timeOf(typed(record, "start_date")),
      plannedEndMs: timeOf(typed(record, "end_date")),
      revision: typed(record, "sys_mod_count"),
    };
  }

  #fault(kind: FaultKind, message: string, outcome: "not_applied" | "unknown" = "not_applied"): ConnectorError {
    const { connection } = this.#deps;
    return new ConnectorError({ kind, connection, outcome, message: `${connection} ${message}` });
  }
}

/** Captures show an object where some of the vendor's examples print a list of one. */
function only(answer: unknown): unknown {
  return Array.isArray(answer) && answer.length === 1 ? answer[0] : answer;
}

function typed(record: TypedRecord, name: string): string {
  const field = Typed.safeParse(record[name]);
  return field.success ? String(field.data.value ?? "") : "";
}

/** Undefined where a state is offered, else why not as the end of a sentence: the names of the conditions that fail. */
function refusalOf(offered: NextStates, from: string, to: string): string | undefined {
  const transitions = (offered.state_transitions ?? [])
    .flat()
    .filter(({ from_state, to_state }) => String(from_state) === from && String(to_state) === to);
  const open =
    transitions.length === 0 || transitions.some(({ transition_available }) => transition_available !== false);
  const states = offered.available_states.map(String);
  if (open && states.includes(to)) return undefined;
  const failed = transitions.flatMap(({ conditions }) =>
    (conditions ?? []).flatMap(({ passed, condition }) => (passed ? [] : [condition?.name ?? "a condition"])),
  );
  const offer = `; it offers ${states.filter((state) => state !== from).join(", ") || "none"}`;
  return failed.length === 0 ? offer : `: ${failed.slice(0, 5).join(", ").slice(0, 200)} not met${offer}`;
}

/** The time of the last check as the instance writes it, which sorts as text; empty where there was none. */
function lastRunOf({ last_run }: Conflicts): string {
  if (typeof last_run === "string") return last_run;
  const field = Typed.safeParse(last_run);
  return field.success ? String(field.data.value ?? "") : "";
}

/** By the list alone: the status text may read "Conflict" over an empty one. */
function verdictOf({ conflicts }: Conflicts, lastRun: string): ConflictVerdict {
  if (conflicts.length === 0) return { verdict: "clear", lastRun };
  const found = conflicts.slice(0, CONFLICTS_MAX).map((conflict) => ({
    type: typed(conflict, "type"),
    changeId: typed(conflict, "change") || null,
  }));
  return { verdict: "conflict", lastRun, conflicts: found, cut: conflicts.length > CONFLICTS_MAX };
}
