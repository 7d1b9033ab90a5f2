import { ConnectorError } from "../core/errors.ts";

/** Something that an administrator should know before the sidecar finds out by a ticket. */
export interface Finding {
  /** An error keeps something from working; a warning does not, or could not be looked into. */
  severity: "error" | "warning";
  check: string;
  /** The account, table, field, group or webhook it is about. */
  where: string;
  what: string;
  fix: string;
}

/** What a mapping and the rules need of one record type. Paths are the vendor's. */
export interface RecordNeeds {
  /** Table or project key. */
  record: string;
  mapping: string;
  reads: readonly string[];
  /** Fields that a rule sets. */
  writes: readonly string[];
  /** Value maps: the vendor values that the mapping knows, and those that it may write. */
  values: readonly { path: string; known: readonly string[]; written: readonly string[] }[];
}

/** Runs a check. What keeps it from being made is a finding itself, never silence. */
export async function checked(check: string, where: string, run: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    const fix = "Mend what the message says and run doctor again; until then this is not known to work";
    return [
      {
        severity: error.kind === "auth" ? "error" : "warning",
        check,
        where,
        what: `could not be checked: ${error.message}`,
        fix,
      },
    ];
  }
}
