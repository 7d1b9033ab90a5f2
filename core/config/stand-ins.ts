import type { Path } from "./issue.ts";

/** A rule that does nothing, for `salvage`. */
export function ruleStandIn(path: Path): unknown {
  const [group, index, key] = placeOf(path);
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  const rule = { id: `without-a-name-${index}`, why: "unknown", when: "true", then: { leave: true } };
  const parts: Readonly<Record<string, unknown>> = rule;
  if (group === "default") {
    const { when: _, ...fallback } = rule;
    return path.length === 1 ? fallback : path.length === 2 ? parts[key] : undefined;
  }
  if (group !== "rules") return undefined;
  if (path.length === 1) return [];
  return path.length === 2 ? rule : path.length === 3 ? parts[key] : undefined;
}

function placeOf(path: Path): [string, string, string] {
  const [group = "", second = "", third = ""] = path.map(String);
  return group === "default" ? [group, "default", second] : [group, second, third];
}

const REQUIRED: Readonly<Record<string, unknown>> = {
  title: { default: "" },
  status: { default: "new" },
  priority: { default: 3 },
  createdAt: { default: "" },
  updatedAt: { default: "" },
};

/** What every mapping must have, for `salvage`. */
export function mappingStandIn(path: Path): unknown {
  const [group, key] = path.map(String);
  if (path.length === 1) {
    if (group === "vendor") return "servicenow";
    if (group === "kind") return "incident";
    return group === "fields" ? { ...REQUIRED } : undefined;
  }
  return path.length === 2 && group === "fields" ? REQUIRED[key ?? ""] : undefined;
}
