/**
 * A Debian mirror at the end of a line of limited speed, for measuring a first build as people have
 * it: downloads and work at the same time.
 *
 *   node bench/main-job/mirror.ts STORE MEGABITS
 *
 * Serves the package files (`*.deb`) that lie in the folder STORE, by their names whatever the folder
 * asked for, all connections together at so many megabits a second. Prints its address, and at the
 * end (SIGTERM) the time of the last byte sent, in seconds since 1970.
 */
import { createReadStream, readdirSync, statSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const [folder, megabits] = process.argv.slice(2);
if (folder === undefined || !(Number(megabits) > 0)) {
  process.stderr.write('usage: mirror.ts STORE MEGABITS\n');
  process.exit(1);
}
const bytesPerMs = (Number(megabits) * 1e6) / 8 / 1000;
/** Store names begin with a hash; their characters are those of file names on mirrors, but for `~`. */
const files = new Map(readdirSync(folder).filter((name) => name.endsWith('.deb'))
  .map((name) => [name.slice(name.indexOf('-') + 1), join(folder, name)]));

/** When the line will have sent everything that was given to it. */
let lineFreeAt = performance.now();
let lastByteAt = 0;

async function send(path: string, from: number, response: ServerResponse): Promise<void> {
  for await (const piece of createReadStream(path, { start: from, highWaterMark: 32 << 10 })) {
    const now = performance.now();
    lineFreeAt = Math.max(lineFreeAt, now) + (piece as Buffer).length / bytesPerMs;
    if (lineFreeAt - now > 2) await sleep(lineFreeAt - now);
    if (response.destroyed) return;
    response.write(piece);
    lastByteAt = Date.now();
  }
  response.end();
}

const server = createServer((request, response) => {
  const name = decodeURIComponent(basename(new URL(request.url ?? '/', 'http://mirror').pathname));
  const path = files.get(name) ?? files.get(name.replace(/~/g, '_'));
  if (path === undefined) {
    process.stderr.write(`not here: ${request.url}\n`);
    response.writeHead(404).end();
    return;
  }
  const sizeBytes = statSync(path).size;
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.writeHead(from > 0 ? 206 : 200, {
    'content-length': sizeBytes - from,
    ...(from > 0 ? { 'content-range': `bytes ${from}-${sizeBytes - 1}/${sizeBytes}` } : {}),
  });
  void send(path, from, response);
});

server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/debian\n`);
});
process.on('SIGTERM', () => {
  process.stdout.write(`${(lastByteAt / 1000).toFixed(1)}\n`);
  process.exit(0);
});
