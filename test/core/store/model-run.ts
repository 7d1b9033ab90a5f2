import { expect } from "chai";
import type { StoreDriver } from "../../../core/store/driver.ts";
import type { Claim, NewSignal } from "../../../core/store/store.ts";
import { decidedSettlement, HOUR, hint, present, type StoreRig, verified } from "../../contract/store-rig.ts";
import { hours, type ModelClaim, StoreModel } from "./model.ts";

/** One thing that happens to a store. `which` counts back over the claims taken so far, lost ones included. */
export type Step =
  | { do: "hint"; tickets: number[]; settle: number }
  | { do: "again"; which: number }
  | { do: "stray" }
  | { do: "claim"; limit: number; lease: number }
  | { do: "settle"; which: number; wake: number | null; rest: number; park: boolean }
  | { do: "finish"; which: number; rest: number }
  | { do: "retry"; which: number; delay: number; counts: "attempt" | "outage" | "neither" }
  | { do: "park"; which: number }
  | { do: "release"; which: number }
  | { do: "redrive"; ticket: number }
  | { do: "advance"; hours: number }
  | { do: "restart" };

export type ModelRig = StoreRig & { readonly driver: StoreDriver };

/** What a delay is in milliseconds; see `hours`. */
function ms(count: number): number {
  return hours(count) * HOUR;
}

interface Taken {
  real: Claim;
  model: ModelClaim;
}

/** A store and its model, taken through the same steps and compared after each. */
export class ModelRun {
  readonly #rig: ModelRig;
  readonly #model = new StoreModel();
  readonly #startMs: number;
  readonly #freesLeases: boolean;
  readonly #taken: Taken[] = [];
  readonly #sent: NewSignal[] = [];

  constructor(rig: ModelRig) {
    this.#rig = rig;
    this.#startMs = rig.now();
    this.#freesLeases = !rig.driver.skipLocked;
  }

  async step(step: Step): Promise<void> {
    await this.#perform(step);
    await this.#compare();
  }

