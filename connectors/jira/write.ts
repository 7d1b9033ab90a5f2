import NodeCache from "node-cache";
import type { Clock } from "../../core/clock.ts";
import { ConnectorError } from "../../core/errors.ts";
import type { Limits } from "../../core/limits.ts";
import type { NoteWrite, Write, WriteResult, WriteValue } from "../../core/ports.ts";
import type { JiraApi } from "./api.ts";
import { refusesComment, withApplied } from "./faults.ts";
import type { NoteWays } from "./note-ways.ts";
import type { IssuePace } from "./pace.ts";
import { Checked, place, projectOf, Users, withEmail } from "./shape.ts";

const PEOPLE_MAX = 2_000;
const KNOWN_SECONDS = 600;

export interface WriterDeps {
  api: JiraApi;
  limits: Limits;
  clock: Clock;
  pace: IssuePace;
  noteWays: NoteWays;
}

/** Writes what was decided: fields and note in one edit where the project lets it (see `NoteWays`). */
export class JiraWriter {
  readonly #deps: WriterDeps;
  readonly #people = new NodeCache({ stdTTL: KNOWN_SECONDS, maxKeys: PEOPLE_MAX, useClones: false, checkperiod: 0 });

  constructor(deps: WriterDeps) {
    this.#deps = deps;
  }

  async write(change: Write): Promise<WriteResult> {
    const fields = await this.#fieldsOf(change);
    await this.#refuseStale(change);
    const applied = await this.#apply(change, fields);
    // Jira answers an edit without a word on what it replaced, so its history is always asked: one call for a whole batch.
    return { applied, unconfirmed: [], dropped: [], raced: change.fields.length > 0 };
  }

  async #apply(change: Write, fields: Record<string, unknown>): Promise<string[]> {
    const { note } = change;
    const sets = change.fields.map(({ actionId }) => actionId);
    if (sets.length === 0) return note ? this.#comment(change, note, []) : [];
    const project = projectOf(change.ref.key);
    let refused = false;
    if (note && this.#deps.noteWays.withEdit(project)) {
      try {
        await this.#edit(change, { fields, note });
        return [...sets, note.actionId];
      } catch (error) {
        if (!refusesComment(error)) throw error;
        // A refused edit has changed nothing; without the note we see whether the note was the reason.
        refused = true;
      }
    }
    await this.#edit(change, { fields });
    if (refused) this.#deps.noteWays.refused(project);
    return note ? this.#comment(change, note, sets) : sets;
  }

  async #edit({ ref }: Write, edit: { fields: Record<string, unknown>; note?: NoteWrite }): Promise<void> {
    await this.#deps.pace.turn(ref.id, () => this.#deps.api.send("write", (routes) => routes.edit(ref.id, edit)));
  }

  async #comment({ ref }: Write, note: NoteWrite, applied: string[]): Promise<string[]> {
    try {
      await this.#deps.pace.turn(ref.id, () => this.#deps.api.send("note", (routes) => routes.comment(ref.id, note)));
    } catch (error) {
      throw error instanceof ConnectorError ? withApplied(error, applied) : error;
    }
    return [...applied, note.actionId];
  }

  async #refuseStale(write: Write): Promise<void> {
    const { api, clock, limits } = this.#deps;
    if (clock.now() - write.readAtMs <= limits.staleReadMs) return;
    const issue = await api.ask("check", Checked, (routes) => routes.issue(write.ref.id, ["updated"]));
    if (issue.fields.updated === write.revision) return;
    throw new ConnectorError({
      kind: "conflict",
      connection: api.connection,
      message: `${write.ref.key} changed after it was read; nothing was written`,
    });
  }

  async #fieldsOf(change: Write): Promise<Record<string, unknown>> {
    const fields: Record<string, unknown> = {};
    for (const { patch } of change.fields) {
      for (const [path, value] of Object.entries(patch)) {
        place(fields, path.split("."), await this.#vendorValue(value));
      }
    }
    return fields;
  }

  async #vendorValue(value: WriteValue): Promise<unknown> {
    const { routes } = this.#deps.api;
    if (value === null || typeof value !== "object") return value;
    if ("group" in value) return value.group === "" ? null : { name: value.group };
    if ("user" in value)
      return value.user === "" ? null : { [routes.person.written]: await this.#accountOf(value.user) };
    if ("instant" in value) return value.instant.replace("Z", "+0000");
    if ("seconds" in value) return value.seconds;
    return routes.rich(value.adf);
  }

  #accountOf(idOrEmail: string): Promise<string> {
    if (!idOrEmail.includes("@")) return Promise.resolve(idOrEmail);
    const known = this.#people.get<Promise<string>>(idOrEmail);
    if (known) return known;
    if (this.#people.keys().length >= PEOPLE_MAX) this.#people.flushAll();
    const found = this.#findAccount(idOrEmail);
    this.#people.set(idOrEmail, found);
    found.catch(() => this.#people.del(idOrEmail));
    return found;
  }

  async #findAccount(email: string): Promise<string> {
    const { connection, routes } = this.#deps.api;
    const users = await this.#deps.api.ask("look_up", Users, () => routes.users(email));
    const matches = withEmail(users, email).filter((user) => user.active !== false);
    const only = matches.length === 1 ? matches[0]?.[routes.person.written] : undefined;
    if (only) return only;
    const message = `${matches.length === 0 ? "no" : "more than one"} active user of ${connection} shows that e-mail address; name the account id in the rule instead`;
    throw new ConnectorError({ kind: "rejected", connection, message });
  }
}
