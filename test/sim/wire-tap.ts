/** Stands between a client and a simulator and notes what goes over the wire, in both directions. */
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";

export interface Exchange {
  method: string;
  /** Path and query, as sent. */
  path: string;
  requestBody: string;
  status: number;
  contentType: string;
  responseBody: string;
}

export interface WireTap {
  url: string;
  exchanges: Exchange[];
  close(): Promise<void>;
}

/** Passes everything on to `target` unchanged. Close it, or its port stays taken. */
export async function tapWire(target: string): Promise<WireTap> {
  const exchanges: Exchange[] = [];
  const server = createServer((asked, answer) => {
    void readAll(asked).then((requestBody) => {
      const { method = "GET", url: path = "/", headers } = asked;
      const onward = request(new URL(path, target), { method, headers, agent: false }, (given) => {
        void readAll(given).then((responseBody) => {
          const status = given.statusCode ?? 0;
          const contentType = given.headers["content-type"] ?? "";
          exchanges.push({ method, path, requestBody, status, contentType, responseBody });
          answer.writeHead(status, given.headers).end(responseBody);
        });
      });
      onward.on("error", () => answer.destroy());
      onward.end(requestBody);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // a TCP server that listens has an AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    exchanges,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readAll(message: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString("utf8");
}
