/**
 * Where the evaluator's thread starts. It turns on Node's compile cache before anything else is
 * loaded, then sets up the session, runs the task and reports how it ended.
 */

import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { workerData } from 'node:worker_threads';
import type { ThreadInput } from './protocol.ts';

const input = workerData as ThreadInput;
enableCompileCache(join(input.cacheDirectory, 'modules'));
const { runThread } = await import('./session.ts');
await runThread(input);
