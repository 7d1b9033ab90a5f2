import type { Clock } from "../clock.ts";

export interface StormSettings {
  /** Questions in a minute above which it is a storm. */
  questionsPerMinute: number;
  /** Tickets of this priority and more urgent ones are asked about all the same; 1 is the most urgent. */
  keepPriority: number;
}

const MINUTE_MS = 60_000;

/** Tells a rush of tickets from an ordinary minute. It forgets by itself, and remembers no more than it must. */
export class Storm {
  readonly #clock: Clock;
  readonly #settings: StormSettings;
  readonly #hours: number[] = [];

  constructor(clock: Clock, settings: StormSettings) {
    this.#clock = clock;
    this.#settings = settings;
  }

  /** Counts a question about a ticket of that priority. Answers whether a paid model is to be left out of it. */
  holdsBack(priority: number): boolean {
    const nowMs = this.#clock.now();
    this.#hours.push(nowMs);
    // One more than the limit is all that it takes to know.
    while (this.#hours.length > this.#settings.questionsPerMinute + 1) this.#hours.shift();
    const oldest = this.#hours[0] ?? nowMs;
    const full = this.#hours.length > this.#settings.questionsPerMinute;
    return full && nowMs - oldest < MINUTE_MS && priority > this.#settings.keepPriority;
  }
}
