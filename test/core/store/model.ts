/**
 * What a store should do, in as few words as possible. Time is counted in hours: delays end half an hour before a full
 * one, and the clock only stands at full ones, so the milliseconds that pass in a real database decide nothing.
 */
export interface ModelTicket {
  due: number | null;
  /** Not before this, whatever hints come. */
  rest: number | null;
  generation: number;
  fence: number;
  attempts: number;
  outages: number;
  leaseUntil: number | null;
  parked: boolean;
  /** A hint was accepted that no settle or finish has answered since. */
  unanswered: boolean;
  /** Hints so far. */
  hints: number;
}

/** A claim as its worker remembers it. */
export interface ModelClaim {
  ticket: string;
  fence: number;
  generation: number;
  attempts: number;
  outages: number;
  hints: number;
}

/** So many hours as a moment: nought is now, the rest ends half an hour early. */
export function hours(count: number): number {
  return count === 0 ? 0 : count - 0.5;
}

export class StoreModel {
  readonly tickets = new Map<string, ModelTicket>();
  hour = 0;
  entries = 0;
  signals = 0;
  strays = 0;

  hint(name: string, settle: number): void {
    this.signals += 1;
    this.entries += 1;
    const at = this.hour + hours(settle);
    const ticket = this.tickets.get(name);
    if (!ticket) {
      this.tickets.set(name, { ...FRESH, due: at });
      return;
    }
    ticket.generation += 1;
    ticket.hints += 1;
    ticket.unanswered = true;
    if (ticket.due === null || ticket.due > at)
      ticket.due = Math.max(at, Math.min(ticket.rest ?? at, ticket.due ?? Number.POSITIVE_INFINITY));
    if (ticket.parked) Object.assign(ticket, { parked: false, attempts: 0, outages: 0 });
  }

  stray(): void {
    this.signals += 1;
    this.entries += 2;
    this.strays += 1;
  }

  /** Names that may be claimed now, with when they were due. */
  claimable(): Map<string, number> {
    const found = new Map<string, number>();
    for (const [name, { parked, due, leaseUntil }] of this.tickets) {
      if (parked || due === null || due > this.hour) continue;
      if (leaseUntil === null || leaseUntil <= this.hour) found.set(name, due);
    }
    return found;
  }

  claim(name: string, lease: number): ModelClaim {
    const ticket = this.#at(name);
    if (ticket.leaseUntil !== null) ticket.attempts += 1;
    ticket.leaseUntil = this.hour + hours(lease);
    ticket.fence += 1;
    const { fence, generation, attempts, outages, hints } = ticket;
    return { ticket: name, fence, generation, attempts, outages, hints };
  }

  /** Whether a worker's claim still holds. */
  holds(claim: ModelClaim): boolean {
    const ticket = this.#at(claim.ticket);
    return ticket.leaseUntil !== null && ticket.fence === claim.fence;
  }

  end(claim: ModelClaim, wake: number | null, rest: number): void {
    const ticket = this.#at(claim.ticket);
    ticket.rest = this.hour + hours(rest);
    if (ticket.generation === claim.generation) ticket.due = wake === null ? null : this.hour + hours(wake);
    else ticket.due = Math.max(ticket.due ?? 0, ticket.rest);
    this.#answered(ticket, claim);
    Object.assign(ticket, { leaseUntil: null, attempts: 0, outages: 0 });
  }

  /** Answers whether the ticket was parked; a hint that came meanwhile keeps it due. */
  park(claim: ModelClaim): boolean {
    const ticket = this.#at(claim.ticket);
    if (ticket.generation !== claim.generation) return false;
    Object.assign(ticket, { leaseUntil: null, due: null, parked: true });
    this.entries += 1;
    return true;
  }

  retry(claim: ModelClaim, delay: number, counts: "attempt" | "outage" | "neither"): void {
    const ticket = this.#at(claim.ticket);
    ticket.due = this.hour + hours(delay);
    ticket.rest = ticket.due;
    ticket.leaseUntil = null;
    ticket.attempts = claim.attempts + (counts === "attempt" ? 1 : 0);
    ticket.outages = claim.outages + (counts === "outage" ? 1 : 0);
  }

  release(name: string): void {
    this.#at(name).leaseUntil = null;
  }

  settled(claim: ModelClaim): void {
    this.#answered(this.#at(claim.ticket), claim);
  }

  redrive(name: string): boolean {
    const ticket = this.tickets.get(name);
    if (!ticket?.parked) return false;
    Object.assign(ticket, { parked: false, due: this.hour, rest: null, attempts: 0, outages: 0 });
    ticket.generation += 1;
    this.entries += 1;
    return true;
  }

  /** A store of one process frees at its start what the process before had leased. */
  restart(): void {
    for (const ticket of this.tickets.values()) {
      if (ticket.leaseUntil === null) continue;
      ticket.leaseUntil = null;
      ticket.attempts += 1;
    }
  }

  #answered(ticket: ModelTicket, claim: ModelClaim): void {
    if (ticket.hints === claim.hints) ticket.unanswered = false;
  }

  #at(name: string): ModelTicket {
    const ticket = this.tickets.get(name);
    if (!ticket) throw new Error(`the model knows no ticket ${name}`);
    return ticket;
  }
}

const FRESH: ModelTicket = {
  due: null,
  rest: null,
  generation: 1,
  fence: 0,
  attempts: 0,
  outages: 0,
  leaseUntil: null,
  parked: false,
  unanswered: true,
  hints: 1,
};
