/** Looks for planted words in every byte of what stands at rest, in whichever form they may have got there. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Less would be found by chance. */
const LENGTH_MIN = 8;
const FILES_MAX = 2_000;

/** A word as it may stand in a file: plain, in wide characters, escaped, in hexadecimal, in base64. All in small letters. */
export function formsOf(word: string): string[] {
  if (!/^[ -~]+$/.test(word) || word.length < LENGTH_MIN)
    throw new Error(`"${word}" is no canary: it takes ${LENGTH_MIN} characters of ASCII`);
  const bytes = Buffer.from(word, "utf8");
  const wide = Buffer.from(word, "utf16le");
  const escaped = [...word].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
  const forms = [
    ...[word, JSON.stringify(word).slice(1, -1), encodeURIComponent(word), escaped],
    ...[bytes, wide].flatMap((each) => [each.toString("latin1"), each.toString("hex"), ...inBase64(each)]),
  ];
  return [...new Set(forms.map((form) => form.toLowerCase()))];
}

/** In base64 a word looks otherwise at each of three places; what its neighbours have a part in is left out. */
function inBase64(bytes: Buffer): string[] {
  return [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]);
    const [from, to] = [before === 0 ? 0 : 4, Math.floor(whole.length / 3) * 4];
    return whole.toString("base64").slice(from, to);
  });
}

/** Everything that is looked through: name → its bytes, one character each. */
export type AtRest = ReadonlyMap<string, string>;

/** Every file below a folder; of databases, each value as well, since a page may cut a word in two. */
export function filesBelow(folder: string): AtRest {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  if (names.length > FILES_MAX) throw new Error(`${folder} has ${names.length} files; ${FILES_MAX} are looked through`);
  const paths = names.map((name) => join(folder, name)).filter((each) => statSync(each).isFile());
  const bytes = paths.map((path) => [relative(folder, path), readFileSync(path, "latin1")] as const);
  // Only then: whoever opens a database may tidy up the files beside it.
  const databases = paths.filter((path) => path.endsWith(".db"));
  const values = databases.map((path) => [`${relative(folder, path)} by its values`, valuesOf(path)] as const);
  return new Map([...bytes, ...values]);
}

function valuesOf(path: string): string {
  const db = new DatabaseSync(path);
  const tables = db.prepare("select name from sqlite_master where type = 'table'").all();
  const rows = tables.flatMap(({ name }) => db.prepare(`select * from "${String(name)}"`).all());
  db.close();
  const values = rows.flatMap((row) => Object.values(row));
  return values
    .map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : String(value)))
    .join("\n");
}

/** `<word> in <name>` for each word that stands somewhere. */
export function tracesOf(words: readonly string[], atRest: AtRest): string[] {
  const forms = words.map((word) => [word, formsOf(word)] as const);
  return [...atRest].flatMap(([name, bytes]) => {
    const text = bytes.toLowerCase();
    return forms.filter(([, each]) => each.some((form) => text.includes(form))).map(([word]) => `${word} in ${name}`);
  });
}
