import { createServer, type Server } from "node:http";
import { expect } from "chai";
import { servicenowClient } from "../../../connectors/servicenow/client.ts";
import type { ServiceNowConnection } from "../../../core/config/settings.ts";
import { Limits } from "../../../core/limits.ts";
import { CALL_TIMEOUT_MS, faultOf, listening, standingClock } from "../open.ts";

describe("The address that a ServiceNow connection leads to", () => {
  let server: Server;
  let visits = 0;
  let url = "";
  before(async () => {
    server = createServer((_request, response) => {
      visits += 1;
      response.setHeader("Content-Type", "application/json");
      response.end('{"result":[]}');
    });
    url = await listening(server);
  });
  after(() => new Promise((resolve) => server.close(resolve)));

  const clientFor = (allowPrivateAddress: boolean) => {
    const settings: ServiceNowConnection = {
      type: "servicenow",
      // A name, so that it has to be looked up.
      baseUrl: url.replace("127.0.0.1", "localhost"),
      allowPrivateAddress,
      auth: { type: "basic", username: "bot", password: "secret" },
      records: {},
      automation: [],
    };
    const limits = Limits.parse({ callTimeoutMs: CALL_TIMEOUT_MS });
    return servicenowClient({
      connection: "snow",
      settings,
      limits,
      clock: standingClock(),
      meter: { count: () => {} },
    });
  };
  const request = { operation: "read", method: "GET", path: "/api/now/table/incident" } as const;

  it("is refused where a name leads into this machine, before anything is sent", async () => {
    const client = clientFor(false);
    const fault = await faultOf(client.send(request));
    expect(fault).to.include({ kind: "unavailable", outcome: "not_applied" });
    expect(fault.message).to.include("private network");
    expect(visits).to.equal(0);
    await client.close();
  });

  it("is taken where the connection says so", async () => {
    const client = clientFor(true);
    expect(await client.send(request)).to.deep.equal([]);
    expect(visits).to.equal(1);
    await client.close();
  });
});
