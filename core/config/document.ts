import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from "yaml";
import type { z } from "zod";
import type { Problem } from "../problem.ts";
import { explainIssue, type Path } from "./issue.ts";

const FILE_BYTES_MAX = 1_048_576;

/** A YAML file with positions, so that whatever is found wrong later can be shown where it stands. */
export interface YamlFile {
  file: string;
  value: unknown;
  /** The problem at `path`, or at the nearest thing that stands in the file. */
  problem(path: Path, what: string, fix: string, offset?: number): Problem;
}

/**
 * Parses one YAML file (core schema, unique keys, few aliases, 1 MiB at the most). Returns what is wrong with it as
 * problems instead of throwing.
 */
export function parseYaml(file: string, text: string): { file: YamlFile } | { problems: Problem[] } {
  const whole = { file, line: 0, col: 0, path: "" };
  if (Buffer.byteLength(text) > FILE_BYTES_MAX) {
    return { problems: [{ ...whole, what: "the file is larger than 1 MiB", fix: "Split it into several files" }] };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, schema: "core", prettyErrors: false });
  if (document.errors.length > 0) {
    return {
      problems: document.errors.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        return {
          file,
          line,
          col,
          path: "",
          what: `not valid YAML: ${firstLine(error.message)}`,
          fix: yamlFix(error.code),
        };
      }),
    };
  }
  const keyProblems = forbiddenKeys(document, file, lines);
  if (keyProblems.length > 0) return { problems: keyProblems };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 50 });
  } catch {
    return {
      problems: [
        {
          ...whole,
          what: "the file repeats its anchors too often",
          fix: "Write the values out instead of using aliases",
        },
      ],
    };
  }
  return {
    file: {
      file,
      value,
      problem: (path, what, fix, offset = 0) => ({
        file,
        ...locate(document, lines, path, offset),
        path: pathText(path),
        what,
        fix,
      }),
    },
  };
}

/** Checks a parsed file against a schema and turns every finding into a problem with its place in the file. */
export function checkAgainst<T>(
  yaml: YamlFile,
  schema: z.ZodType<T>,
  value: unknown = yaml.value,
): { value: T } | { problems: Problem[] } {
  const result = schema.safeParse(value ?? {});
  if (result.success) return { value: result.data };
  return {
    problems: result.error.issues.flatMap((issue) =>
      explainIssue(issue, value).map(({ path, what, fix }) => yaml.problem(path, what, fix)),
    ),
  };
}

function locate(document: Document, lines: LineCounter, path: Path, offset: number): { line: number; col: number } {
  for (let length = path.length; length >= 0; length -= 1) {
    const at = nodeStart(document, path.slice(0, length), length === path.length ? offset : 0);
    if (at !== undefined) return lines.linePos(at);
  }
  return { line: 1, col: 1 };
}

function nodeStart(document: Document, path: Path, offset: number): number | undefined {
  if (path.length === 0) return document.contents?.range?.[0];
  // A problem with a key's value is shown at the value; one with a mapping's own key (an unknown one) at the key.
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  if (isMap(parent)) {
    const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === last);
    if (!pair) return undefined;
    const value = isNode(pair.value) ? (pair.value as Node) : undefined; // narrowed by isNode: yaml types it unknown
    const start = isScalar(value) && value.range ? value.range[0] + quoteWidth(value) + offset : undefined;
    const key = isNode(pair.key) ? pair.key.range?.[0] : undefined;
    return start ?? key;
  }
  const node = document.getIn(path, true);
  return isNode(node) ? node.range?.[0] : undefined;
}

/** A quoted scalar's text starts one character in; a block scalar's on the next line, where columns are not known. */
function quoteWidth(node: Node): number {
  if (!isScalar(node)) return 0;
  return node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE" ? 1 : 0;
}

const FORBIDDEN = new Set(["__proto__", "prototype", "constructor"]);

function forbiddenKeys(document: Document, file: string, lines: LineCounter): Problem[] {
  const problems: Problem[] = [];
  visit(document, {
    Pair(_, pair) {
      if (!isPair(pair) || !isScalar(pair.key) || isAlias(pair.key)) return;
      const key = String(pair.key.value);
      if (!FORBIDDEN.has(key)) return;
      const { line, col } = lines.linePos(pair.key.range?.[0] ?? 0);
      problems.push({
        file,
        line,
        col,
        path: key,
        what: `"${key}" is not allowed as a key`,
        fix: "Choose another name",
      });
    },
  });
  return problems;
}

function yamlFix(code: string): string {
  if (code === "DUPLICATE_KEY") return "Remove one of the two keys";
  if (code === "TAB_AS_INDENT") return "Indent with spaces";
  return "Check the indentation and quotes at this place";
}

function pathText(path: Path): string {
  return path.map(String).join(".");
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? text;
}
