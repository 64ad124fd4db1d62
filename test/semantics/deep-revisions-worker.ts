/**
 * Evaluates deep programs over a file that changes, on a thread with a large stack, as the evaluator
 * itself does; sends back what each came to after each change.
 */

import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { decodeUtf8, encodeUtf8 } from '#base';
import { NixError } from '#diagnostics';
import { printAmbiguous } from '#runtime';
import { openSession } from './evaluate.ts';

/** A program that imports `./f.nix`, and what that says in turn. */
export interface DeepWork {
  readonly program: string;
  readonly texts: readonly string[];
  readonly maxCallDepth: number;
}

const { program, texts, maxCallDepth } = workerData as DeepWork;
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'firn-deep-')));
const file = join(folder, 'f.nix');
try {
  writeFileSync(join(folder, 'program.nix'), program);
  const { evaluator } = openSession({ maxCallDepth }, {}, undefined, true, new Set([file]));
  const source = encodeUtf8(`import ${folder}/program.nix`);
  const values = texts.map((text) => {
    writeFileSync(file, text);
    try {
      return decodeUtf8(printAmbiguous(evaluator.guard(() => evaluator.evaluateRevision(source, '/', [file]))));
    } catch (error) {
      if (error instanceof NixError) return `error: ${error.message}`;
      throw error;
    }
  });
  parentPort!.postMessage(values);
} finally {
  rmSync(folder, { recursive: true });
}
