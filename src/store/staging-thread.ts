/** The thread of a `StagingAhead`: writes what it is told to, and says what it has written. */

import { workerData } from 'node:worker_threads';
import {
  Place, type StagingAnswer, type StagingOrder, type StagingThreadInput,
} from './staging-ahead.ts';
import { stageText, stageTree } from './staging.ts';

const { storeDirectory, port, shared } = workerData as StagingThreadInput;
const numbers = new Int32Array(shared);

port.on('message', (orders: readonly StagingOrder[]) => {
  const answers: StagingAnswer[] = [];
  for (const { place, tree, text } of orders) {
    try {
      look();
      if (tree !== undefined) answers.push({ path: tree.path, info: stageTree(tree, place, storeDirectory, look) });
      if (text !== undefined) answers.push({ path: text.path, info: stageText(text, place) });
    } catch {
      // Whoever registers the path writes it himself.
    }
  }
  // The answers must be in the port before they are counted.
  port.postMessage(answers);
  Atomics.add(numbers, Place.answered, 1);
  Atomics.notify(numbers, Place.answered);
});

/** Called for each entry: says that the thread is at work, and ends it when nobody waits. */
function look(): void {
  Atomics.add(numbers, Place.progress, 1);
  if (Atomics.load(numbers, Place.cancelled) === 1) throw new Error('nobody wants it any more');
}
