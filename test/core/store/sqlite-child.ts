// A process that holds a store and does as it is told on its standard input; started by the tests beside it.
import { createInterface } from "node:readline";
import { openThreadedSqlite } from "../../../core/store/threaded.ts";
import { hints, START_MS } from "../../contract/store-rig.ts";

const file = process.argv[2] ?? "";
// Where a file may not grow the system sends this signal first; the error that follows is what is tested.
process.on("SIGXFSZ", () => {});

const clock = { now: () => START_MS, sleep: () => Promise.resolve() };
const store = await openThreadedSqlite(file, clock);
process.stdout.write("open\n");
for await (const line of createInterface({ input: process.stdin })) {
  try {
    const answer = line === "ping" ? await store.ping() : await store.accept(hints(200, `${line}-`), 0);
    process.stdout.write(`${answer ? answer.length : "done"}\n`);
  } catch (error) {
    process.stdout.write(`${error instanceof Error ? error.name : "?"}\n`);
  }
}
await store.close();
