/** What the pool's tests run in its threads. */

import { threadId } from 'node:worker_threads';
import { UserError } from '#base';

export function run(message: { readonly do: string; readonly n?: number }): unknown {
  switch (message.do) {
    case 'double': return { double: 2 * (message.n ?? 0), thread: threadId };
    case 'fail': throw new UserError('TEST', 'failed', { hint: 'a hint' });
    case 'throw': throw new TypeError('plain');
    case 'exit': return process.exit(3);
    default: for (;;);
  }
}
