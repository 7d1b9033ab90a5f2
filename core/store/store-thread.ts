/**
 * The thread that holds a process's SQLite stores. SQLite blocks whoever calls it, for a commit as long as the disk
 * takes: here it holds up no request, and the second core takes its share.
 */
import { parentPort } from "node:worker_threads";
import type { Clock } from "../clock.ts";
import { describeError, StoreUnavailableError } from "../errors.ts";
import { openStore } from "./sql-store.ts";
import { openSqlite } from "./sqlite.ts";
import type { Store } from "./store.ts";

/** A call of one of the store's methods, or the opening of a file as a store under a number. */
export interface StoreCall {
  id: number;
  store: number;
  /** The caller's hour: a thread has no clock of its own. */
  nowMs: number;
  call: { open: string } | { method: keyof Store; args: readonly unknown[] };
}

export type StoreAnswer = { id: number } & (
  | { value: unknown }
  | { failed: { unavailable: boolean; message: string; cause: string | undefined } }
);

/** A clock that its owner sets with every call. */
interface Hour extends Clock {
  set(ms: number): void;
}

function hourAt(startMs: number): Hour {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    sleep: () => Promise.reject(new Error("the store does not sleep")),
    set(ms) {
      nowMs = ms;
    },
  };
}

function serve(port: NonNullable<typeof parentPort>): void {
  const stores = new Map<number, { store: Store; hour: Hour }>();

  async function run({ store, nowMs, call }: StoreCall): Promise<unknown> {
    if ("open" in call) {
      const hour = hourAt(nowMs);
      stores.set(store, { hour, store: await openStore(openSqlite(call.open, { clock: hour })) });
      return undefined;
    }
    const open = stores.get(store);
    if (!open && call.method === "close") return undefined;
    if (!open) throw new StoreUnavailableError("the store is closed");
    open.hour.set(nowMs);
    if (call.method === "close") stores.delete(store);
    const method = open.store[call.method] as (...args: readonly unknown[]) => Promise<unknown>; // typed on the other side
    return method(...call.args);
  }

  async function answerOf(call: StoreCall): Promise<StoreAnswer> {
    try {
      return { id: call.id, value: await run(call) };
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? describeError(error.cause) : undefined;
      const message = error instanceof Error ? error.message : String(error);
      return { id: call.id, failed: { unavailable: error instanceof StoreUnavailableError, message, cause } };
    }
  }

  port.on("message", (call: StoreCall) => {
    void answerOf(call).then((answer) => port.postMessage(answer));
  });
}

if (parentPort) serve(parentPort);
