import { Worker } from "node:worker_threads";
import type { Clock } from "../clock.ts";
import { StoreUnavailableError } from "../errors.ts";
import type { Store } from "./store.ts";
import type { StoreAnswer, StoreCall } from "./store-thread.ts";

/** A record and not a list: it does not compile while a method of the store is missing. */
const METHODS: Readonly<Record<keyof Store, true>> = {
  accept: true,
  claim: true,
  renew: true,
  nextDueMs: true,
  intend: true,
  receive: true,
  doubt: true,
  settle: true,
  finish: true,
  retry: true,
  park: true,
  release: true,
  redrive: true,
  revoke: true,
  revocable: true,
  endRevoked: true,
  revocation: true,
  revokedActions: true,
  setMode: true,
  modes: true,
  recordCheck: true,
  failedChecks: true,
  parked: true,
  view: true,
  counts: true,
  append: true,
  entries: true,
  ledgerEnd: true,
  treeHead: true,
  treeRoot: true,
  prove: true,
  proveGrowth: true,
  keepCheckpoint: true,
  checkpoints: true,
  lastCheckpoint: true,
  entriesAbout: true,
  drop: true,
  forgetSignals: true,
  keepPolicy: true,
  policy: true,
  decided: true,
  watermark: true,
  setWatermark: true,
  sightings: true,
  recordSwept: true,
  sweepMark: true,
  completeness: true,
  forgetSwept: true,
  takeUpAgain: true,
  reserve: true,
  settleSpend: true,
  spent: true,
  answer: true,
  keepAnswer: true,
  tally: true,
  outcomesOf: true,
  demote: true,
  demotions: true,
  forgetAdvice: true,
  ping: true,
  close: true,
};

/**
 * Opens an SQLite file as a store that lives in a thread of its own; the same promises as any other store. Rejects with
 * a message that says what to do when the file cannot be had.
 */
export async function openThreadedSqlite(path: string, clock: Clock): Promise<Store> {
  const thread = liveThread();
  const number = thread.newStore();
  const ask = (call: StoreCall["call"]): Promise<unknown> => thread.ask({ store: number, nowMs: clock.now(), call });
  await ask({ open: path });
  const methods = Object.keys(METHODS).map((name) => {
    const method = name as keyof Store; // the keys of METHODS
    return [method, (...args: readonly unknown[]) => ask({ method, args })] as const;
  });
  return Object.fromEntries(methods) as unknown as Store; // METHODS is complete, and arguments and answers are plain data
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

class StoreThread {
  readonly #worker = new Worker(new URL("./store-thread.ts", import.meta.url));
  readonly #pending = new Map<number, Pending>();
  #asked = 0;
  #opened = 0;
  dead: Error | undefined;

  constructor() {
    // A process with nothing else to do does not stay for a thread that has nothing to do.
    this.#worker.unref();
    this.#worker.on("message", (answer: StoreAnswer) => this.#settle(answer));
    this.#worker.on("error", (error) => this.#die(error));
    this.#worker.on("exit", () => this.#die(undefined));
  }

  newStore(): number {
    this.#opened += 1;
    return this.#opened;
  }

  ask(call: Omit<StoreCall, "id">): Promise<unknown> {
    if (this.dead) return Promise.reject(this.dead);
    return new Promise((resolve, reject) => {
      this.#asked += 1;
      if (this.#pending.size === 0) this.#worker.ref();
      this.#pending.set(this.#asked, { resolve, reject });
      this.#worker.postMessage({ id: this.#asked, ...call } satisfies StoreCall);
    });
  }

  #settle(answer: StoreAnswer): void {
    const pending = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if (this.#pending.size === 0) this.#worker.unref();
    if ("value" in answer) {
      pending?.resolve(answer.value);
      return;
    }
    const { unavailable, message, cause } = answer.failed;
    const options = cause === undefined ? undefined : { cause };
    pending?.reject(unavailable ? new StoreUnavailableError(message, options) : new Error(message, options));
  }

  #die(cause: unknown): void {
    this.dead ??= new StoreUnavailableError("the store's thread has ended; restart the process", { cause });
    for (const { reject } of this.#pending.values()) reject(this.dead);
    this.#pending.clear();
  }
}

/** One thread serves all stores of a process, started with the first. */
let thread: StoreThread | undefined;

function liveThread(): StoreThread {
  if (!thread || thread.dead) thread = new StoreThread();
  return thread;
}
