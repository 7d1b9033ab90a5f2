import type { MayWrite } from "../connectors/calls.ts";
import type { Clock, Ids } from "../core/clock.ts";
import type { Mode } from "../core/config/settings.ts";
import type { Limits } from "../core/limits.ts";
import type { Mapping } from "../core/mapping/mapping.ts";
import { carefulOf } from "../core/policy/autonomy.ts";
import type { Log } from "../core/ports.ts";
import { type Desk, modeOf, type ReconcileDeps } from "../core/reconcile/deps.ts";
import { LoweredModes } from "../core/reconcile/modes.ts";
import { previewOf } from "../core/reconcile/preview.ts";
import type { Store } from "../core/store/store.ts";
import type { Revocable, RevokedView } from "../core/store/undoing.ts";
import type { ModeApi } from "../routes/mode-api.ts";
import type { RevokeApi, RevokePreview } from "../routes/revoke-api.ts";

export interface OperatingDeps {
  store: Store;
  limits: Limits;
  clock: Clock;
  ids: Ids;
  log: Log;
  /** Asked once the server has them. */
  desks: () => ReadonlyMap<string, Desk>;
  configured: () => Mode;
  /** What would hold if nobody had lowered it, without the kill switch. */
  unlowered: (connection: string) => Mode;
  policy: ReconcileDeps["policy"];
  wake: () => void;
}

/** What operators do to a running server: undo, and hold back. */
export interface Operating {
  /** For the loop, which heeds the kill switch itself. */
  brakes: Pick<ReconcileDeps, "mode" | "refreshMode" | "policy">;
  /** Asked before every single call that writes; false also where the store does not say what was lowered. */
  mayWrite: MayWrite;
  revokes: RevokeApi;
  modes: ModeApi;
}

export function openOperating(deps: OperatingDeps): Operating {
  const { store, clock, policy, unlowered } = deps;
  const lowered = new LoweredModes(store, clock);
  const mode = (connection: string): Mode => lowered.lowest(connection, unlowered(connection));
  const now = (connection: string): Mode => modeOf({ policy, mode }, connection);
  return {
    brakes: { mode, policy, refreshMode: () => lowered.refresh() },
    async mayWrite(connection) {
      try {
        await lowered.refresh();
      } catch {
        return false;
      }
      return now(connection) !== "observe";
    },
    revokes: revokeApi(deps, { lowered, now }),
    modes: modeApi(deps, { lowered, now }),
  };
}

/** What was lowered, and what holds on a connection by what is known. */
interface Known {
  lowered: LoweredModes;
  now: (connection: string) => Mode;
}

function revokeApi({ store, limits, ids, log, desks, wake }: OperatingDeps, { lowered, now }: Known): RevokeApi {
  const most = limits.revokeActionsMax;
  return {
    async revoke(selector, who) {
      const id = ids.short();
      const { recorded, ...found } = await store.revoke({ id, selector, ...who }, most);
      if (found.actions > most) return { tooMany: most };
      if (!recorded) return { id: null, actions: 0, tickets: 0 };
      log.warn("actions are revoked", { revocation: id, ...found, by: who.by });
      wake();
      return { id, ...found };
    },
    async preview(selector) {
      const found = await store.revocable(selector, most);
      return found ? previewed(found, desks(), limits.listMax) : { tooMany: most };
    },
    async revocation(id) {
      const view = await store.revocation(id);
      if (!view) return undefined;
      await lowered.refresh();
      return { ...view, heldBack: view.waitingFor.filter((name) => now(name) !== "act") };
    },
    actions: (id, page) => store.revokedActions(id, { ...page, limit: limits.listMax }),
  };
}

function previewed(found: readonly Revocable[], desks: ReadonlyMap<string, Desk>, listMax: number): RevokePreview {
  const lines = found.flatMap((ticket): RevokedView[] => {
    const { connection, key } = ticket;
    const desk = desks.get(connection);
    const known = new Map(ticket.past.map((action) => [action.id, action]));
    const mapping = mappingOf(desk?.mappings(), ticket);
    return previewOf(ticket, { mapping, canAsk: desk?.approvals !== undefined }).flatMap(
      ({ actionId, state, reason }) => {
        const action = known.get(actionId);
        return action ? [{ actionId, connection, key, kind: action.kind, field: action.field, state, reason }] : [];
      },
    );
  });
  const count = (state: RevokedView["state"]): number => lines.filter((line) => line.state === state).length;
  const kept = lines.filter(({ state }) => state === "kept");
  const rest = lines.filter(({ state }) => state !== "kept");
  return {
    counts: { restored: count("restored"), corrected: count("corrected"), kept: kept.length },
    actions: [...kept, ...rest].slice(0, listMax),
  };
}

/** ServiceNow's records have their table as type, Jira's issues their project in their key. */
function mappingOf(
  mappings: ReadonlyMap<string, Mapping> | undefined,
  { ticket, key }: Revocable,
): Mapping | undefined {
  return mappings?.get(ticket.split("/")[1] ?? "") ?? mappings?.get(key.replace(/-\d+$/, ""));
}

function modeApi({ store, log, desks, configured, wake }: OperatingDeps, { lowered, now }: Known): ModeApi {
  const names = (): string[] => [...desks().keys()];
  return {
    async modes() {
      await lowered.refresh();
      const list = lowered.list();
      return names().map((connection) => {
        const own = list.filter((each) => each.connection === null || each.connection === connection);
        return {
          connection,
          configured: configured(),
          lowered: own.length === 0 ? null : own.map(({ mode }) => mode).reduce(carefulOf),
          effective: now(connection),
        };
      });
    },
    async setMode(connection, mode, by) {
      if (connection !== null && !desks().has(connection)) return { outcome: "unknown_connection" };
      const most = configured();
      if (mode !== null && mode !== most && carefulOf(mode, most) === most)
        return { outcome: "above_configured", configured: most };
      const lifts = mode === null || mode === most;
      const sinceMs = await store.setMode({ connection, mode: lifts ? null : mode, configured: most, by });
      lowered.expire();
      await lowered.refresh();
      log.warn("the mode was changed", { connection: connection ?? "all", mode: lifts ? "configured" : mode, by });
      // What was decided and held back meanwhile is taken up again.
      if (sinceMs !== null)
        for (const name of connection === null ? names() : [connection]) await store.takeUpAgain(name, sinceMs);
      wake();
      return { outcome: "done" };
    },
  };
}
