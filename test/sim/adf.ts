/** Atlassian Document Format: as much as Jira's v3 endpoints demand, and the way to plain text and back. */

// Types rather than interfaces: clients take documents as open records, which interfaces do not satisfy.
export type AdfNode = {
  type: string;
  text?: string;
  content?: AdfNode[];
  attrs?: Record<string, unknown>;
  marks?: unknown[];
};

export type AdfDocument = {
  type: "doc";
  version: number;
  content: AdfNode[];
};

/** Paragraphs apart by blank lines; a single newline inside one is a hard break. */
export function adfFromText(text: string): AdfDocument {
  const content = text.split(/\n{2,}/).map((paragraph): AdfNode => {
    const nodes: AdfNode[] = [];
    paragraph.split("\n").forEach((line, index) => {
      if (index > 0) nodes.push({ type: "hardBreak" });
      if (line !== "") nodes.push({ type: "text", text: line });
    });
    return { type: "paragraph", content: nodes };
  });
  return { type: "doc", version: 1, content };
}

/** Is this a document the v3 API takes? An empty text node is refused, as the vendor does. */
export function isAdf(value: unknown): value is AdfDocument {
  if (!isNode(value) || value.type !== "doc") return false;
  return "version" in value && value.version === 1 && Array.isArray(value.content);
}

function isNode(value: unknown): value is AdfNode {
  if (typeof value !== "object" || value === null || !("type" in value) || typeof value.type !== "string") return false;
  if (value.type === "text" && !("text" in value && typeof value.text === "string" && value.text !== "")) return false;
  if (!("content" in value)) return true;
  return Array.isArray(value.content) && value.content.every(isNode);
}

const BLOCKS = new Set(["paragraph", "heading", "codeBlock", "listItem", "blockquote", "panel", "tableRow", "rule"]);

/** The words of a document; blocks on lines of their own. What has no words (media, tables' frames) leaves none. */
export function adfToText(node: AdfNode): string {
  return collect(node)
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}

function collect(node: AdfNode): string {
  if (node.type === "text") return node.text ?? "";
  if (node.type === "hardBreak") return "\n";
  const inner = (node.content ?? []).map(collect).join("");
  return BLOCKS.has(node.type) ? `${inner}\n${node.type === "paragraph" ? "\n" : ""}` : inner;
}
