/** Keeps the result of an evaluation, in its thread, once it has come to a good end. */

import { randomBytes } from 'node:crypto';
import { encodeUtf8 } from '#base';
import type { MachineImage, RevisionCounts } from '#flat';
import { ImageFolder } from '../images/image-folder.ts';
import type { NixSettings } from '../settings.ts';
import type { ThreadInput } from '../worker/protocol.ts';
import { isStillProgram, questionKey } from './question.ts';
import { loadResult, resultFolder, saveResult } from './result-file.ts';
import { newBasis, nextBasis, type History } from './revision.ts';
import { EvaluationTrace } from './trace.ts';

export class Recording {
  readonly trace = new EvaluationTrace();
  readonly #input: ThreadInput;
  readonly #settings: NixSettings;

  constructor(input: ThreadInput, settings: NixSettings) {
    this.#input = input;
    this.#settings = settings;
  }

  /** The environment's variables; those that are looked at are noted. */
  environment(): ThreadInput['environment'] {
    const look = (variables: ThreadInput['environment'], name: string | symbol): string | undefined => {
      const value = variables[name as string];
      this.trace.variable(name as string, value === undefined ? undefined : encodeUtf8(value));
      return value;
    };
    return new Proxy(this.#input.environment, {
      get: look,
      has: (variables, name) => look(variables, name) !== undefined,
      ownKeys: (variables) => {
        this.trace.giveUp();
        return Reflect.ownKeys(variables);
      },
    });
  }

  /**
   * Keeps a result. `machine` is the one that has performed a revision; none if it did not get to the
   * end. It is asked for its image at once: that consists of views of what the machine goes on to use.
   */
  save(result: unknown, machine: UsedMachine | undefined): void {
    const { program, cacheDirectory } = this.#input;
    if (!this.trace.isUsable || program === undefined || !isStillProgram(program)) return;
    const question = questionKey(program, this.#input, this.#settings);
    const folder = resultFolder(cacheDirectory);
    const history = this.#history(question, folder, machine);
    if (history === undefined || !this.trace.isUsable) return;
    saveResult(folder, question, { seen: this.trace.observations(), shown: this.trace.shown, result, history });
  }

  /** What the next evaluations can build on; undefined if the result is not to be kept. */
  #history(question: string, folder: string, machine: UsedMachine | undefined): History | undefined {
    const { revision, cacheDirectory } = this.#input;
    // How long it was with frames is not known, but images are not for those.
    const isWorthwhile = machine?.isWorthAnImage() === true || this.#input.environment['FIRN_REVISIONS'] === 'always';
    if (revision === undefined || revision.kind === 'anew') return { refusals: revision?.refusals ?? 0, isWorthwhile };
    if (machine === undefined) return { refusals: revision.refusals + 1, isWorthwhile: true };
    switch (revision.kind) {
      case 'noted': {
        const name = randomBytes(16).toString('hex');
        const image = machine.image();
        if (image === undefined) return { refusals: revision.refusals + 1, isWorthwhile };
        const isKept = new ImageFolder(cacheDirectory).save(question, name, image);
        const basis = isKept ? newBasis(name, revision.inputs, this.trace.observations()) : undefined;
        return { basis, refusals: revision.refusals, isWorthwhile: true };
      }
      case 'again': {
        const before = loadResult(folder, question);
        // Another process has been here meanwhile.
        if (before?.history.basis?.image !== revision.basis.image) return undefined;
        const basis = nextBasis(revision.basis, before.seen, this.trace.observations(), machine.counts());
        if (basis === undefined) new ImageFolder(cacheDirectory).remove(question);
        const changed = new Set([...revision.changed, ...revision.since]);
        this.trace.addEarlier(before.seen, changed, revision.basis.later);
        return { basis, refusals: revision.refusals, isWorthwhile: true };
      }
    }
  }
}

/** Of the machine that has performed the task. */
export interface UsedMachine {
  isWorthAnImage(): boolean;
  image(): MachineImage | undefined;
  counts(): RevisionCounts;
}