  /** Lets every lease run out and every delay pass, takes up all that is due, and sees that no hint was left unanswered. */
  async drain(): Promise<void> {
    await this.step({ do: "advance", hours: 100 });
    const before = this.#taken.length;
    await this.step({ do: "claim", limit: 1_000, lease: 1 });
    for (let which = 0; which < this.#taken.length - before; which += 1)
      await this.step({ do: "finish", which, rest: 0 });
    for (const [name, { unanswered, parked }] of this.#model.tickets)
      expect(unanswered && !parked, `${name} has a hint that nobody answered`).to.equal(false);
    expect(await this.#rig.store.counts()).to.include({ pending: 0, leased: 0 });
    expect(await verified(this.#rig.store)).to.include({ ok: true, entries: this.#model.entries });
  }

  async #perform(step: Step): Promise<void> {
    switch (step.do) {
      case "hint":
        return this.#hint(step.tickets, step.settle);
      case "again": {
        const signal = this.#sent[step.which % this.#sent.length];
        if (signal) expect(await this.#rig.store.accept([signal], 0)).to.deep.equal(["duplicate"]);
        return;
      }
      case "stray":
        await this.#rig.store.accept([hint("", { target: { unlocated: "no table" } })], 0);
        return this.#model.stray();
      case "claim":
        return this.#claim(step.limit, step.lease);
      case "redrive": {
        const asked = await this.#rig.store.redrive("snow", `r${step.ticket}`, "someone");
        expect(asked, "redrive").to.equal(this.#model.redrive(nameOf(step.ticket)));
        return;
      }
      case "advance":
        this.#rig.advance(step.hours * HOUR);
        this.#model.hour += step.hours;
        return;
      case "restart":
        await this.#rig.reopen();
        if (this.#freesLeases) this.#model.restart();
        return;
      default:
        return this.#endClaim(step);
    }
  }

  async #hint(tickets: readonly number[], settle: number): Promise<void> {
    const signals = tickets.map((ticket) => hint(`r${ticket}`));
    const answers = await this.#rig.store.accept(signals, ms(settle));
    expect(new Set(answers)).to.deep.equal(new Set(["accepted"]));
    this.#sent.push(...signals);
    for (const ticket of tickets) this.#model.hint(nameOf(ticket), settle);
  }

  async #claim(limit: number, lease: number): Promise<void> {
    const claimable = this.#model.claimable();
    const claims = await this.#rig.store.claim("worker", limit, ms(lease));
    expect(claims).to.have.length(Math.min(limit, claimable.size));
    const due = claims.map(({ ticket }) => claimable.get(ticket) ?? Number.NaN);
    expect(due, "claims are due, and the longest due come first").to.deep.equal(due.toSorted((a, b) => a - b));
    for (const { ticket } of claims) claimable.delete(ticket);
    for (const later of claimable.values()) expect(later).to.be.at.least(due.at(-1) ?? 0);
    for (const real of claims) {
      const model = this.#model.claim(real.ticket, lease);
      const { ticket, fence, generation, attempts, outages } = real;
      expect({ ticket, fence, generation, attempts, outages, hints: model.hints }).to.deep.equal(model);
      this.#taken.push({ real, model });
    }
  }

  async #endClaim(step: Extract<Step, { do: "settle" | "finish" | "retry" | "park" | "release" }>): Promise<void> {
    const taken = this.#taken.at(-1 - (step.which % (this.#taken.length || 1)));
    if (!taken) return;
    const { real, model } = taken;
    const { store } = this.#rig;
    const holds = this.#model.holds(model);
    const answer = await this.#end(step, real);
    expect(answer, `${step.do} with a claim that ${holds ? "holds" : "is lost"}`).to.equal(holds);
    if (!holds) return;
    if (step.do === "settle") {
      this.#model.entries += 1;
      if (step.park && this.#model.park(model)) this.#model.settled(model);
      else this.#model.end(model, step.wake, step.rest);
    } else if (step.do === "finish") this.#model.end(model, null, step.rest);
    else if (step.do === "retry") this.#model.retry(model, step.delay, step.counts);
    else if (step.do === "release" || !this.#model.park(model)) this.#model.release(model.ticket);
    expect(await store.release([real]), "an ended claim cannot be given back").to.equal(0);
  }

  async #end(
    step: Extract<Step, { do: "settle" | "finish" | "retry" | "park" | "release" }>,
    claim: Claim,
  ): Promise<boolean> {
    const { store } = this.#rig;
    switch (step.do) {
      case "settle": {
        const wakeAtMs = step.wake === null ? null : Math.round(this.#rig.now() + ms(step.wake));
        const park = step.park ? { park: { reason: "hold", detail: "" } } : {};
        const settlement = decidedSettlement(claim.ticket, { recordKey: claim.recordId, wakeAtMs, ...park });
        return store.settle(claim, settlement, ms(step.rest));
      }
      case "finish":
        return store.finish(claim, ms(step.rest));
      case "retry":
        return store.retry(claim, ms(step.delay), step.counts);
      case "park":
        return store.park(claim, "rejected", "");
      case "release":
        return (await store.release([claim])) === 1;
    }
  }

  /** Every row of work against the model, and the promises that stand on their own. */
  async #compare(): Promise<void> {
    const rows = await this.#rig.driver.db.selectFrom("work").selectAll().where("type", "=", "incident").execute();
    expect(rows).to.have.length(this.#model.tickets.size);
    for (const row of rows) {
      const ticket = present(this.#model.tickets.get(row.ticket));
      expect(
        {
          generation: row.generation,
          fence: row.fence,
          attempts: row.attempts,
          outages: row.outages,
          parked: row.parked_at !== null,
          due: this.#halfHours(row.due_at),
          leaseUntil: this.#halfHours(row.lease_until),
        },
        row.ticket,
      ).to.deep.equal({
        generation: ticket.generation,
        fence: ticket.fence,
        attempts: ticket.attempts,
        outages: ticket.outages,
        parked: ticket.parked,
        due: ticket.due,
        leaseUntil: ticket.leaseUntil,
      });
      const seen = row.due_at !== null || row.lease_until !== null || row.parked_at !== null;
      expect(seen || !ticket.unanswered, `the hint at ${row.ticket} is lost`).to.equal(true);
    }
  }

  /** A moment in the model's time, the real milliseconds of a running database left out. */
  #halfHours(moment: number | null): number | null {
    return moment === null ? null : Math.round(((moment - this.#startMs) / HOUR) * 2) / 2;
  }
}

function nameOf(ticket: number): string {
  return `snow/incident/r${ticket}`;
}
