import { createServer } from "node:http";
import { connect } from "node:net";
import { expect } from "chai";
import { PrivateAddressError, publicLookup, type Resolve, refusePrivateHost } from "../../connectors/address.ts";
import { listening } from "./open.ts";

/** A name server that knows one answer. */
const knows = (...addresses: string[]): Resolve => {
  const family = (address: string) => (address.includes(":") ? 6 : 4);
  const all = addresses.map((address) => ({ address, family: family(address) }));
  return (_hostname, { all: every }, callback) =>
    every ? callback(null, all) : callback(null, addresses[0] ?? "", family(addresses[0] ?? ""));
};

const lookUp = (resolve: Resolve, all: boolean): Promise<unknown> =>
  new Promise((done) => publicLookup(resolve)("jira.example", { all }, (error, found) => done(error ?? found)));

describe("The address that a connection leads to", () => {
  const PRIVATE = ["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.1.1", "::1", "fe80::1%eth0", "fd00::1"];
  for (const address of [...PRIVATE, "::ffff:10.0.0.1", "::ffff:7f00:1"]) {
    it(`is refused after the look-up where it is ${address}, also among public ones`, async () => {
      expect(await lookUp(knows(address), false)).to.be.instanceOf(PrivateAddressError);
      expect(await lookUp(knows("93.184.216.34", address), true)).to.be.instanceOf(PrivateAddressError);
    });
  }

  it("is taken as it was found where it is public", async () => {
    expect(await lookUp(knows("93.184.216.34"), false)).to.equal("93.184.216.34");
    expect(await lookUp(knows("93.184.216.34", "2606:2800::1"), true)).to.have.length(2);
  });

  it("is not invented where a name is not known", async () => {
    const unknown: Resolve = (_hostname, _options, callback) =>
      callback(Object.assign(new Error("no such name"), { code: "ENOTFOUND" }), "");
    expect(await lookUp(unknown, true)).to.have.property("code", "ENOTFOUND");
  });

  it("is checked in the connect step of a socket, before a byte is sent", async () => {
    let visits = 0;
    const inside = createServer().on("connection", () => {
      visits += 1;
    });
    const port = Number(new URL(await listening(inside)).port);
    const socket = connect({ host: "jira.example", port, lookup: publicLookup(knows("127.0.0.1")) });
    const error = await new Promise((done) => socket.once("error", done));
    inside.close();
    expect(error).to.have.property("code", "EPRIVATEADDRESS");
    expect(visits).to.equal(0);
  });

  it("is refused as it is written where nothing is looked up", () => {
    for (const host of ["127.0.0.1", "[::1]", "localhost", "10.0.0.7"])
      expect(() => refusePrivateHost(host), host).to.throw(PrivateAddressError);
    expect(() => refusePrivateHost("acme.atlassian.net")).to.not.throw();
  });
});
