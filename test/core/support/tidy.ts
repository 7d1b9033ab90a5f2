import ts from "typescript";

export const FUNCTION_LINES_MAX = 70;
export const FILE_LINES_MAX = 300;

/** What a rule of this house forbids, each with what to use instead. A name with a dot is one reached through its owner. */
const BANNED_IN_CORE: Readonly<Record<string, string>> = {
  "Date.now": "the Clock that is passed in",
  "Math.random": "the Rng that is passed in",
  "performance.now": "the Clock that is passed in",
  "process.env": "what the command line passes in",
  setTimeout: "Clock.sleep",
  setInterval: "Clock.sleep",
  console: "the Log that is passed in",
  fetch: "a port that a connector stands behind",
};

export interface TidyOptions {
  /** Whether the house rules of core/ hold for the file. */
  core: boolean;
}

/** What is untidy in one source text, as `file:line: what`. */
export function tidy(file: string, text: string, { core }: TidyOptions): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);
  const lineOf = (at: number): number => source.getLineAndCharacterOfPosition(at).line + 1;
  const found: { line: number; what: string }[] = [];
  const add = (node: ts.Node, what: string): number => found.push({ line: lineOf(node.getStart(source)), what });
  const visit = (node: ts.Node): void => {
    const lines = lineOf(node.end) - lineOf(node.getStart(source)) + 1;
    if (ts.isFunctionLike(node) && "body" in node && node.body && lines > FUNCTION_LINES_MAX)
      add(node, `a function of ${lines} lines; ${FUNCTION_LINES_MAX} are allowed`);
    if (node.kind === ts.SyntaxKind.AnyKeyword) add(node, "any is not a type here: say what it is, or unknown");
    if (ts.isNonNullExpression(node) || (ts.isPropertyDeclaration(node) && node.exclamationToken))
      add(node, "! hides an absence: handle it");
    const banned = core ? bannedName(node) : undefined;
    if (banned !== undefined) add(node, `${banned} is banned in core: use ${BANNED_IN_CORE[banned] ?? "an argument"}`);
    ts.forEachChild(node, visit);
  };
  visit(source);
  const length = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  if (length > FILE_LINES_MAX)
    found.push({ line: 1, what: `a file of ${length} lines; ${FILE_LINES_MAX} are allowed` });
  for (const [index, line] of text.split("\n").entries()) {
    const ignore = /biome-ignore[a-z-]*\s*([^:]*)(?::\s*(.*))?$/.exec(line);
    if (ignore && (ignore[2] ?? "").replace(/\*\/.*$/, "").trim().length < 10)
      found.push({ line: index + 1, what: "a biome-ignore without a reason" });
  }
  return found.sort((a, b) => a.line - b.line).map(({ line, what }) => `${file}:${line}: ${what}`);
}

/** The banned thing that a node uses, if it does. A declaration or a property of the same name is no use of it. */
function bannedName(node: ts.Node): string | undefined {
  if (ts.isNewExpression(node) && node.expression.getText() === "Date" && (node.arguments?.length ?? 0) === 0)
    return "Date.now";
  if (ts.isCallExpression(node) && node.expression.getText() === "Date") return "Date.now";
  const member = memberOf(node);
  if (member !== undefined) return Object.hasOwn(BANNED_IN_CORE, member) ? member : undefined;
  if (!ts.isIdentifier(node) || !Object.hasOwn(BANNED_IN_CORE, node.text)) return undefined;
  return isOwnName(node) ? undefined : node.text;
}

/** `owner.name` of a member that is read, by a dot or by a text in brackets, through globalThis or not. */
function memberOf(node: ts.Node): string | undefined {
  const owner = (of: ts.Expression): string => of.getText().replace(/^globalThis\??\./, "");
  if (ts.isPropertyAccessExpression(node)) {
    const at = owner(node.expression);
    return at === "globalThis" ? node.name.text : `${at}.${node.name.text}`;
  }
  if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression))
    return `${owner(node.expression)}.${node.argumentExpression.text}`;
  if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name) && node.initializer) {
    // `const { now } = Date` is a use of Date.now as well.
    const from = owner(node.initializer);
    const names = node.name.elements.map((element) => `${from}.${(element.propertyName ?? element.name).getText()}`);
    return names.find((name) => Object.hasOwn(BANNED_IN_CORE, name));
  }
  return undefined;
}

function isOwnName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  return (
    (ts.isPropertyAssignment(parent) && parent.name === node) ||
    (ts.isPropertySignature(parent) && parent.name === node) ||
    (ts.isMethodDeclaration(parent) && parent.name === node) ||
    (ts.isMethodSignature(parent) && parent.name === node) ||
    (ts.isPropertyDeclaration(parent) && parent.name === node)
  );
}
