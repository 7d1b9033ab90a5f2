import { expect } from "chai";
import { jiraWebhooks } from "../../connectors/jira/webhook.ts";
import { servicenowWebhooks } from "../../connectors/servicenow/webhook.ts";
import { deliveryId, header, sameSecret } from "../../connectors/shared-secret.ts";

const shared = { baseUrl: "https://x.example.com", allowPrivateAddress: false };
const SYS_ID = "0123456789abcdef0123456789abcdef";

describe("Where a ServiceNow payload points", () => {
  const { locate } = servicenowWebhooks({
    ...shared,
    type: "servicenow",
    auth: { type: "basic", username: "u", password: "p" },
    webhookSecrets: [],
    automation: [],
    records: { incident: "servicenow.incident" },
  });

  it("is its table and sys_id, whatever else it says", () => {
    const hint = { table: "incident", sys_id: SYS_ID, sys_mod_count: 3, state: "7", assignment_group: "x" };
    expect(locate(hint)).to.deep.equal({ found: true, type: "incident", recordId: SYS_ID, versioned: true });
  });

  it("is no news twice only where it says which state it tells of", () => {
    expect(locate({ table: "incident", sys_id: SYS_ID })).to.include({ found: true, versioned: false });
    expect(locate({ table: "incident", sys_id: SYS_ID, sys_updated_on: "2026-01-31 09:15:30" })).to.include({
      versioned: true,
    });
  });

  it("is unmapped for a table that no mapping covers", () => {
    expect(locate({ table: "problem", sys_id: SYS_ID })).to.deep.equal({ found: "unmapped", what: "problem" });
    expect(locate({ table: "constructor", sys_id: SYS_ID })).to.have.property("found", "unmapped");
  });

  const nowhere = [null, 5, "text", [], {}, { table: "incident" }, { table: "incident", sys_id: `${SYS_ID}^` }];
  const odd = [{ table: "inc ident", sys_id: SYS_ID }, { table: ["incident"], sys_id: SYS_ID }, { sys_id: SYS_ID }];
  for (const payload of [...nowhere, ...odd]) {
    it(`is nowhere for ${JSON.stringify(payload)}, with the form that was expected`, () => {
      const found = locate(payload);
      expect(found).to.have.property("found", false);
      expect(found).to.have.property("reason").that.contains("{table, sys_id, sys_mod_count, sys_updated_on}");
    });
  }
});

describe("Where a Jira payload points", () => {
  const { locate } = jiraWebhooks({
    ...shared,
    type: "jira",
    auth: { type: "bearer", token: "t" },
    webhookSecrets: [],
    automation: [],
    records: { OPS: "jira.incident" },
  });

  it("is its issue, by the id that never changes", () => {
    const found = { found: true, type: "issue", recordId: "10040", recordKey: "OPS-7", versioned: true };
    expect(
      locate({
        timestamp: 1_770_000_000_000,
        webhookEvent: "jira:issue_updated",
        issue: { id: "10040", key: "OPS-7" },
      }),
    ).to.deep.equal(found);
  });

  it("is the issue of its comment, where Data Center sends no issue", () => {
    const self = "https://jira.example.com/rest/api/2/issue/10040/comment/77";
    expect(locate({ webhookEvent: "comment_created", comment: { self } })).to.deep.equal({
      found: true,
      type: "issue",
      recordId: "10040",
      versioned: false,
    });
  });

  it("keeps ids of twenty digits as text", () => {
    const id = "1234567890123456789";
    expect(locate({ issue: { id, key: "OPS-7" } })).to.have.property("recordId", id);
  });

  it("is unmapped for a project that no mapping covers", () => {
    expect(locate({ issue: { id: "1", key: "HR-7" } })).to.deep.equal({ found: "unmapped", what: "HR" });
  });

  const nowhere = [null, [], {}, { webhookEvent: "user_created" }, { issue: { id: "1" } }, { comment: { self: "x" } }];
  const odd = [{ issue: { id: "1 or 1=1", key: "OPS-7" } }, { issue: { id: 1, key: "OPS-7" } }];
  for (const payload of [...nowhere, ...odd]) {
    it(`is nowhere for ${JSON.stringify(payload)}, with what to subscribe to`, () => {
      const found = locate(payload);
      expect(found).to.have.property("found", false);
      expect(found).to.have.property("reason").that.contains("subscribe the webhook to issue and comment events");
    });
  }

  it("does not repeat a whole payload in the reason", () => {
    const found = locate({ webhookEvent: "x".repeat(10_000) });
    expect(JSON.stringify(found).length).to.be.below(300);
  });
});

describe("Shared secrets", () => {
  it("are equal or not, whatever their lengths", () => {
    expect(sameSecret("abc", "abc")).to.equal(true);
    expect(sameSecret("abc", "abcd")).to.equal(false);
    expect(sameSecret("", "abc")).to.equal(false);
  });

  it("come in a header that was sent once", () => {
    expect(header({ a: "x" }, "a")).to.equal("x");
    expect(header({ a: ["x", "x"] }, "a")).to.equal(undefined);
    expect(header({ a: "" }, "a")).to.equal(undefined);
    expect(header({}, "a")).to.equal(undefined);
  });

  it("and delivery ids are printable and short, or none", () => {
    expect(deliveryId("msg_1-2.3")).to.equal("msg_1-2.3");
    for (const id of ["", "a b", "a\u0000", "ä", "x".repeat(201), undefined])
      expect(deliveryId(id)).to.equal(undefined);
  });
});
