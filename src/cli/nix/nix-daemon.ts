/**
 * `nix-daemon`: serves the store to clients of the worker protocol, C++ Nix's among them.
 *
 * With --stdio it serves one client, as `ssh-ng://` stores start it; otherwise it listens on a
 * socket until it is interrupted. The socket's folder is open to this user alone: Firn's daemon
 * builds with this user's rights, so nobody else may ask it to.
 */

import { createServer, type Socket } from 'node:net';
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cannotListenOn, serveDaemon, streamChannel, withSocketName } from '#store';
import type { WorkspaceService } from '#system';
import type { CommandContext } from '../context.ts';
import { usageError } from '../errors.ts';
import { commonFlags } from './evaluation-flags.ts';
import { describeFlags, parseFlags, type Flag } from './flags.ts';
import { connectedStore } from './evaluation.ts';
import { relay } from './relay.ts';
import { openService } from './store-service.ts';
import { writeVersion } from './version.ts';

const table: readonly Flag[] = [
  { names: ['--stdio'], description: 'serve one client on standard input and output' },
  { names: ['--daemon'], description: 'accepted and ignored: it listens when there is no --stdio' },
  { names: ['--force-trusted'], description: 'trust all clients (the default: they are this user)' },
  { names: ['--force-untrusted'], description: 'trust no client: signatures are wanted from all' },
  { names: ['--default-trust'], description: 'accepted and ignored' },
  { names: ['--process-ops'], description: 'accepted and ignored' },
  { names: ['--option'], operands: ['NAME', 'VALUE'], description: 'set a setting of nix.conf' },
  ...commonFlags,
];

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const flags = parseFlags('nix-daemon', table, argv, context);
  if (flags.has('--help')) {
    context.stdout.write(describeFlags('nix-daemon [--stdio] [FLAGS]', 'Serves the store to clients.', table));
    return 0;
  }
  if (flags.has('--version')) return writeVersion('nix-daemon', context, flags);
  if (flags.operands.length > 0) throw usageError(`Unexpected argument '${flags.operands[0]}'`, 'nix-daemon');
  const elsewhere = connectedStore(flags, context);
  if (elsewhere !== undefined && flags.has('--stdio')) return relay(elsewhere, 'worker', context);
  const service = openService(flags, context);
  const trusted = !flags.has('--force-untrusted');
  try {
    if (flags.has('--stdio')) {
      await serveDaemon(streamChannel('client', process.stdin, process.stdout), service, { trusted, signal: context.signal });
    } else {
      await listen(service, trusted, context);
    }
    return 0;
  } finally {
    service.store.close();
  }
}

async function listen(service: WorkspaceService, trusted: boolean, context: CommandContext): Promise<void> {
  const socket = context.env['NIX_DAEMON_SOCKET_PATH']
    ?? join(service.store.stateDirectory, 'daemon-socket/socket');
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    clients.add(client);
    client.once('close', () => clients.delete(client));
    serveDaemon(streamChannel('client', client, client), service, { trusted, signal: context.signal })
      .catch((error: Error) => { context.stderr.write(`error: ${error.message}\n`); })
      .finally(() => client.destroySoon());
  });
  try {
    mkdirSync(dirname(socket), { recursive: true, mode: 0o700 });
    chmodSync(dirname(socket), 0o700);
    // One that was left behind by a daemon that was killed.
    if (lstatSync(socket, { throwIfNoEntry: false })?.isSocket() === true) unlinkSync(socket);
    await withSocketName(socket, (name) => new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(name, resolve);
    }));
  } catch (error) {
    throw cannotListenOn(socket, error);
  }
  context.stderr.write(`listening on ${socket}\n`);
  await new Promise<void>((resolve) => {
    const stop = (): void => resolve();
    if (context.signal.aborted) stop();
    else context.signal.addEventListener('abort', stop, { once: true });
  });
  server.close();
  for (const client of clients) client.destroy();
}
