/** A text block ends a line; everything else in Atlassian Document Format runs on. */
const BLOCKS = new Set([
  "paragraph",
  "heading",
  "codeBlock",
  "blockquote",
  "listItem",
  "rule",
  "panel",
  "tableRow",
  "taskItem",
  "decisionItem",
  "mediaSingle",
  "expand",
]);
const DEPTH_MAX = 40;

export interface AdfNode {
  type: string;
  text?: string;
  attrs?: Record<string, unknown>;
  content?: AdfNode[];
}

export interface AdfDocument extends AdfNode {
  type: "doc";
  version: 1;
  content: AdfNode[];
}

/** Plain text of an ADF document, a line per block. Unknown nodes give their text; deeper than 40 is cut. */
export function adfToText(document: unknown): string {
  const lines: string[] = [""];
  walk(document, 0, lines);
  return lines
    .join("\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}

function walk(node: unknown, depth: number, lines: string[]): void {
  if (node === null || typeof node !== "object" || depth > DEPTH_MAX) return;
  const { type, text, attrs, content } = node as Partial<AdfNode>; // every field is checked before it is used
  const append = (part: string): void => {
    lines[lines.length - 1] = `${lines.at(-1) ?? ""}${part}`;
  };
  if (type === "text" && typeof text === "string") append(text);
  else if (type === "hardBreak") lines.push("");
  else if (type === "mention" || type === "emoji" || type === "status" || type === "date") append(attributeText(attrs));
  else if (type === "inlineCard" && typeof attrs?.["url"] === "string") append(attrs["url"]);
  if (Array.isArray(content)) for (const child of content) walk(child, depth + 1, lines);
  if (typeof type === "string" && BLOCKS.has(type) && lines.at(-1) !== "") lines.push("");
}

function attributeText(attrs: Record<string, unknown> | undefined): string {
  const value = attrs?.["text"] ?? attrs?.["shortName"] ?? attrs?.["timestamp"];
  return typeof value === "string" ? value : "";
}

/** An ADF document of plain text: a paragraph per block of lines, with hard breaks inside. Empty text nodes are invalid in ADF. */
export function textToAdf(text: string): AdfDocument {
  const blocks = text.split(/\n{2,}/).filter((block) => block.trim() !== "");
  const content = blocks.map((block): AdfNode => ({ type: "paragraph", content: linesOf(block) }));
  return { type: "doc", version: 1, content };
}

function linesOf(block: string): AdfNode[] {
  const lines = block.split("\n").filter((line) => line !== "");
  return lines.flatMap((line, index): AdfNode[] => [
    ...(index > 0 ? [{ type: "hardBreak" }] : []),
    { type: "text", text: line },
  ]);
}
