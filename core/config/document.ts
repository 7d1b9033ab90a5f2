import {
  type Document,
  isMap,
  isNode,
  isScalar,
  Lexer,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  visit,
  type YAMLError,
} from "yaml";
import type { z } from "zod";
import type { Problem } from "../problem.ts";
import { explainIssue, type Path, shownPath } from "./issue.ts";
import { knownKeys } from "./known-keys.ts";

const FILE_BYTES_MAX = 1_048_576;
const DEPTH_MAX = 64;

/** A YAML file with positions, so that whatever is found wrong later can be shown where it stands. */
export interface YamlFile {
  file: string;
  /** As it stands on the disk. */
  text: string;
  value: unknown;
  /** The problem at `path`, or at the nearest thing that stands in the file: at its key, or so far into its text. */
  problem(path: Path, what: string, fix: string, at?: number | "key"): Problem;
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
  if (tooDeep(text)) {
    return { problems: [{ ...whole, what: `the file is nested more than ${DEPTH_MAX} deep`, fix: "Flatten it" }] };
  }
  const lines = new LineCounter();
  const options = {
    lineCounter: lines,
    uniqueKeys: true,
    stringKeys: true,
    schema: "core",
    prettyErrors: false,
  } as const;
  const document = parseDocument(text, options);
  // What the parser only warns of, such as a tag it does not know, would change a value without a word.
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    return {
      problems: faults.map((error) => ({ file, ...lines.linePos(error.pos[0]), path: "", ...faultOf(error) })),
    };
  }
  const found = forbidden(document, file, lines);
  if (found.length > 0) return { problems: found };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 50 });
  } catch {
    const what = "the file repeats its anchors too often";
    return { problems: [{ ...whole, what, fix: "Write the values out instead of using aliases" }] };
  }
  return {
    file: {
      file,
      text,
      value,
      problem: (path, what, fix, at = 0) => ({
        file,
        ...locate({ text, document, lines }, path, at),
        path: shownPath(path),
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
  const keysAt = (path: Path): string[] => knownKeys(schema, path, yaml.value);
  return {
    // What is shown is what stands in the file: a secret that was filled in stands nowhere.
    problems: result.error.issues.flatMap((issue) =>
      explainIssue(issue, yaml.value, keysAt).map(({ path, what, fix, atKey }) =>
        yaml.problem(path, what, fix, atKey ? "key" : 0),
      ),
    ),
  };
}

interface Source {
  text: string;
  document: Document;
  lines: LineCounter;
}

function locate(source: Source, path: Path, at: number | "key"): { line: number; col: number } {
  for (let length = path.length; length >= 0; length -= 1) {
    const start = nodeStart(source, path.slice(0, length), length === path.length ? at : 0);
    if (start !== undefined) return source.lines.linePos(start);
  }
  return { line: 1, col: 1 };
}

function nodeStart({ text, document }: Source, path: Path, at: number | "key"): number | undefined {
  if (path.length === 0) return document.contents?.range?.[0];
  // A problem with a key's value is shown at the value; one with a mapping's own key (an unknown one) at the key.
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  if (isMap(parent)) {
    const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === last);
    if (!pair) return undefined;
    const value = isNode(pair.value) ? (pair.value as Node) : undefined; // narrowed by isNode: yaml types it unknown
    const start = isScalar(value) && at !== "key" ? placeIn(text, value, at) : undefined;
    const key = isNode(pair.key) ? pair.key.range?.[0] : undefined;
    return start ?? key;
  }
  const node = document.getIn(path, true);
  return isNode(node) ? node.range?.[0] : undefined;
}

/**
 * Where the character at `offset` of a scalar's value stands in the file. The two are walked side by side, since folded
 * lines, indentation and escapes are in the one and not in the other.
 */
function placeIn(text: string, scalar: Scalar, offset: number): number | undefined {
  const [start, end] = scalar.range ?? [];
  if (start === undefined || end === undefined || offset === 0)
    return start === undefined ? start : start + quoteWidth(scalar);
  const value = String(scalar.value);
  const block = scalar.type === "BLOCK_FOLDED" || scalar.type === "BLOCK_LITERAL";
  let at = block ? text.indexOf("\n", start) + 1 : start + quoteWidth(scalar);
  // In a block, what is indented further than its first line belongs to the value.
  const indent = block ? (/^\s*?( *)\S/.exec(text.slice(at, end))?.[1]?.length ?? 0) : end;
  for (let read = 0; read < Math.min(offset, value.length); read += 1) at = after(text, at, value[read] ?? "", indent);
  while (at < end && value[offset] !== undefined && text[at] !== value[offset]) at += 1;
  return Math.min(at, end);
}

/** The place after the next character of a value. A line break goes with the indentation of the line that follows. */
function after(text: string, from: number, character: string, indent: number): number {
  if (character === " " || character === "\n") {
    if (text[from] !== "\n") return from + (text[from] === "\\" ? 2 : 1);
    const spaces = /^ */.exec(text.slice(from + 1))?.[0].length ?? 0;
    return from + 1 + Math.min(spaces, indent);
  }
  const found = text.indexOf(character, from);
  return found < 0 ? from : found + 1;
}

function quoteWidth(node: Scalar): number {
  return node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE" ? 1 : 0;
}

/** Looks at the words of a file before anything walks it recursively: the parser's own stack is not ours to test. */
function tooDeep(text: string): boolean {
  let flow = 0;
  let opened = 0;
  for (const word of new Lexer().lex(text)) {
    if (word === "[" || word === "{") flow += 1;
    else if (word === "]" || word === "}") flow -= 1;
    else if (word === "\n" || word === "\r\n") opened = 0;
    // Outside of brackets, a line opens a collection with every indicator.
    else if (flow === 0 && (word === "-" || word === "?" || word === ":")) opened += 1;
    if (flow > DEPTH_MAX || opened > DEPTH_MAX) return true;
  }
  return false;
}

const FORBIDDEN = new Set(["__proto__", "prototype", "constructor"]);

/** What YAML allows and a configuration does not: keys that JavaScript reserves, aliases of nothing, half characters. */
function forbidden(document: Document, file: string, lines: LineCounter): Problem[] {
  const problems: Problem[] = [];
  const add = (node: Node, path: string, what: string, fix: string): void => {
    problems.push({ file, ...lines.linePos(node.range?.[0] ?? 0), path, what, fix });
  };
  visit(document, {
    Pair(_, pair) {
      const key = isScalar(pair.key) ? String(pair.key.value) : "";
      if (isScalar(pair.key) && FORBIDDEN.has(key))
        add(pair.key, key, `"${key}" is not allowed as a key`, "Choose another name");
    },
    Alias(_, alias) {
      if (!alias.resolve(document)) add(alias, "", "refers to an anchor that is not there", "Put the text in quotes");
    },
    Scalar(_, scalar) {
      if (typeof scalar.value === "string" && !scalar.value.isWellFormed())
        add(scalar, "", "holds half a character", "Write both halves of the \\u pair, or the character itself");
    },
  });
  return problems;
}

const YAML_FAULTS: Readonly<Record<string, { what: string; fix: string }>> = {
  DUPLICATE_KEY: { what: "this key stands here twice", fix: "Remove one of the two keys" },
  TAB_AS_INDENT: { what: "tabs are not allowed as indentation", fix: "Indent with spaces" },
  BAD_DQ_ESCAPE: { what: "this escape is not known", fix: "Use single quotes, or double the backslash" },
  TAG_RESOLVE_FAILED: { what: "a tag (!...) is not allowed here", fix: "Remove it, or put the text in quotes" },
  NON_STRING_KEY: { what: "a key must be a plain text", fix: "Write the key out" },
  MULTIPLE_DOCS: { what: "the file holds several documents", fix: "Remove the line with ---" },
};

/** The parser's own words where they quote nothing: what stands in the file may be a secret. */
function faultOf(error: YAMLError): { what: string; fix: string } {
  const known = YAML_FAULTS[error.code];
  if (known) return known;
  const words = (error.message.split("\n")[0] ?? "").replace(/(?<=\w): .*$|(?<!closing) ".*$/, "");
  return { what: `not valid YAML: ${words}`, fix: "Check the indentation and quotes at this place" };
}
