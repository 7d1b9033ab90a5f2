import type { CelType } from "../expression.ts";
import type { Routing } from "./routing.ts";

/** Everything the rules are made of, compiled. Immutable; another version is another Policy. */
export interface Policy {
  /** Digest of the files it was compiled from: the same files have the same version everywhere. */
  version: string;
  routing: Routing;
  /** Types of the customer's own fields. */
  custom: Readonly<Record<string, CelType>>;
}
