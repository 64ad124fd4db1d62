/**
 * `nix-store --serve`: what `ssh://` stores start at the other end.
 *
 * Standard output belongs to the protocol alone; builders' lines and warnings go to standard error,
 * which ssh carries to whoever waits.
 */

import { serveStore, streamChannel } from '#store';
import { connectedStore } from './evaluation.ts';
import { relay } from './relay.ts';
import { openService } from './store-service.ts';
import type { StoreCommand } from './store-command.ts';

export async function serve({ flags, context }: StoreCommand): Promise<number> {
  const elsewhere = connectedStore(flags, context);
  if (elsewhere !== undefined) return relay(elsewhere, 'serve', context);
  const service = openService(flags, context);
  const tell = (line: string): void => { context.stderr.write(`${line}\n`); };
  try {
    await serveStore(streamChannel('client', process.stdin, process.stdout), service, {
      writable: flags.has('--write'), signal: context.signal,
      progress: {
        start: () => ({ advance() {}, detail() {}, finish() {}, log: tell }),
        message: (level, text) => {
          if (level === 'debug' || level === 'chatty') return;
          tell(level === 'error' || level === 'warning' ? `${level}: ${text}` : text);
        },
      },
    });
    return 0;
  } finally {
    service.store.close();
  }
}
