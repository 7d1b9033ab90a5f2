import type { CustomValue } from "../ticket.ts";
import type { FieldRule, MappingFile } from "./schema.ts";

/** Canonical fields whose values are the customer's own choice: path in rules → what stands where nothing is mapped. */
const OPEN = { category: "", subcategory: "" } as const;

/** What rules see of a custom field that a ticket's own mapping does not have. */
const ABSENT = { string: "", int: 0, bool: false } as const;

/** Path in rules → all values that these mappings can give it. A path that may have any value is not in it. */
export function givenValues(mappings: readonly MappingFile[]): Map<string, readonly CustomValue[]> {
  const given = new Map<string, readonly CustomValue[]>();
  const add = (path: string, lists: readonly (readonly CustomValue[] | undefined)[]): void => {
    const closed = lists.filter((list) => list !== undefined);
    if (lists.length > 0 && closed.length === lists.length) given.set(path, [...new Set(closed.flat())]);
  };
  for (const [field, empty] of Object.entries(OPEN)) {
    const lists = mappings.map(({ fields }) => {
      const rule = fields[field as keyof typeof OPEN]; // the keys of OPEN
      return rule === undefined ? [empty] : valuesOf(rule);
    });
    add(`ticket.${field}`, lists);
  }
  const own = new Map(mappings.flatMap(({ custom }) => Object.entries(custom)));
  for (const [name, { type }] of own) {
    const lists = mappings.map(({ custom }) => (custom[name] === undefined ? [ABSENT[type]] : valuesOf(custom[name])));
    add(`ticket.custom.${name}`, lists);
  }
  return given;
}

/** Undefined where whatever the vendor has comes through. */
function valuesOf({ values, default: absent }: Pick<FieldRule, "values" | "default">): CustomValue[] | undefined {
  return values && [...Object.values(values), ...(absent === undefined ? [] : [absent])];
}
