/** The yardstick of the intake benchmark: express reads the body and answers 202, and does nothing else. */
import express from "express";

const app = express();
app.disable("x-powered-by");
app.disable("etag");
app.get("/livez", (_request, response) => {
  response.json({ status: "live" });
});
app.post("/webhooks/:connection", express.raw({ type: () => true, limit: 1_048_576 }), (request, response) => {
  response.status(202).json({ outcome: "accepted", delivery: request.headers["x-atlassian-webhook-identifier"] });
});
app.listen(Number(process.argv[2]), "127.0.0.1");
