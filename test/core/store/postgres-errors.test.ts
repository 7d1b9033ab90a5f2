import { createServer } from "node:net";
import { expect } from "chai";
import pg from "pg";
import { openPostgres } from "../../../core/store/postgres.ts";
import { rejection } from "../../contract/store-rig.ts";
import { freePort } from "../../support/server-process.ts";

function state(code: string): Error {
  return Object.assign(new pg.DatabaseError("told by the server", 1, "error"), { code });
}

function coded(code: string): Error {
  return Object.assign(new Error("told by the system"), { code });
}

describe("What PostgreSQL being unavailable means", () => {
  const driver = openPostgres("postgres://interlock@127.0.0.1:9/none");
  after(() => driver.close());

  const UNAVAILABLE: [string, Error][] = [
    ...["08006", "53300", "57P01", "57P03", "57014", "40001", "40P01", "25006", "55P03", "58030"].map(
      (code): [string, Error] => [`SQLSTATE ${code}`, state(code)],
    ),
    ...["ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EPIPE", "EHOSTUNREACH", "ENOTFOUND", "EAI_AGAIN", "EMFILE"].map(
      (code): [string, Error] => [code, coded(code)],
    ),
    ["a lost connection", new Error("Connection terminated unexpectedly")],
    ["the pool's time-out", new Error("timeout exceeded when trying to connect")],
    ["a late connection", new Error("Connection terminated due to connection timeout")],
    ["a connection that broke before", new Error("Client has encountered a connection error and is not queryable")],
  ];
  for (const [name, error] of UNAVAILABLE) {
    it(`${name} means it`, () => expect(driver.isUnavailable(error)).to.equal(true));
  }

  const OURS: [string, unknown][] = [
    ...["42601", "42P01", "23505", "22P02", "25P02", "28P01", "3D000"].map((code): [string, Error] => [
      `SQLSTATE ${code}`,
      state(code),
    ]),
    ["a plain error of our own", new Error("a migration is missing")],
    ["an assertion", coded("ERR_ASSERTION")],
    ["a file that may not be read", coded("EACCES")],
    ["a type error", new TypeError("x is not a function")],
    ["something that is no error", "Connection terminated"],
  ];
  for (const [name, error] of OURS) {
    it(`${name} does not`, () => expect(driver.isUnavailable(error)).to.equal(false));
  }

  it("holds for what the driver throws where nobody listens, and where a connection is cut at once", async () => {
    const cutting = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => cutting.listen(0, "127.0.0.1", resolve));
    const address = cutting.address();
    const cutPort = address !== null && typeof address === "object" ? address.port : 0;
    for (const port of [await freePort(), cutPort]) {
      const other = openPostgres(`postgres://interlock@127.0.0.1:${port}/none`);
      const error = await rejection(other.nowMs(other.db));
      expect(other.isUnavailable(error), String(error)).to.equal(true);
      await other.close();
    }
    await new Promise((resolve) => cutting.close(resolve));
  });
});
