import { createServer } from "node:http";
import { expect } from "chai";
import { installDispatcher, recorded } from "../../../connectors/jira/http.ts";
import { listening } from "../open.ts";

describe("Jira connector: the dispatcher under fetch", () => {
  const server = createServer((request, response) => {
    const [, status = "200", header = ""] = request.url?.split("/") ?? [];
    if (header !== "") response.setHeader(decodeURIComponent(header).split(":")[0] ?? "", header.split("%3A")[1] ?? "");
    response.writeHead(Number(status)).end("{}");
  });
  let url: string;
  let dispatcher: ReturnType<typeof installDispatcher>;

  before(async () => {
    url = await listening(server);
  });
  after(() => server.close());
  beforeEach(() => {
    dispatcher = installDispatcher(200);
  });
  afterEach(() => dispatcher.close());

  it("tells what the headers said, also when the call fails afterwards", async () => {
    const ok = await recorded(() => fetch(`${url}/200`), true);
    expect(ok.record).to.deep.equal({ status: 200, authenticationFailed: false });
    const failed = await recorded(async () => {
      await fetch(`${url}/429/Retry-After%3A7`);
      throw new Error("as jira.js does");
    }, true);
    expect(failed.record).to.deep.equal({ status: 429, retryAfter: "7", authenticationFailed: false });
    expect(failed).to.have.property("error");
  });

  it("keeps calls that run at the same time apart", async () => {
    const paths = ["/200", "/503", "/200/X-Seraph-LoginReason%3AAUTHENTICATED_FAILED", "/404"];
    const answers = await Promise.all(paths.map((path) => recorded(() => fetch(`${url}${path}`), true)));
    expect(answers.map(({ record }) => record.status)).to.deep.equal([200, 503, 200, 404]);
    expect(answers.map(({ record }) => record.authenticationFailed)).to.deep.equal([false, false, true, false]);
  });

  it("leaves a working fetch behind when it is closed", async () => {
    await dispatcher.close();
    expect((await fetch(`${url}/200`)).status).to.equal(200);
    dispatcher = installDispatcher(200);
  });

  it("closing one does not take another one away", async () => {
    const second = installDispatcher(200);
    await dispatcher.close();
    const answer = await recorded(() => fetch(`${url}/200`), true);
    expect(answer.record.status).to.equal(200);
    await second.close();
    dispatcher = installDispatcher(200);
  });
});
