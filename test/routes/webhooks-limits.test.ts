import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import { type Answer, send } from "./client.ts";
import { type Ingress, jiraHeaders, startIngress } from "./ingress.ts";

const BODY_BYTES_MAX = 1_048_576;
const DEPTH_MAX = 64;
const KEYS_MAX = 10_000;
/** Generous for a busy machine; parsing what is refused here would take longer or end the process. */
const QUICK_MS = 1_000;

const ISSUE = '"issue":{"id":"10040","key":"OPS-7"}';
const padded = (bytes: number): string => {
  const frame = `{${ISSUE},"x":""}`;
  return `{${ISSUE},"x":"${"a".repeat(bytes - frame.length)}"}`;
};
const nested = (depth: number, open: string, close: string): string => open.repeat(depth) + close.repeat(depth);
const keyed = (count: number): string => `{${Array.from({ length: count }, (_, n) => `"k${n}":0`).join(",")}}`;

describe("POST /webhooks/:connection: limits", () => {
  let ingress: Ingress;

  before(async () => {
    ingress = await startIngress();
  });
  after(() => ingress.close());

  let ids = 0;
  const deliver = (body: string | Buffer, extra: Record<string, string> = {}): Promise<Answer> => {
    ids += 1;
    return ingress.deliver("jira", { ...jiraHeaders(body, { id: `id-${ids}` }), ...extra }, body);
  };
  const expectLive = async (): Promise<void> => {
    expect((await send(`${ingress.url}/livez`)).status).to.equal(200);
  };

  it("take a body of exactly 1 MiB", async () => {
    const body = padded(BODY_BYTES_MAX);
    expect(Buffer.byteLength(body)).to.equal(BODY_BYTES_MAX);
    expect((await deliver(body)).status).to.equal(202);
  });

  it("refuse one byte more with 413, and say how much is allowed", async () => {
    const answer = await deliver(padded(BODY_BYTES_MAX + 1));
    expect(answer.status).to.equal(413);
    expect(answer.json).to.deep.equal({ error: "too_large", message: `a body may have ${BODY_BYTES_MAX} bytes` });
    const counted = { connection: "jira", outcome: "too_large" };
    expect(await ingress.metrics.total("interlock_signals_total", counted)).to.equal(1);
  });

  it("refuse a body of any length, announced or not, and go on", async () => {
    const chunk = Buffer.alloc(65_536);
    const chunks = Array.from({ length: 512 }, () => chunk);
    const answers = [
      await send(`${ingress.url}/webhooks/jira`, { method: "POST", chunks }),
      await send(`${ingress.url}/webhooks/jira`, {
        method: "POST",
        headers: { "content-length": 512 * 65_536 },
        chunks,
      }),
    ];
    expect(answers.map(({ status }) => status)).to.deep.equal([413, 413]);
    await expectLive();
  });

  it("refuse a stranger's gigabytes with 404 before they are sent", async () => {
    expect(await announced("nobody", 10 * 1_024 ** 3)).to.match(/^HTTP\/1\.1 404 /);
  });

  /** Sends headers and 64 KiB, and answers the first line of what comes back. */
  function announced(connection: string, bytes: number): Promise<string> {
    const { hostname, port } = new URL(ingress.url);
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => {
        socket.write(`POST /webhooks/${connection} HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n\r\n`);
        socket.write(Buffer.alloc(65_536));
      });
      socket.on("error", reject);
      socket.once("data", (answer) => {
        socket.destroy();
        resolve(answer.toString("utf8").split("\r\n")[0] ?? "");
      });
    });
  }

  for (const encoding of ["gzip", "deflate", "br", "zstd"]) {
    it(`refuse a compressed body (${encoding}) with 415: nothing is unpacked`, async () => {
      const bomb = gzipSync(Buffer.alloc(5_000_000));
      const answer = await deliver(bomb, { "content-encoding": encoding });
      expect(answer.status).to.equal(415);
      expect(answer.json).to.have.property("error", "compressed");
      expect(answer.json).to.have.property("message").that.contains("send it uncompressed");
      const counted = { connection: "jira", outcome: "compressed" };
      expect(await ingress.metrics.total("interlock_signals_total", counted)).to.be.above(0);
      expect(ingress.log.lines.at(-1)?.fields).to.include({ connection: "jira", status: 415 });
    });
  }

  it("take a body that says it is not compressed", async () => {
    expect((await deliver(`{${ISSUE},"n":1}`, { "content-encoding": "identity" })).status).to.equal(202);
  });

  it("do not care for the declared type: the bytes are what was signed", async () => {
    for (const [n, type] of ["text/plain", "application/x-www-form-urlencoded", "nonsense"].entries())
      expect((await deliver(`{${ISSUE},"t":${n}}`, { "content-type": type })).status).to.equal(202);
  });

  const DEEP: [string, string][] = [
    ["lists", nested(5_000, "[", "]")],
    ["objects", `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`],
    ["lists that never end", "[".repeat(500_000)],
    ["one level too many", `{"a":${nested(DEPTH_MAX, "[", "]")}}`],
  ];
  for (const [name, body] of DEEP) {
    it(`refuse what is nested too deeply with 400, quickly: ${name}`, async () => {
      const startMs = performance.now();
      const answer = await deliver(body);
      expect(answer.status).to.equal(400);
      expect(answer.json).to.have.property("error", "too_deep");
      expect(performance.now() - startMs).to.be.below(QUICK_MS);
      await expectLive();
    });
  }

  it("take what is nested as deeply as is allowed", async () => {
    expect((await deliver(`{${ISSUE},"a":${nested(DEPTH_MAX - 1, "[", "]")}}`)).status).to.equal(202);
  });

  it("refuse 100,000 keys with 400, quickly", async () => {
    const startMs = performance.now();
    expect((await deliver(keyed(100_000))).status).to.equal(413); // over 1 MiB already
    expect((await deliver(`{${'"":0,'.repeat(100_000)}"":0}`)).status).to.equal(400);
    expect(performance.now() - startMs).to.be.below(2 * QUICK_MS);
    await expectLive();
  });

  it("take as many keys as are allowed, and none more", async () => {
    expect((await deliver(keyed(KEYS_MAX))).status).to.equal(202);
    expect((await deliver(keyed(KEYS_MAX + 1))).status).to.equal(400);
  });

  it("do not count brackets, braces and colons inside of text", async () => {
    const text = JSON.stringify('[{":'.repeat(20_000) + '\\"'.repeat(1_000));
    expect((await deliver(`{${ISSUE},"description":${text}}`)).status).to.equal(202);
  });

  it("look at nothing before the signature: an unsigned monster is 401", async () => {
    const answer = await ingress.deliver("jira", {}, nested(5_000, "[", "]"));
    expect(answer.status).to.equal(401);
  });

  it("keep nothing of what they refuse", async () => {
    const before = await ingress.store.counts();
    await deliver(padded(BODY_BYTES_MAX + 1));
    await deliver(nested(5_000, "[", "]"));
    expect(await ingress.store.counts()).to.deep.equal(before);
    expect(await ingress.metrics.total("interlock_signals_total", { outcome: "too_large" })).to.be.above(0);
    expect(await ingress.metrics.total("interlock_signals_total", { outcome: "too_deep" })).to.be.above(0);
  });

  it("survive a client that goes away in the middle of its body", async () => {
    const { hostname, port } = new URL(ingress.url);
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), hostname, () => {
        socket.write("POST /webhooks/jira HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{", () => {
          socket.destroy();
          resolve();
        });
      });
    });
    await expectLive();
  });
});
