import { convert, type HtmlToTextOptions } from "html-to-text";
import type { Tally } from "./clean.ts";

/**
 * The words of a text that may be HTML, Jira wiki markup or Markdown. Links become their text, pictures and what a
 * browser would not show are dropped, addresses lose their query. Every pattern is bounded, so time grows with length.
 */
export function withoutMarkup(text: string, tally: Tally): string {
  return shortAddresses(withoutWiki(withoutHtml(text.replace(CODE_TAG, ""), tally), tally), tally);
}

/** ServiceNow renders what stands between these as HTML. */
const CODE_TAG = /\[\/?code\]/gi;

/** Elements that people use in mails and editors. `<server01>` and `<name@example.com>` are none, and stay. */
const ELEMENTS = [
  "a|abbr|acronym|address|article|aside|b|big|blockquote|body|br|caption|center|cite|code|dd|del|details|dfn|dir|div|dl|dt|em",
  "fieldset|figcaption|figure|font|footer|h[1-6]|head|header|hr|html|i|img|ins|kbd|legend|li|main|mark|nav|o:p|ol|p|pre|q|s|samp",
  "section|small|span|strike|strong|sub|summary|sup|table|tbody|td|tfoot|th|thead|tr|tt|u|ul|var|wbr|script|style",
].join("|");
/** Elements that say nothing themselves; only their tags are dropped. */
const EMPTY_ELEMENTS =
  "audio|base|button|canvas|col|colgroup|embed|form|iframe|input|label|link|map|meta|noscript|object|param|svg|template|video";

/** A tag of one of these, the start of a comment, or a mere `<`. */
const LESS_THAN = new RegExp(`<(?:(/?)(${ELEMENTS}|${EMPTY_ELEMENTS})((?:[\\s/][^<>]{0,4000})?)>|!--|)`, "gi");
const EMPTY = new RegExp(`^(?:${EMPTY_ELEMENTS})$`, "i");
/** What a browser does not parse, up to the closing tag. */
const RAW = /^(?:script|style)$/i;

const RAW_CLOSE = /<\/(script|style)(?:[\s/][^<>]{0,4000})?>/gi;
/** Without an end of their own, so that nothing is nested in them. */
const VOID = /^(?:br|hr|img|wbr)$/i;
/** Deeper tags are dropped and their text is kept: the library would drop both. */
const NESTING_MAX = 200;

const CELL = "cell";
const HTML_OPTIONS: HtmlToTextOptions = {
  wordwrap: false,
  preserveNewlines: true,
  // Without U+200B, which would become a space inside of a word.
  whitespaceCharacters: " \t\r\n\f",
  limits: { maxInputLength: 1_000_000, maxDepth: NESTING_MAX + 10, ellipsis: "" },
  formatters: {
    [CELL]: (element, walk, builder) => {
      walk(element.children, builder);
      builder.addInline(" ");
    },
  },
  selectors: [
    ...["[hidden]", "img"].map((selector) => ({ selector, format: "skip" })),
    ...["h1", "h2", "h3", "h4", "h5", "h6"].map((selector) => ({ selector, options: { uppercase: false } })),
    ...["td", "th"].map((selector) => ({ selector, format: CELL })),
    { selector: "hr", format: "lineBreak" },
    { selector: "blockquote", format: "block" },
  ],
};

/**
 * Tags are written anew before the library reads them, without their attributes: an unclosed quote or comment would
 * swallow the rest of the ticket.
 */
