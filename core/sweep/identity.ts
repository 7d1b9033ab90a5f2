import { z } from "zod";
import type { Clock } from "../clock.ts";
import { describeError } from "../errors.ts";
import type { Draft } from "../ledger/entry.ts";
import type { ChangeFeed, Log } from "../ports.ts";
import type { Store } from "../store/store.ts";

/** Where the pin of a connection stands among its watermarks. */
const PIN = "identity";
/** Where it stands since when a connection that was never pinned waits for that; of no meaning once it is pinned. */
const UNKNOWN_SINCE = "identity_unknown_since";
const SinceMs = z.coerce.number().int();

/** Which instance a connection belongs to; stored as JSON. */
const Pin = z.strictObject({
  identity: z.string(),
  /** Another instance that answered instead, at the last time that any answered; null where it was the right one. */
  contradictedBy: z.string().nullable(),
  /** Since when decisions were not carried out, in ms; null once all of them were taken up again. */
  readOnlySinceMs: z.int().nullable(),
});
type Pin = z.infer<typeof Pin>;

export interface ConnectionIdentity {
  connection: string;
  /** unknown: it could never be read. Nothing is written unless it is pinned. */
  state: "pinned" | "contradicted" | "unknown";
  pinned: string | null;
  /** The instance that answers instead of it. */
  seen: string | null;
  /** Since when nothing is written, in ms; null while the connection may write. */
  readOnlySinceMs: number | null;
}

export interface IdentityDeps {
  store: Pick<Store, "watermark" | "setWatermark" | "append" | "takeUpAgain">;
  feeds: ReadonlyMap<string, ChangeFeed>;
  clock: Pick<Clock, "now">;
  log: Log;
  wake: () => void;
}

/**
 * Holds every connection to the instance that it was first connected to. A clone that answers under the same address
 * gets nothing written to it until an admin has confirmed it; not being able to ask contradicts nothing.
 */
export class Identities {
  readonly #deps: IdentityDeps;
  readonly #pins = new Map<string, Pin>();
  /** Since when this worker holds writes back, until what was decided since then is taken up again. */
  readonly #heldBackSince = new Map<string, number>();
  readonly #unreadable = new Set<string>();
  /** When each was last found to be the pinned one. */
  readonly #heldAt = new Map<string, number>();

  constructor(deps: IdentityDeps) {
    this.#deps = deps;
  }

  /** Whether effects may go to a connection: its instance is known, and no other one has answered since. */
  mayWrite(connection: string): boolean {
    const may = this.#pinHolds(connection);
    if (!may) this.#holdBack(connection);
    return may;
  }

  /** Whether another instance answers than the pinned one: nothing that it says is about this connection's tickets. */
  isContradicted(connection: string): boolean {
    const pin = this.#pins.get(connection);
    return pin !== undefined && pin.contradictedBy !== null;
  }

  list(): ConnectionIdentity[] {
    return [...this.#deps.feeds.keys()].map((connection) => this.#stateOf(connection));
  }

  /**
   * Asks a connection which instance answers, and holds that against the pin, unless it was found to be the pinned one
   * less than `freshMs` ago. Answers where it stands then. Rejects with StoreUnavailableError only; what is left to be
   * taken up again then is taken up by the next check.
   */
  async check(connection: string, freshMs = 0): Promise<ConnectionIdentity> {
    const { log, clock } = this.#deps;
    const heldAtMs = this.#heldAt.get(connection) ?? Number.NEGATIVE_INFINITY;
    const settled = this.#pinHolds(connection) && !this.#heldBackSince.has(connection);
    if (settled && clock.now() - heldAtMs < freshMs) return this.#stateOf(connection);
    const pin = await this.#load(connection);
    const seen = await this.#ask(connection);
    if (seen === undefined) {
      // Another worker may have let it write again, while this one still held back.
      if (pin && this.#pinHolds(connection)) await this.#takeUp(connection, pin);
    } else if (!pin) {
      await this.#pin(connection, "pinned", { pinned: seen, seen, by: "server" }, pin);
      log.info("the identity of an instance is pinned", { connection, identity: seen });
    } else if (seen === pin.identity && pin.contradictedBy === null) {
      this.#pins.set(connection, pin);
      await this.#takeUp(connection, pin);
      this.#heldAt.set(connection, clock.now());
    } else if (seen === pin.identity) {
      await this.#pin(connection, "restored", { pinned: seen, seen, by: "server" }, pin);
      log.info("the pinned instance answers again; its connection may write", { connection, identity: seen });
    } else if (seen !== pin.contradictedBy) {
      await this.#contradict(connection, pin, seen);
    }
    return this.#stateOf(connection);
  }

  /**
   * Pins the instance that answers now, whichever it is. Undefined where there is no such connection; `unreadable` where
   * the instance does not say who it is. Rejects with StoreUnavailableError only.
   */
  async confirm(connection: string, by: string): Promise<ConnectionIdentity | "unreadable" | undefined> {
    if (!this.#deps.feeds.has(connection)) return undefined;
    const pin = await this.#load(connection);
    const seen = await this.#ask(connection);
    if (seen === undefined) return "unreadable";
    await this.#pin(connection, "confirmed", { pinned: seen, seen, by }, pin);
    this.#deps.log.info("the identity of an instance was confirmed", { connection, identity: seen });
    return this.#stateOf(connection);
  }

  #stateOf(connection: string): ConnectionIdentity {
    const pin = this.#pins.get(connection);
    if (!pin) {
      const readOnlySinceMs = this.#heldBackSince.get(connection) ?? null;
      return { connection, state: "unknown", pinned: null, seen: null, readOnlySinceMs };
    }
    const { identity, contradictedBy } = pin;
    if (contradictedBy === null)
      return { connection, state: "pinned", pinned: identity, seen: null, readOnlySinceMs: null };
    const readOnlySinceMs = pin.readOnlySinceMs ?? this.#heldBackSince.get(connection) ?? null;
    return { connection, state: "contradicted", pinned: identity, seen: contradictedBy, readOnlySinceMs };
  }

  #pinHolds(connection: string): boolean {
    return this.#pins.get(connection)?.contradictedBy === null;
  }

  #holdBack(connection: string): void {
    if (!this.#heldBackSince.has(connection)) this.#heldBackSince.set(connection, this.#deps.clock.now());
  }

  /** Notes durably since when a connection waits for its first pin: it may wait over many starts. */
  async #holdUnknown(connection: string): Promise<void> {
    const { store } = this.#deps;
    this.#holdBack(connection);
    const stored = await store.watermark(connection, UNKNOWN_SINCE);
    const sinceMs = this.#heldBackSince.get(connection) ?? this.#deps.clock.now();
    if (stored === undefined) await store.setWatermark(connection, UNKNOWN_SINCE, String(sinceMs));
    else this.#heldBackSince.set(connection, Math.min(SinceMs.parse(stored), sinceMs));
  }

