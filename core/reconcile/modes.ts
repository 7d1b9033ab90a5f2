import type { Clock } from "../clock.ts";
import type { Mode } from "../config/settings.ts";
import { carefulOf } from "../policy/autonomy.ts";
import type { Store } from "../store/store.ts";
import type { LoweredMode } from "../store/undoing.ts";

/** What another process has lowered is heeded here after no more than this. */
const KNOWN_MS = 1_000;

/** Modes that were lowered while servers run: kept in the store, so that every process on it heeds them. */
export class LoweredModes {
  readonly #store: Pick<Store, "modes">;
  readonly #clock: Clock;
  #lowered: readonly LoweredMode[] = [];
  #knownAtMs: number | undefined;
  #asking: Promise<void> | undefined;

  constructor(store: Pick<Store, "modes">, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Makes sure that what is known is no older than a second. Throws where the store does not answer: then nothing may be done. */
  async refresh(): Promise<void> {
    if (this.#knownAtMs !== undefined && this.#clock.now() - this.#knownAtMs < KNOWN_MS) return;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    await this.#asking;
  }

  /** Forgets what is known: the next look asks the store. */
  expire(): void {
    this.#knownAtMs = undefined;
  }

  /** The mode of a connection, which can only be lower than the one given. */
  lowest(connection: string, mode: Mode): Mode {
    return this.#lowered
      .filter((each) => each.connection === null || each.connection === connection)
      .reduce((lowest, each) => carefulOf(lowest, each.mode), mode);
  }

  list(): readonly LoweredMode[] {
    return this.#lowered;
  }

  async #ask(): Promise<void> {
    // From before the question: whatever is changed while it is under way is younger.
    const askedAtMs = this.#clock.now();
    this.#lowered = await this.#store.modes();
    this.#knownAtMs = askedAtMs;
  }
}
