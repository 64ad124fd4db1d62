/**
 * Programs that are evaluated again after a change, in tests: files in a folder of their own, and what
 * a text over them comes to, compared with evaluating anew.
 */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { decodeUtf8, encodeUtf8, UserError } from '#base';
import { nextSourcePosition, NixError, restoreSources } from '#diagnostics';
import { Unkept, type InputNames, type MachineImage, type StoredImage } from '#flat';
import { forceDeep, printAmbiguous, type Value } from '#runtime';
import { validationCounts } from '../../src/flat/revisions.ts';
import { openSession, type Session } from './evaluate.ts';

/**
 * Files in a folder of their own, and texts over them; those below `stable` do not change. Each text is
 * evaluated again in the machine that evaluated it before, or in a new one, from an image of the one
 * that evaluated it first.
 */
export class Revisions {
  readonly folder = mkdtempSync(join(tmpdir(), 'firn-revisions-'));
  readonly #resident: Session | undefined;
  readonly #changed = new Set<string>();
  readonly #now = new Map<string, string>();
  readonly #images = new Map<string, ImagedEvaluations>();

  constructor(files: Readonly<Record<string, string>>, how: 'resident' | 'images' = 'resident') {
    this.write(files);
    this.#changed.clear();
    this.#resident = how === 'images' ? undefined : openSession({}, {}, undefined, true, this.#inputs);
  }

  readonly #inputs: InputNames = {
    has: (path) => path.startsWith(`${this.folder}/`) && !path.includes('/stable/'),
  };

  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      const path = join(this.folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      this.#changed.add(path);
      this.#now.set(path, text);
    }
  }

  /** What a text comes to now, which must be what it comes to anew. How many thunks ran again. */
  check(text: string): { readonly value: string; readonly again: number } {
    // As XML: printing would tell whether equal sets are the same one.
    const source = encodeUtf8(`builtins.toXML (${text}\n)`);
    const { value, again } = this.#resident === undefined ? this.#fromImage(source) : this.#inPlace(this.#resident, source);
    const anew = openSession();
    assert.equal(value, shownBy(anew, () => anew.evaluator.evaluateText(source, this.folder)), text);
    return { value, again };
  }

  #inPlace(session: Session, source: string): { readonly value: string; readonly again: number } {
    const before = validationCounts.again;
    const value = shownBy(session, () => this.revise(source));
    return { value, again: validationCounts.again - before };
  }

  revise(source: string): Value {
    const changed = [...this.#changed];
    this.#changed.clear();
    return this.#resident!.evaluator.evaluateRevision(source, this.folder, changed);
  }

  #fromImage(source: string): { readonly value: string; readonly again: number } {
    let images = this.#images.get(source);
    if (images === undefined) this.#images.set(source, images = new ImagedEvaluations(this.#inputs));
    const before = validationCounts.again;
    const value = images.evaluate(source, this.folder, new Map(this.#now), shownBy);
    if (value !== undefined) return { value, again: validationCounts.again - before };
    this.#images.delete(source);
    return this.#fromImage(source);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** Evaluations of texts over files, the first of which leaves an image that the others go on from. */
export class ImagedEvaluations {
  readonly #inputs: InputNames;
  #image: StoredImage | undefined;
  #files: ReadonlyMap<string, string> = new Map();

  constructor(inputs: InputNames) {
    this.#inputs = inputs;
  }

  /**
   * What `tell` says of an evaluation; `files` are the contents of those that may change. Undefined
   * where only evaluating anew can tell.
   */
  evaluate(
    text: string, directory: string, files: ReadonlyMap<string, string>, tell: (session: Session, evaluate: () => Value) => string,
  ): string | undefined {
    if (this.#image === undefined) {
      const session = openSession({}, {}, undefined, true, this.#inputs);
      const told = tell(session, () => session.evaluator.evaluateText(text, directory));
      const image = session.evaluator.machineImage();
      if (image !== undefined) this.#image = storedImage(image);
      this.#files = files;
      return told;
    }
    const changed = [...files].filter(([path, content]) => this.#files.get(path) !== content).map(([path]) => path);
    forgetSources();
    const session = openSession({}, {}, undefined, true, undefined, { image: this.#image, changed });
    try {
      return tell(session, () => session.evaluator.evaluateText(text, directory));
    } catch (error) {
      if (error instanceof Unkept) return undefined;
      throw error;
    }
  }
}

/** Another process would not have the sources of this one. */
export function forgetSources(): void {
  restoreSources([], nextSourcePosition());
}

/** An image in memory. */
export function storedImage({ words, texts }: MachineImage): StoredImage {
  const copies = new Map([...words].map(([name, some]) => [name, some.slice()]));
  return {
    wordCount: (name) => copies.get(name)!.length,
    readWords(name, from, into) {
      const some = copies.get(name)!.subarray(from, from + into.length);
      assert.equal(some.length, into.length, name);
      into.set(some);
    },
    text: (name) => texts.get(name)!,
  };
}

const failure = 'it fails';

function shownBy({ evaluator, output }: Session, evaluate: () => Value): string {
  output.length = 0;
  try {
    return evaluator.guard(() => {
      const value = evaluate();
      forceDeep(value);
      return [...output, decodeUtf8(printAmbiguous(value))].join('\n');
    });
  } catch (error) {
    if (error instanceof NixError || error instanceof UserError) return failure;
    throw error;
  }
}
