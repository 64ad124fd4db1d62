/**
 * What runs in the evaluator's thread: sets up the session, runs the task, reports how it ended.
 */

import { workerData } from 'node:worker_threads';
import type { ThreadInput } from './protocol.ts';
import { runThread } from './session.ts';

void runThread(workerData as ThreadInput);
