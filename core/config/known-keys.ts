import type { z } from "zod";
import { type Path, valueAt } from "./issue.ts";

type Schema = z.core.$ZodType;

/** The keys that a schema knows at a place of a document, of the variants that what stands there can be. */
export function knownKeys(schema: Schema, path: Path, root: unknown): string[] {
  let at: readonly Schema[] = variants(schema, root);
  path.forEach((part, index) => {
    const value = valueAt(root, path.slice(0, index + 1));
    at = at.flatMap((each) => inside(each, part)).flatMap((each) => variants(each, value));
  });
  return [...new Set(at.flatMap(keysOf))];
}

/** What a schema is without its wrappers; of a union, the options that the value's own literals do not rule out. */
function variants(schema: Schema, value: unknown): Schema[] {
  const { def } = (schema as z.core.$ZodTypes)._zod; // the union of all kinds, told apart by def.type
  switch (def.type) {
    case "optional":
    case "nullable":
    case "default":
    case "prefault":
    case "catch":
    case "readonly":
    case "nonoptional":
      return variants(def.innerType, value);
    case "pipe":
      return variants(def.in, value);
    case "union": {
      const all = def.options.flatMap((option) => variants(option, value));
      const fitting = all.filter((option) => fits(option, value));
      return fitting.length > 0 ? fitting : all;
    }
    default:
      return [schema];
  }
}

function fits(schema: Schema, value: unknown): boolean {
  const { def } = (schema as z.core.$ZodTypes)._zod; // as above
  if (def.type !== "object") return true;
  return Object.entries(def.shape).every(([key, field]) => {
    const { def: inner } = (field as z.core.$ZodTypes)._zod; // as above
    const written = valueAt(value, [key]);
    return inner.type !== "literal" || written === undefined || inner.values.some((each) => each === written);
  });
}

function inside(schema: Schema, part: string | number): Schema[] {
  const { def } = (schema as z.core.$ZodTypes)._zod; // as above
  if (def.type === "array") return [def.element];
  if (def.type === "record") return [def.valueType];
  const field = def.type === "object" && Object.hasOwn(def.shape, part) ? def.shape[part] : undefined;
  return field ? [field] : [];
}

function keysOf(schema: Schema): string[] {
  const { def } = (schema as z.core.$ZodTypes)._zod; // as above
  if (def.type === "object") return Object.keys(def.shape);
  if (def.type !== "record") return [];
  const { def: key } = (def.keyType as z.core.$ZodTypes)._zod; // as above
  return key.type === "enum" ? Object.values(key.entries).map(String) : [];
}
