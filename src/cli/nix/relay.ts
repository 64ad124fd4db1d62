/** Serving a store that is itself behind a connection: what either end says is passed on as it is. */

import { openRelay, type ByteChannel } from '#store';
import type { CommandContext } from '../context.ts';
import { writeAll } from './write-all.ts';

export async function relay(store: string, protocol: 'serve' | 'worker', context: CommandContext): Promise<number> {
  const channel = await openRelay(store, protocol, context.env);
  channel.listen((line) => { context.stderr.write(`${line}\n`); });
  const stop = (): void => channel.close();
  context.signal.addEventListener('abort', stop, { once: true });
  const asked = passOn(channel);
  for await (const piece of channel.input) await writeAll(context.stdout, piece);
  channel.close();
  process.stdin.destroy();
  await asked.catch(() => {});
  return 0;
}

async function passOn(channel: ByteChannel): Promise<void> {
  for await (const piece of process.stdin) await channel.write(piece as Uint8Array);
  channel.end();
}