  /** The pin as it is stored, since another worker may have moved it. */
  async #load(connection: string): Promise<Pin | undefined> {
    const stored = await this.#deps.store.watermark(connection, PIN);
    if (stored === undefined) {
      await this.#holdUnknown(connection);
      return undefined;
    }
    const pin = Pin.parse(JSON.parse(stored));
    const held = this.#pins.get(connection);
    // A contradiction that could not be stored holds all the same, until the right instance answers.
    const unstored = held?.identity === pin.identity && held.contradictedBy !== null && pin.contradictedBy === null;
    if (!unstored) this.#pins.set(connection, pin);
    if (pin.contradictedBy !== null) this.#holdBack(connection);
    return pin;
  }

  async #ask(connection: string): Promise<string | undefined> {
    try {
      const identity = await this.#deps.feeds.get(connection)?.identity();
      this.#unreadable.delete(connection);
      return identity;
    } catch (error) {
      const known = this.#pins.has(connection);
      const fields = { connection, error: describeError(error), writes: this.#pinHolds(connection) };
      const message = known
        ? "the identity of an instance could not be read; the pinned one stands"
        : "the identity of an instance could not be read; nothing is written to it until it could";
      // Once for each time that it begins, not with every sweep.
      if (!this.#unreadable.has(connection)) this.#deps.log.warn(message, fields);
      else this.#deps.log.debug(message, fields);
      this.#unreadable.add(connection);
      return undefined;
    }
  }

  /** Lets a connection write from now on, and takes up again what was decided while it could not. */
  async #pin(
    connection: string,
    event: "pinned" | "restored" | "confirmed",
    { pinned, seen, by }: { pinned: string; seen: string; by: string },
    before: Pin | undefined,
  ): Promise<void> {
    const { store, clock } = this.#deps;
    await store.append([{ kind: "identity", ticket: null, body: { connection, event, pinned, seen, by } }]);
    const readOnlySinceMs = before?.readOnlySinceMs ?? this.#heldBackSince.get(connection) ?? null;
    const pin: Pin = { identity: pinned, contradictedBy: null, readOnlySinceMs };
    // It may write before anything is taken up, or that would be decided once more without being carried out.
    await this.#save(connection, pin);
    await this.#takeUp(connection, pin);
    this.#heldAt.set(connection, clock.now());
  }

  /** Makes due what any worker decided and did not carry out. The pin says since when, until that is done. */
  async #takeUp(connection: string, pin: Pin): Promise<void> {
    const { store, wake } = this.#deps;
    const heldBackSinceMs = this.#heldBackSince.get(connection);
    const sinces = [pin.readOnlySinceMs, heldBackSinceMs].filter((ms) => typeof ms === "number");
    if (sinces.length === 0) return;
    if ((await store.takeUpAgain(connection, Math.min(...sinces))) > 0) wake();
    // Contradicted in the meantime: what is decided now waits for the next time.
    if (this.#pins.get(connection) !== pin) return;
    if (pin.readOnlySinceMs !== null) await this.#save(connection, { ...pin, readOnlySinceMs: null });
    this.#heldBackSince.delete(connection);
  }

  async #contradict(connection: string, pin: Pin, seen: string): Promise<void> {
    const { store, clock, log } = this.#deps;
    // At once, whatever the store says to the rest: it must not be written to while that is recorded.
    this.#pins.set(connection, { ...pin, contradictedBy: seen });
    this.#holdBack(connection);
    const draft: Draft = {
      kind: "identity",
      ticket: null,
      body: { connection, event: "contradicted", pinned: pin.identity, seen, by: "server" },
    };
    await store.append([draft]);
    const readOnlySinceMs = pin.readOnlySinceMs ?? this.#heldBackSince.get(connection) ?? clock.now();
    await this.#save(connection, { identity: pin.identity, contradictedBy: seen, readOnlySinceMs });
    log.error(
      "another instance answers than the one this connection was made for; nothing is written to it. If it is meant so: interlock identity confirm <connection>",
      { connection, pinned: pin.identity, seen },
    );
  }

  async #save(connection: string, pin: Pin): Promise<void> {
    await this.#deps.store.setWatermark(connection, PIN, JSON.stringify(pin));
    this.#pins.set(connection, pin);
  }
}
