/**
 * Programs that are evaluated again after a change, in tests: files in a folder of their own, and what
 * a text over them comes to, compared with evaluating anew.
 */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { decodeUtf8, encodeUtf8, UserError } from '#base';
import { NixError } from '#diagnostics';
import { forceDeep, printAmbiguous } from '#runtime';
import { revisionCounts } from '../../src/flat/revisions.ts';
import { openSession, type Session } from './evaluate.ts';

/** Files in a folder of their own, and a session over them; those below `stable` do not change. */
export class Revisions {
  readonly folder = mkdtempSync(join(tmpdir(), 'firn-revisions-'));
  readonly #session: Session;
  readonly #changed = new Set<string>();

  constructor(files: Readonly<Record<string, string>>) {
    this.write(files);
    this.#changed.clear();
    this.#session = openSession({}, {}, undefined, true, {
      has: (path) => path.startsWith(`${this.folder}/`) && !path.includes('/stable/'),
    });
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      const path = join(this.folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      this.#changed.add(path);
    }
  }

  /** What a text comes to now, which must be what it comes to anew. How many thunks ran again. */
  check(text: string): { readonly value: string; readonly again: number } {
    // As XML: printing would tell whether equal sets are the same one.
    const source = encodeUtf8(`builtins.toXML (${text}\n)`);
    const before = revisionCounts.again;
    const value = shownBy(this.#session, () => this.revise(source));
    const again = revisionCounts.again - before;
    const anew = openSession();
    assert.equal(value, shownBy(anew, () => anew.evaluator.evaluateText(source, this.folder)), text);
    return { value, again };
  }

  revise(source: string): ReturnType<Session['evaluator']['evaluateText']> {
    const changed = [...this.#changed];
    this.#changed.clear();
    return this.#session.evaluator.evaluateRevision(source, this.folder, changed);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

function shownBy({ evaluator, output }: Session, evaluate: () => ReturnType<Session['evaluator']['evaluateText']>): string {
  output.length = 0;
  try {
    return evaluator.guard(() => {
      const value = evaluate();
      forceDeep(value);
      return [...output, decodeUtf8(printAmbiguous(value))].join('\n');
    });
  } catch (error) {
    if (error instanceof NixError || error instanceof UserError) return 'it fails';
    throw error;
  }
}
