/** A loopback HTTP server whose files and misbehaviour a test decides. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Respond = (request: IncomingMessage, response: ServerResponse) => void;

/** What stands at a path: bytes, or a function that answers as it likes. */
export type Served = Uint8Array | string | Respond;

export interface TestServer {
  /** Without trailing slash. */
  readonly url: string;
  readonly files: Map<string, Served>;
  /** Paths asked for, in order, with `bytes=…` after a space where a range was. */
  readonly requests: string[];
  /** Whether ranges are served. */
  ranges: boolean;
  close(): Promise<void>;
}

export async function startServer(): Promise<TestServer> {
  const files = new Map<string, Served>();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const range = request.headers.range;
    requests.push(range === undefined ? path : `${path} ${range}`);
    const found = files.get(path);
    if (found === undefined) {
      response.writeHead(404).end('not here');
    } else if (typeof found === 'function') {
      found(request, response);
    } else {
      answer(Buffer.from(found as Uint8Array), test.ranges ? range : undefined, response);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const test: TestServer = {
    url: `http://127.0.0.1:${port}`,
    files,
    requests,
    ranges: true,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return test;
}

/**
 * Announces all of `bytes`, sends the first `count` and hangs up, when the client has had the time
 * to read them: what it has not read by then it may drop.
 */
export function truncated(bytes: Uint8Array, count: number): Respond {
  return (_request, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, count), () => setTimeout(() => response.destroy(), 250));
  };
}

/** A URL at which nothing listens. */
export async function deadUrl(): Promise<string> {
  const server = await startServer();
  await server.close();
  return server.url;
}

function answer(bytes: Buffer, range: string | undefined, response: ServerResponse): void {
  const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? Number.NaN);
  if (Number.isNaN(start)) {
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
  } else if (start >= bytes.length) {
    response.writeHead(416).end();
  } else {
    response.writeHead(206, {
      'content-length': bytes.length - start,
      'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}`,
    });
    response.end(bytes.subarray(start));
  }
}
