import { expect } from "chai";
import { isPrivateHost } from "../../../core/config/private-host.ts";
import { edited, problemsOf, SETTINGS, SOUND } from "../support/config-files.ts";

const PUBLIC_URL = "https://acme.service-now.com";

const PRIVATE = [
  "localhost",
  "LOCALHOST.",
  "snow.localhost",
  "127.0.0.1",
  "127.1",
  "0x7f000001",
  "2130706433",
  "0",
  "10.0.0.7",
  "100.64.0.1",
  "169.254.169.254",
  "172.31.255.255",
  "192.168.1.1",
  "[::]",
  "[::1]",
  "[::ffff:127.0.0.1]",
  "[::ffff:a00:1]",
  "[64:ff9b::a00:1]",
  "[2002:7f00:1::]",
  "[fd12:3456::1]",
  "[fe80::1]",
];

const PUBLIC = [
  "acme.service-now.com",
  "localhost.example.com",
  "10.example.com",
  "8.8.8.8",
  "172.32.0.1",
  "[2606:4700::1111]",
  "[::ffff:8.8.8.8]",
];

const withUrl = (url: string) => problemsOf(edited(SOUND, SETTINGS, PUBLIC_URL, url));

describe("the host of a baseUrl", () => {
  for (const host of PRIVATE) {
    it(`${host} is private, with https too`, () => {
      expect(isPrivateHost(new URL(`https://${host}`).hostname)).to.equal(true);
      expect(withUrl(`"https://${host}"`).map(({ path, what }) => [path, what])).to.deep.equal([
        ["connections.snow.baseUrl", "points into this machine or a private network"],
      ]);
    });
  }

  for (const host of PUBLIC) {
    it(`${host} is public`, () => {
      expect(withUrl(`"https://${host}"`)).to.deep.equal([]);
    });
  }

  it("may be private where allowPrivateAddress says so", () => {
    for (const url of ["http://127.0.0.1:8080", "https://10.0.0.7", "https://localhost"])
      expect(withUrl(`${url}\n    allowPrivateAddress: true`), url).to.deep.equal([]);
  });
});
