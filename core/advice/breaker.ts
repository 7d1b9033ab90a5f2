import type { Clock } from "../clock.ts";

export interface BreakerSettings {
  /** Failures in a row after which a model is left alone. */
  failuresMax: number;
  /** For how long, before one question is tried again. */
  restMs: number;
}

/**
 * Leaves a model alone that keeps failing. After its rest one question is let through to see: while that one is under way
 * nobody else is, and its outcome decides for all.
 */
export class Breaker {
  readonly #clock: Clock;
  readonly #settings: BreakerSettings;
  #failures = 0;
  #openUntilMs = 0;
  #probing = false;

  constructor(clock: Clock, settings: BreakerSettings) {
    this.#clock = clock;
    this.#settings = settings;
  }

  /** closed: all is well. open: nobody is let through. half_open: the next question, or one under way, decides. */
  get state(): "closed" | "open" | "half_open" {
    if (this.#failures < this.#settings.failuresMax && this.#openUntilMs === 0) return "closed";
    return this.#clock.now() < this.#openUntilMs ? "open" : "half_open";
  }

  /** Whether a question may go through now; one that does must end in `succeeded`, `failed` or `gaveUp`. */
  admit(): boolean {
    const { state } = this;
    if (state === "closed") return true;
    if (state === "open" || this.#probing) return false;
    this.#probing = true;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#openUntilMs = 0;
    this.#probing = false;
  }

  /** `restMs`: the model's own word on when to come back; the longer of it and our own rest counts. */
  failed(restMs = 0): void {
    this.#failures += 1;
    this.#probing = false;
    const tripped = this.#failures >= this.#settings.failuresMax;
    if (!tripped && restMs === 0) return;
    const forMs = Math.max(restMs, tripped ? this.#settings.restMs : 0);
    this.#openUntilMs = Math.max(this.#openUntilMs, this.#clock.now() + forMs);
  }

  /** The question ended in a way that says nothing of the model. */
  gaveUp(): void {
    this.#probing = false;
  }
}
