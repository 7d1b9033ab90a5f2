import { ConnectorError, type FaultKind } from "../core/errors.ts";
import type { Roll, Standing } from "../core/live/answer.ts";

/** Names of one kind that a system is asked for. */
const NAMES_MAX = 1_000;

/** Faults that say that the account may not look, or sees too little of it; after any other the system has not answered. */
const CLOSED: ReadonlySet<FaultKind> = new Set(["rejected", "not_found", "protocol"]);

/** Looks into a system of which some may be closed to the account. */
export interface Looks {
  /** What could not be looked into, and why. */
  readonly unseen: string[];
  /** What a look saw; undefined, and noted, where it is closed. Throws a ConnectorError where the system does not answer. */
  look<T>(what: string, run: () => Promise<T>): Promise<T | undefined>;
  /** The names that are asked for: all, or as many as one run may ask; what is left out is noted. */
  within(what: string, names: readonly string[], max?: number): readonly string[];
}

export function looks(): Looks {
  const unseen: string[] = [];
  return {
    unseen,
    async look(what, run) {
      try {
        return await run();
      } catch (error) {
        if (!(error instanceof ConnectorError) || !CLOSED.has(error.kind)) throw error;
        unseen.push(`${what} (${error.message})`);
        return undefined;
      }
    },
    within(what, names, max = NAMES_MAX) {
      if (names.length > max) unseen.push(`${what} beyond the first ${max}, of ${names.length}`);
      return names.slice(0, max);
    },
  };
}

/** Whether not one of the names is known, and none that could have been meant either. */
export function seesNone({ standing, similar }: Roll): boolean {
  const stands = [...standing.values()];
  return (
    stands.length > 0 && similar.length === 0 && stands.every((each) => each === "unknown" || each === "unaskable")
  );
}

/** How names stand that may be either: as the first says, and where it knows none, as the second does. */
export function eitherRoll(first: Roll, second: Roll): Roll {
  const standing = [...first.standing].map(([name, stands]): [string, Standing] => {
    const other = second.standing.get(name) ?? "unknown";
    return [name, stands === "unknown" || (stands === "inactive" && other === "active") ? other : stands];
  });
  return { standing: new Map(standing), similar: [...first.similar, ...second.similar] };
}
