import { readPath } from "../../core/mapping/path.ts";
import type { Transform } from "../../core/mapping/transforms.ts";
import type { PastWanted } from "../../core/ports.ts";

/** A value as a history entry writes it: an id where the field has them, and a text. */
export interface Side {
  id: string | null;
  text: string | null;
}

/** More than any site has; beyond, the oldest are forgotten and told in the history's own words. */
const KNOWN_MAX = 100_000;

/** Fields whose history is written in another form than an issue shows them in, so that the two cannot be compared. */
const OTHERWISE_WRITTEN: ReadonlySet<Transform> = new Set([
  "adf",
  "html",
  "datetime",
  "duration",
  "integer",
  "boolean",
]);
/** What the parts of a value are called in issues; in a history they are one text. */
const TEXTS = new Set(["name", "value", "displayName"]);

/** Values that issues show today, by the ids that histories name them by: a status, a group, a person. */
export class KnownValues {
  readonly #known = new Map<string, unknown>();

  learn(field: string, raw: unknown): void {
    const id = idOf(raw);
    if (id === null) return;
    const key = keyOf(field, id, isPerson(raw));
    const oldest = this.#known.size >= KNOWN_MAX ? this.#known.keys().next().value : undefined;
    if (oldest !== undefined && !this.#known.has(key)) this.#known.delete(oldest);
    this.#known.set(key, raw);
  }

  of(field: string, id: string | null, person: boolean): unknown {
    return id === null || id === "" ? undefined : this.#known.get(keyOf(field, id, person));
  }
}

/** A person is the same in every field; other ids are a field's own. */
function keyOf(field: string, id: string, person: boolean): string {
  return person ? `person ${id}` : `${field} ${id}`;
}

/** Whether a history's value is what stands in the issue now; true where that cannot be compared. */
export function standsThere(side: Side, raw: unknown, transform: Transform | undefined): boolean {
  if (transform !== undefined && OTHERWISE_WRITTEN.has(transform)) return true;
  if (Array.isArray(raw)) return raw.map(String).sort().join(" ") === words(side).sort().join(" ");
  if (raw === null || raw === undefined) return isEmpty(side);
  if (typeof raw !== "object") return sameSide(side, { id: null, text: String(raw) });
  return sameSide(side, { id: idOf(raw), text: textOf(raw) });
}

/** Ids decide where both have one: what they stand for may be called otherwise by now. */
export function sameSide(one: Side, other: Side): boolean {
  if (one.id && other.id) return one.id === other.id;
  return (one.text ?? "").trim() === (other.text ?? "").trim();
}

export interface Showing extends Pick<PastWanted, "transforms" | "reads"> {
  today: unknown;
  /** What histories name people by. */
  personKey: "accountId" | "key";
}

/**
 * A history's value in the form in which an issue shows it, as far as a mapping reads it, and the paths that it cannot
 * be told for. `today` is that value where an issue shows it today.
 */
export function shownAs(
  field: string,
  side: Side,
  { transforms, reads, today, personKey }: Showing,
): { raw: unknown; untold: string[] } {
  if (isEmpty(side)) return { raw: field === "labels" ? [] : null, untold: [] };
  if (today !== undefined) return { raw: today, untold: [] };
  const transform = transforms.get(field);
  const deeper = reads.filter((path) => path.startsWith(`${field}.`) && !isSibling(path, field, transform));
  const read = transform ?? (deeper.length > 0 ? "object" : "unknown");
  const raw = read === "user" ? { displayName: side.text, [personKey]: side.id } : rawOf(field, side, read);
  if (raw === undefined) return { raw: null, untold: [field] };
  const untold = deeper.filter((path) => readPath({ [field]: raw }, path) === undefined);
  return { raw, untold };
}

/** A mapping asks for the name and e-mail of every reference, which an issue has within the reference. */
function isSibling(path: string, field: string, transform: Transform | undefined): boolean {
  const reference = transform === "group" || transform === "user" || transform === "ci";
  return reference && (path === `${field}.name` || path === `${field}.email`);
}

function rawOf(field: string, { id, text }: Side, read: Transform | "object" | "unknown"): unknown {
  const named = Object.fromEntries([...TEXTS].map((name) => [name, text ?? id]));
  switch (read) {
    case "group":
      return { ...named, groupId: id };
    case "ci":
      return id === null ? text : { ...named, id };
    case "object":
      return { ...named, id };
    case "list":
      // Of other lists it writes what came and what went, not what there was.
      return field === "labels" ? words({ id, text }) : undefined;
    case "datetime":
      return id !== null && /^\d{4}-\d\d-\d\dT/.test(id) ? id : text;
    case "unknown":
      return undefined;
    default:
      return text ?? id;
  }
}

function isEmpty({ id, text }: Side): boolean {
  return (id ?? "") === "" && (text ?? "") === "";
}

function words({ text }: Side): string[] {
  return (text ?? "").split(" ").filter((word) => word !== "");
}

function idOf(raw: unknown): string | null {
  return ownText(raw, ["accountId", "groupId", "id", "key"]);
}

function textOf(raw: unknown): string | null {
  return ownText(raw, ["name", "value", "displayName"]);
}

function isPerson(raw: unknown): boolean {
  return raw !== null && typeof raw === "object" && Object.hasOwn(raw, "displayName");
}

function ownText(raw: unknown, keys: readonly string[]): string | null {
  if (raw === null || typeof raw !== "object") return null;
  for (const key of keys) {
    const found: unknown = Object.getOwnPropertyDescriptor(raw, key)?.value;
    if (typeof found === "string" && found !== "") return found;
  }
  return null;
}
