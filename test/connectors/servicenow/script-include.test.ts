/** The script that runs on an instance, run here: its signature must pass our own check of webhooks. */

import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createContext, runInContext } from "node:vm";
import { expect } from "chai";
import ts from "typescript";
import { handInstall } from "../../../connectors/servicenow/emit.ts";
import { scriptSource, wantedRecords } from "../../../connectors/servicenow/installation.ts";
import { servicenowWebhooks } from "../../../connectors/servicenow/webhook.ts";
import { SNOW_SECRET } from "../../support/settings.ts";

const INSTALLATION = {
  connection: "snow",
  tables: ["incident", "change_request", "sc_req_item"],
  integrationUser: "interlock.bot",
  url: "https://interlock.acme.com/webhooks/snow",
  secret: SNOW_SECRET,
};
const SYS_ID = "9d385017c611228701d22104cc95c371";
const RECORD = { sys_mod_count: "7", sys_updated_on: "2026-01-31 09:15:30" };

interface Sent {
  endpoint: string;
  method: string;
  headers: Record<string, string>;
  body: string;
}

interface Instance {
  sent: Sent[];
  log: string[];
}

/** What the script meets on an instance. `scoped` takes the names away that only the global scope has. */
function runRule(properties: Record<string, string>, options: { status?: number; scoped?: boolean } = {}): Instance {
  const sent: Sent[] = [];
  const log: string[] = [];
  class RESTMessageV2 {
    message: Sent = { endpoint: "", method: "", headers: {}, body: "" };
    setEndpoint(url: string): void {
      this.message.endpoint = url;
    }
    setHttpMethod(method: string): void {
      this.message.method = method;
    }
    setHttpTimeout(): void {}
    setRequestHeader(name: string, value: string): void {
      this.message.headers[name] = value;
    }
    setRequestBody(body: string): void {
      this.message.body = body;
    }
    execute() {
      if (options.status === 0) throw new Error("no route to host");
      sent.push(this.message);
      return { getStatusCode: () => options.status ?? 202 };
    }
  }
  class Mac {
    generateMac(key: string, algorithm: string, text: string): string {
      expect(algorithm).to.equal("HmacSHA256");
      return createHmac("sha256", Buffer.from(key, "base64")).update(text, "utf8").digest("base64");
    }
  }
  class GlideEncrypter {
    decrypt(text: string): string {
      return Buffer.from(text.replace("encrypted:", ""), "hex").toString();
    }
  }
  const createClass = () =>
    function made(this: { initialize(...args: unknown[]): void }, ...args: unknown[]): void {
      this.initialize(...args);
    };
  const gs = {
    getProperty: (name: string, otherwise: string) => properties[name] ?? otherwise,
    generateGUID: () => "0123456789abcdef0123456789abcdef",
    warn: (text: string) => void log.push(`warn ${text}`),
    error: (text: string) => void log.push(`error ${text}`),
  };
  const current = { getUniqueValue: () => SYS_ID, getValue: (name: keyof typeof RECORD) => RECORD[name] };
  const macs = options.scoped ? { CertificateEncryption: Mac } : { GlideCertificateEncryption: Mac };
  const world = {
    Class: { create: createClass },
    gs,
    sn_ws: { RESTMessageV2 },
    GlideEncrypter,
    ...macs,
    current,
    previous: null,
  };
  const context = createContext(world);
  runInContext(scriptSource(), context);
  const rule = wantedRecords(INSTALLATION).find(({ key }) => key["collection"] === "incident");
  runInContext(rule?.fields["script"] ?? "", context);
  return { sent, log };
}

const PROPERTIES = { "interlock.snow.url": INSTALLATION.url, "interlock.snow.secret": SNOW_SECRET };

function verified({ headers, body }: Sent, secret = SNOW_SECRET) {
  const source = servicenowWebhooks({
    type: "servicenow",
    baseUrl: "https://acme.service-now.com",
    allowPrivateAddress: false,
    auth: { type: "basic", username: "a", password: "b" },
    webhookSecrets: [secret],
    automation: [],
    records: { incident: "servicenow.incident" },
  });
  return { proof: source.verify(headers, Buffer.from(body)), located: source.locate(JSON.parse(body)) };
}

describe("the script include on an instance", () => {
  for (const [name, properties, scoped] of [
    ["with a secret that is handed out in clear", PROPERTIES, false],
    [
      "with a secret that is handed out as it is stored",
      { ...PROPERTIES, "interlock.snow.secret": `encrypted:${Buffer.from(SNOW_SECRET).toString("hex")}` },
      false,
    ],
    ["inside of a scoped application", PROPERTIES, true],
  ] as const)
    it(`signs what our own check accepts, ${name}`, () => {
      const { sent, log } = runRule(properties, { scoped });
      expect([sent.length, log]).to.deep.equal([1, []]);
      const [message] = sent;
      if (!message) return expect.fail("nothing was sent");
      expect([message.endpoint, message.method]).to.deep.equal([INSTALLATION.url, "post"]);
      expect(JSON.parse(message.body)).to.deep.equal({ table: "incident", sys_id: SYS_ID, ...RECORD });
      const { proof, located } = verified(message);
      expect(proof).to.deep.equal({ deliveryId: "msg_0123456789abcdef0123456789abcdef" });
      expect(located).to.include({ found: true, type: "incident", recordId: SYS_ID, versioned: true });
      const other = `whsec_${Buffer.from("some other secret of ours").toString("base64")}`;
      expect(verified(message, other).proof).to.have.property("refused");
    });

  it("sends nothing without its properties, and says what is missing", () => {
    for (const missing of Object.keys(PROPERTIES)) {
      const { sent, log } = runRule({ ...PROPERTIES, [missing]: "" });
      expect(sent).to.deep.equal([]);
      expect(log[0]).to.match(/^error Interlock: .*run interlock connect$/);
    }
  });

  it("never fails the rule: a refusal and a dead network are a line in the log, without the secret", () => {
    for (const status of [503, 0]) {
      const { log } = runRule(PROPERTIES, { status });
      expect(log).to.have.length(1);
      expect(log[0]).to.contain(`incident ${SYS_ID} was not taken (status ${status})`);
      expect(log[0]).to.not.contain(SNOW_SECRET.replace("whsec_", ""));
    }
  });

  it("is ES5, which is all that an instance runs in its older mode", () => {
    const file = ts.createSourceFile("x.js", scriptSource(), ts.ScriptTarget.ES5, true, ts.ScriptKind.JS);
    const newer: string[] = [];
    const visit = (node: ts.Node): void => {
      const isLet = ts.isVariableDeclarationList(node) && (node.flags & ts.NodeFlags.BlockScoped) !== 0;
      const short = ts.isShorthandPropertyAssignment(node) || ts.isMethodDeclaration(node);
      if (
        isLet ||
        short ||
        ts.isArrowFunction(node) ||
        ts.isClassLike(node) ||
        ts.isTemplateLiteral(node) ||
        ts.isSpreadElement(node)
      )
        newer.push(node.getText().slice(0, 40));
      ts.forEachChild(node, visit);
    };
    visit(file);
    expect(newer).to.deep.equal([]);
  });

  it("stands in the shipped Now SDK project, which is what --emit writes for the shipped tables", () => {
    const written = handInstall(INSTALLATION).get("app/src/fluent/index.now.ts");
    const shipped = new URL("../../../connectors/servicenow/app/src/fluent/index.now.ts", import.meta.url);
    expect(readFileSync(shipped, "utf8")).to.equal(written);
  });
});
