import { expect } from "chai";
import { adfFromText } from "./adf.ts";
import type { JiraSim } from "./jira.ts";
import { startJiraSim } from "./jira.ts";
import type { WireAnswer } from "./wire.ts";
import { at, callJira } from "./wire.ts";

const ABEL = { by: "5b10-abel" };

describe("Jira simulator: comments", () => {
  let sim: JiraSim;

  beforeEach(async () => {
    sim = await startJiraSim();
    sim.create("OPS", { summary: "Printer on fire", issuetype: "Incident" }, ABEL);
  });
  afterEach(() => sim.close());

  const post = (path: string, body: unknown): Promise<WireAnswer> => callJira(sim, path, { method: "POST", body });
  const put = (path: string, body: unknown): Promise<WireAnswer> => callJira(sim, path, { method: "PUT", body });

  const path = "/rest/api/3/issue/OPS-1/comment";

  it("demand a document in v3 and text in v2", async () => {
    const refused = await post(path, { body: "plain" });
    expect(refused.status).to.equal(400);
    expect(at(refused.body, "errors")).to.deep.equal({ comment: "Comment body is not valid!" });
    expect((await post(path, { body: adfFromText("v3") })).status).to.equal(201);
    expect((await post(path.replace("/3/", "/2/"), { body: "v2" })).status).to.equal(201);
    expect(sim.comments("OPS-1").map(({ text }) => text)).to.deep.equal(["v3", "v2"]);
    expect(sim.comments("OPS-1")[0]?.author.displayName).to.equal("Interlock");
  });

  it("come in pages, newest first on demand, with properties on demand", async () => {
    for (const text of ["one", "two", "three"]) sim.comment("OPS-1", text, ABEL);
    await post(path, { body: adfFromText("four"), properties: [{ key: "mark", value: { id: 4 } }] });
    const { body } = await callJira(sim, `${path}?orderBy=-created&maxResults=2&startAt=0&expand=properties`);
    expect(body).to.include({ startAt: 0, maxResults: 2, total: 4 });
    expect(at(body, "comments", "0", "properties")).to.deep.equal([{ key: "mark", value: { id: 4 } }]);
    expect(at(body, "comments", "1", "body")).to.deep.equal(adfFromText("three"));
    const plain = await callJira(sim, `${path}?startAt=3`);
    expect(at(plain.body, "comments")).to.have.lengthOf(1);
    expect(at(plain.body, "comments", "0")).not.to.have.property("properties");
  });

  it("are internal when their property says so", async () => {
    const properties = [{ key: "sd.public.comment", value: { internal: true } }];
    const { body } = await post(path, { body: adfFromText("secret"), properties });
    expect(at(body, "jsdPublic")).to.equal(false);
  });

  it("keep properties: 201 when new, 200 when replaced, 404 when absent", async () => {
    const { id } = sim.comment("OPS-1", "note", ABEL);
    for (const path of ["/rest/api/3/issue/OPS-1/properties/mark", `/rest/api/3/comment/${id}/properties/mark`]) {
      expect((await callJira(sim, path)).status).to.equal(404);
      expect((await put(path, { a: 1 })).status).to.equal(201);
      expect((await put(path, '"text"')).status).to.equal(200);
      expect((await callJira(sim, path)).body).to.deep.equal({ key: "mark", value: "text" });
      expect((await put(path, "x".repeat(40_000))).status).to.equal(400);
      expect((await put(path, "")).status).to.equal(400);
      expect((await callJira(sim, path, { method: "DELETE" })).status).to.equal(204);
    }
  });
});
