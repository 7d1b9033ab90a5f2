import { z } from "zod";
import { Action } from "../decision.ts";
import { RevokedState, type RevokeSelector } from "../revocation.ts";
import type { StoreDriver } from "./driver.ts";
import { guarded } from "./transaction.ts";
import type { RevocationView, RevokedPage, RevokedView } from "./undoing.ts";

const Selector: z.ZodType<RevokeSelector> = z.strictObject({
  action: z.string().exactOptional(),
  rule: z.string().exactOptional(),
  decision: z.string().exactOptional(),
  connection: z.string().exactOptional(),
  sinceMs: z.int().exactOptional(),
  untilMs: z.int().exactOptional(),
});
const State = z.enum(["wanted", ...RevokedState.options]);

/** See `RevocationMemory.revocation`. */
export async function viewRevocation(driver: StoreDriver, id: string): Promise<RevocationView | undefined> {
  return guarded(driver, async () => {
    const row = await driver.db.selectFrom("revocations").selectAll().where("id", "=", id).executeTakeFirst();
    if (!row) return undefined;
    const counted = await driver.db
      .selectFrom("revoked")
      .leftJoin("work", "work.ticket", "revoked.ticket")
      .select((select) => [
        "revoked.state",
        "work.connection",
        select.fn.countAll<number>().as("count"),
        select.fn.count<number>("action_id").filterWhere("work.parked_at", "is not", null).as("parked"),
      ])
      .where("revocation", "=", id)
      .groupBy(["revoked.state", "work.connection"])
      .execute();
    const count = (state: string): number =>
      counted.filter((each) => each.state === state).reduce((sum, each) => sum + Number(each.count), 0);
    const waiting = counted.filter(({ state }) => state === "wanted");
    return {
      ...{
        id,
        selector: Selector.parse(JSON.parse(row.selector)),
        by: row.by,
        reason: row.reason,
        atMs: Number(row.at),
      },
      ...{ wanted: count("wanted"), restored: count("restored"), corrected: count("corrected"), kept: count("kept") },
      parked: waiting.reduce((sum, each) => sum + Number(each.parked), 0),
      waitingFor: [...new Set(waiting.map(({ connection }) => connection ?? ""))].sort(),
    };
  });
}

/** See `RevocationMemory.revokedActions`. */
export async function listRevoked(
  driver: StoreDriver,
  id: string,
  { states, after, limit }: RevokedPage,
): Promise<RevokedView[]> {
  if (states.length === 0) return [];
  const rows = await guarded(driver, () =>
    driver.db
      .selectFrom("revoked")
      .innerJoin("actions", "actions.id", "revoked.action_id")
      .innerJoin("work", "work.ticket", "revoked.ticket")
      .select(["action_id", "connection", "record_key", "record_id", "kind", "field", "revoked.state", "reason"])
      .select(["parked_at", "parked_reason", "parked_detail"])
      .where("revocation", "=", id)
      .where("revoked.state", "in", states)
      .where("action_id", ">", after)
      .orderBy("action_id")
      .limit(limit)
      .execute(),
  );
  return rows.map((row) => ({
    ...{ actionId: row.action_id, connection: row.connection, key: row.record_key ?? row.record_id },
    kind: Action.shape.kind.parse(row.kind),
    field: Action.shape.field.parse(row.field),
    state: State.parse(row.state),
    reason:
      row.state !== "wanted" || row.parked_at === null
        ? row.reason
        : `${row.parked_reason ?? ""}: ${row.parked_detail ?? ""}`,
  }));
}
