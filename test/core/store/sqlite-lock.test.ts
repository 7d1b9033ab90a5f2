import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type Holder, lockFile } from "../../../core/store/sqlite-lock.ts";

const FIRST: Holder = { pid: 1, host: "here", since: "2030-01-01T00:00:00.000Z" };
const SECOND: Holder = { ...FIRST, pid: 2 };

describe("The lock of an SQLite store", () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "interlock-lock-"));
    mkdirSync(join(folder, "data"));
    file = join(folder, "data", "interlock.db");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Another way to the same file. */
  const WAYS: [string, () => string][] = [
    ["the same path", () => file],
    [
      "a link to the file",
      () => {
        symlinkSync(file, join(folder, "other.db"));
        return join(folder, "other.db");
      },
    ],
    [
      "a relative link to a link to the file",
      () => {
        symlinkSync("data/interlock.db", join(folder, "other.db"));
        symlinkSync("other.db", join(folder, "third.db"));
        return join(folder, "third.db");
      },
    ],
    [
      "a link to the folder",
      () => {
        symlinkSync(join(folder, "data"), join(folder, "elsewhere"));
        return join(folder, "elsewhere", "interlock.db");
      },
    ],
  ];
  for (const [name, way] of WAYS) {
    for (const made of [true, false]) {
      it(`holds for ${name} too, where the file is ${made ? "there" : "not there yet"}`, () => {
        if (made) writeFileSync(file, "");
        const other = way();
        for (const [one, two] of [
          [file, other],
          [other, file],
        ] as const) {
          const taken = lockFile(one, FIRST);
          expect(lockFile(two, SECOND)).to.deep.equal({ heldBy: FIRST });
          if ("lock" in taken) taken.lock.release();
        }
        const free = lockFile(other, SECOND);
        expect(free).to.have.property("lock");
        if ("lock" in free) free.lock.release();
      });
    }
  }

  it("of another file is another lock", () => {
    const locks = [lockFile(file, FIRST), lockFile(join(folder, "interlock.db"), SECOND)];
    for (const taken of locks) {
      expect(taken).to.have.property("lock");
      if ("lock" in taken) taken.lock.release();
    }
  });
});
