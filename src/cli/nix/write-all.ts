/** Writing much to standard output. */

import type { CommandContext } from '../context.ts';

/** Writes a piece, and waits when the reader is slower than we are. */
export async function writeAll(out: CommandContext['stdout'], bytes: Uint8Array): Promise<void> {
  if (out.write(bytes) !== false) return;
  await new Promise<void>((resume, fail) => {
    const stream = out as NodeJS.WriteStream;
    stream.once('drain', resume);
    stream.once('error', fail);
  });
}
