/**
 * The collector's socket: whoever needs a path while garbage is collected says so here, and may
 * count on the path after the answer. C++ Nix's protocol: a path and a newline, answered by `1`.
 */

import { chmodSync, existsSync, mkdirSync, unlinkSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { maybeStorePath, type StorePath } from '#formats';
import { fileFailed } from './errors.ts';
import { withSocketName } from './socket-name.ts';
import { collectHere, rootsSocket } from './temporary-roots.ts';

export interface RootsServer {
  close(): Promise<void>;
}

/** Listens until closed; `keep` is called with each path before it is answered. */
export async function listenForRoots(
  stateDirectory: string, storeDirectory: string, keep: (path: StorePath) => void,
): Promise<RootsServer> {
  const path = join(stateDirectory, rootsSocket);
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    socket.on('error', () => socket.destroy());
    answer(socket, storeDirectory, keep);
  });
  mkdirSync(dirname(path), { recursive: true });
  if (existsSync(path)) unlinkSync(path);
  await listen(server, path);
  chmodSync(path, 0o666);
  const leave = collectHere(stateDirectory, (paths) => { for (const one of paths) keep(one); });
  return {
    close() {
      leave();
      for (const socket of connections) socket.destroy();
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

function answer(socket: Socket, storeDirectory: string, keep: (path: StorePath) => void): void {
  let rest = '';
  socket.on('data', (bytes) => {
    const lines = (rest + bytes.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > longestLine) {
      socket.destroy();
      return;
    }
    for (const line of lines) {
      const path = maybeStorePath(line, storeDirectory);
      if (path !== undefined) keep(path);
    }
    if (lines.length > 0) socket.write('1'.repeat(lines.length));
  });
}

async function listen(server: Server, path: string): Promise<void> {
  await withSocketName(path, (name) => new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(fileFailed('listening at', path, error)));
    server.listen(name, resolve);
  }));
  server.unref();
}

const longestLine = 4096;
