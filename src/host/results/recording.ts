/** Keeps the result of an evaluation, in its thread, once it has come to a good end. */

import { encodeUtf8 } from '#base';
import type { NixSettings } from '../settings.ts';
import type { ThreadInput } from '../worker/protocol.ts';
import { isStillProgram, questionKey } from './question.ts';
import { resultFolder, saveResult } from './result-file.ts';
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

  save(result: unknown): void {
    const { program, cacheDirectory } = this.#input;
    if (!this.trace.isUsable || program === undefined || !isStillProgram(program)) return;
    const question = questionKey(program, this.#input, this.#settings);
    saveResult(resultFolder(cacheDirectory), question, {
      seen: this.trace.observations(), shown: this.trace.shown, result,
    });
  }
}
