import { z } from "zod";
import type { Clock } from "../clock.ts";
import { describeError } from "../errors.ts";
import type { Draft } from "../ledger/entry.ts";
import type { ChangeFeed, Log } from "../ports.ts";
import type { Store } from "../store/store.ts";

/** Where the pin of a connection stands among its watermarks. */
const PIN = "identity";

/** Which instance a connection belongs to; stored as JSON. */
const Pin = z.strictObject({
  identity: z.string(),
  /** Another instance that answered instead, at the last time that any answered; null where it was the right one. */
  contradictedBy: z.string().nullable(),
  /** Since when nothing is written, in ms; null while the connection may write. */
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
  /** Since when connections without a pin have been waiting for one. */
  readonly #unknownSince = new Map<string, number>();
  readonly #unreadable = new Set<string>();
  /** When each was last found to be the pinned one. */
  readonly #heldAt = new Map<string, number>();

  constructor(deps: IdentityDeps) {
    this.#deps = deps;
  }

  /** Whether effects may go to a connection: its instance is known, and no other one has answered since. */
  mayWrite(connection: string): boolean {
    return this.#pins.get(connection)?.contradictedBy === null;
  }

  list(): ConnectionIdentity[] {
    return [...this.#deps.feeds.keys()].map((connection) => this.#stateOf(connection));
  }

  /**
   * Asks a connection which instance answers, and holds that against the pin, unless it was found to be the pinned one
   * less than `freshMs` ago. Answers where it stands then. Rejects with StoreUnavailableError only.
   */
  async check(connection: string, freshMs = 0): Promise<ConnectionIdentity> {
    const { log, clock } = this.#deps;
    const heldAtMs = this.#heldAt.get(connection) ?? Number.NEGATIVE_INFINITY;
    if (this.mayWrite(connection) && clock.now() - heldAtMs < freshMs) return this.#stateOf(connection);
    const pin = await this.#load(connection);
    const seen = await this.#ask(connection);
    if (seen === undefined) {
      if (!pin && !this.#unknownSince.has(connection)) this.#unknownSince.set(connection, clock.now());
      return this.#stateOf(connection);
    }
    if (!pin) {
      await this.#pin(connection, "pinned", { pinned: seen, seen, by: "server" }, this.#unknownSince.get(connection));
      log.info("the identity of an instance is pinned", { connection, identity: seen });
    } else if (seen === pin.identity) {
      this.#pins.set(connection, pin);
      this.#heldAt.set(connection, clock.now());
      if (pin.contradictedBy !== null) {
        await this.#pin(connection, "restored", { pinned: seen, seen, by: "server" }, pin.readOnlySinceMs);
        log.info("the pinned instance answers again; its connection may write", { connection, identity: seen });
      }
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
    const since = pin ? pin.readOnlySinceMs : this.#unknownSince.get(connection);
    await this.#pin(connection, "confirmed", { pinned: seen, seen, by }, since);
    this.#deps.log.info("the identity of an instance was confirmed", { connection, identity: seen });
    return this.#stateOf(connection);
  }

  #stateOf(connection: string): ConnectionIdentity {
    const pin = this.#pins.get(connection);
    if (!pin) {
      const readOnlySinceMs = this.#unknownSince.get(connection) ?? null;
      return { connection, state: "unknown", pinned: null, seen: null, readOnlySinceMs };
    }
    const { identity, contradictedBy, readOnlySinceMs } = pin;
    const state = contradictedBy === null ? "pinned" : "contradicted";
    return { connection, state, pinned: identity, seen: contradictedBy, readOnlySinceMs };
  }

  /** The pin as it is stored, since another worker may have moved it. */
  async #load(connection: string): Promise<Pin | undefined> {
    const stored = await this.#deps.store.watermark(connection, PIN);
    if (stored === undefined) return undefined;
    const pin = Pin.parse(JSON.parse(stored));
    const held = this.#pins.get(connection);
    // A contradiction that could not be stored holds all the same, until the right instance answers.
    const unstored = held?.identity === pin.identity && held.contradictedBy !== null && pin.contradictedBy === null;
    if (!unstored) this.#pins.set(connection, pin);
    return pin;
  }

  async #ask(connection: string): Promise<string | undefined> {
    try {
      const identity = await this.#deps.feeds.get(connection)?.identity();
      this.#unreadable.delete(connection);
      return identity;
    } catch (error) {
      const known = this.#pins.has(connection);
      const fields = { connection, error: describeError(error), writes: this.mayWrite(connection) };
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
    readOnlySinceMs: number | null | undefined,
  ): Promise<void> {
    const { store, wake } = this.#deps;
    await store.append([{ kind: "identity", ticket: null, body: { connection, event, pinned, seen, by } }]);
    await this.#save(connection, { identity: pinned, contradictedBy: null, readOnlySinceMs: null });
    this.#unknownSince.delete(connection);
    this.#heldAt.set(connection, this.#deps.clock.now());
    if (typeof readOnlySinceMs !== "number") return;
    if ((await store.takeUpAgain(connection, readOnlySinceMs)) > 0) wake();
  }

  async #contradict(connection: string, pin: Pin, seen: string): Promise<void> {
    const { store, clock, log } = this.#deps;
    // At once, whatever the store says to the rest: it must not be written to while that is recorded.
    this.#pins.set(connection, { ...pin, contradictedBy: seen });
    const draft: Draft = {
      kind: "identity",
      ticket: null,
      body: { connection, event: "contradicted", pinned: pin.identity, seen, by: "server" },
    };
    await store.append([draft]);
    const readOnlySinceMs = pin.readOnlySinceMs ?? clock.now();
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