function withoutHtml(text: string, tally: Tally): string {
  const lastComment = text.lastIndexOf("-->");
  const lastRaw = new Map([...text.matchAll(RAW_CLOSE)].map(({ 1: name = "", index }) => [name.toLowerCase(), index]));
  let isHtml = false;
  let depth = 0;
  const rewritten = text.replace(LESS_THAN, (found: string, slash = "", written = "", attributes = "", at = 0) => {
    const name = written.toLowerCase();
    const isComment = found === "<!--" && at < lastComment;
    const isTag = name !== "" && (!RAW.test(name) || at <= (lastRaw.get(name) ?? -1));
    if (!isComment && !isTag) return `&lt;${found.slice(1)}`;
    isHtml = true;
    if (isComment) tally.add("comment");
    if (isComment || EMPTY.test(name)) return isComment ? found : "";
    if (slash === "") tally.add(name === "img" ? "image" : name === "a" ? "link" : "markup");
    const nests = !VOID.test(name) && !RAW.test(name);
    if (nests) depth = Math.max(0, depth + (slash === "" ? 1 : -1));
    const tooDeep = nests && depth + (slash === "" ? 0 : 1) > NESTING_MAX;
    return tooDeep ? "" : `<${slash}${name}${slash === "" ? hiding(attributes, tally) : ""}>`;
  });
  return isHtml ? convert(rewritten, HTML_OPTIONS) : text;
}

function hiding(attributes: string, tally: Tally): string {
  if (!HIDES.test(attributes.replace(/\s+/g, " "))) return "";
  tally.add("hidden");
  return " hidden";
}

const HIDES =
  /(?:^| )hidden(?: |=|\/|$)|style ?=.{0,1000}?(?:display ?: ?none|visibility ?: ?hidden|(?:font-size|opacity) ?: ?0(?:\.0+)?(?:[a-z%]+)? ?(?:[;"'!]|$))/i;

/** Bounded, and none can begin inside what it skips: each letter is looked at a limited number of times. */
const WIKI: readonly { find: RegExp; leave: string; kind: "comment" | "image" | "link" | "markup" }[] = [
  // A Markdown link's target that stands by itself is never shown.
  { find: /^ {0,3}\[[^\]\n]{1,100}\]: {1,3}\S{1,2000}.{0,300}$/gm, leave: "", kind: "comment" },
  { find: /!\[[^[\]\n]{0,300}\]\([^()\n]{0,2000}\)/g, leave: "", kind: "image" },
  { find: /!([^\s!|]{1,200}\.(?:png|jpe?g|gif|svg|bmp|webp))(?:\|[^!\n]{0,200})?!/gi, leave: "", kind: "image" },
  { find: /\[\^[^[\]\n]{1,300}\]/g, leave: "", kind: "image" },
  { find: /\[([^[\]\n]{1,300})\]\([^()\n]{0,2000}\)/g, leave: "$1", kind: "link" },
  { find: /\[~[^[\]\n]{1,200}\]/g, leave: "(a person)", kind: "link" },
  { find: /\[([^[\]|\n]{1,300})\|[^[\]\n]{1,2000}\]/g, leave: "$1", kind: "link" },
  {
    find: /\{(?:code|noformat|quote|panel|color|anchor|expand|info|warning|note|tip|section|column)(?::[^{}\n]{0,300})?\}/gi,
    leave: "",
    kind: "markup",
  },
  { find: /^```[^\n]{0,100}$/gm, leave: "", kind: "markup" },
  { find: /^(?:#{1,6}|h[1-6]\.) {1,3}/gm, leave: "", kind: "markup" },
  { find: /\*\*|~~/g, leave: "", kind: "markup" },
];

function withoutWiki(text: string, tally: Tally): string {
  return WIKI.reduce(
    (left, { find, leave, kind }) =>
      left.replace(find, (_found, inner: unknown) => {
        tally.add(kind);
        return leave === "$1" ? String(inner) : leave;
      }),
    text,
  );
}

const DATA_ADDRESS = /\bdata:[a-z0-9.+-]{1,40}\/[a-z0-9.+-]{1,60}[;,][^\s"'<>)]{0,90000}/gi;
const ADDRESS = /\b(?:[a-z][a-z0-9+.-]{1,20}:\/\/|www\.)[^\s<>"']{1,4000}/gi;

/** Addresses keep host and path. What follows `?` or `#`, and a login before the host, is for machines. */
function shortAddresses(text: string, tally: Tally): string {
  const withoutData = text.replace(DATA_ADDRESS, () => {
    tally.add("blob");
    return "";
  });
  return withoutData.replace(ADDRESS, (address) => {
    const short = address.replace(/[?#].*$/, "").replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, "$1");
    if (short !== address) tally.add("query");
    return short;
  });
}
