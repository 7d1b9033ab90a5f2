import type { Path } from "./issue.ts";

/** Where secrets come from; injected, so the core touches neither the environment nor the file system. */
export interface SecretSource {
  /** The value of an environment variable, or undefined. */
  variable(name: string): string | undefined;
  /** The trimmed content of a file, or undefined when it cannot be read. */
  file(path: string): string | undefined;
}

export interface MissingSecret {
  path: Path;
  reference: string;
}

const REFERENCE = /\$\{(file:[^}]+|[A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Whether a text refers to a secret instead of holding one. */
export function hasReference(text: string): boolean {
  return text.search(REFERENCE) >= 0;
}

/**
 * Replaces `${NAME}` and `${file:/path}` in every text of a parsed document. A reference that cannot be resolved is
 * listed and left in place.
 */
export function interpolate(value: unknown, source: SecretSource): { value: unknown; missing: MissingSecret[] } {
  const missing: MissingSecret[] = [];
  return { value: walk(value, [], source, missing), missing };
}

function walk(value: unknown, path: Path, source: SecretSource, missing: MissingSecret[]): unknown {
  if (typeof value === "string") return replace(value, path, source, missing);
  if (Array.isArray(value)) return value.map((item, index) => walk(item, [...path, index], source, missing));
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, walk(item, [...path, key], source, missing)]),
    );
  }
  return value;
}

function replace(text: string, path: Path, source: SecretSource, missing: MissingSecret[]): string {
  return text.replace(REFERENCE, (whole, reference: string) => {
    const found = reference.startsWith("file:") ? source.file(reference.slice(5)) : source.variable(reference);
    if (found === undefined || found === "") {
      missing.push({ path, reference });
      return whole;
    }
    return found;
  });
}
