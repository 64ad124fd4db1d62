/**
 * The writer of kill.test.ts: adds texts, trees and outputs in a loop until it is killed, links files of
 * the same content, and collects what those before it have left.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTextPath, type StorePath } from '#formats';
import { collectGarbage, LocalStore } from '#store';

const [root = '', round = '0', mode] = process.argv.slice(2);
const store = new LocalStore({ root, autoOptimise: true });
process.stdout.write('ready\n');

for (let i = 0; mode === undefined || i < 10; i++) {
  const texts = Array.from({ length: 20 }, (_, j) => {
    const text = `${round} ${i} ${j}`.repeat(200);
    return { path: makeTextPath(`text${j}`, text, []), text, references: [] };
  });
  store.addAll([], texts);
  const source = join(root, `source-${round}-${i}`);
  mkdirSync(join(source, 'folder'), { recursive: true });
  for (let j = 0; j < 30; j++) writeFileSync(join(source, 'folder', `file${j}`), `${round} ${i} ${j}`.repeat(500));
  const tree = store.addTree('tree', source, { method: 'recursive', algorithm: 'sha256' });
  const output = makeTextPath('output', `${round} ${i}`, []) as StorePath;
  const physical = store.prepareOutput(output);
  mkdirSync(join(physical, 'bin'), { recursive: true });
  for (let j = 0; j < 20; j++) writeFileSync(join(physical, 'bin', `p${j}`), `${tree}\n${output}\n${j}`);
  await store.commitOutputs([{ path: output, physical }], { candidates: [tree] });
  if (i % 3 === 2) await collectGarbage(store);
}
store.close();
