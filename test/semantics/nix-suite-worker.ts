/**
 * Runs cases of C++ Nix's language suite on a thread with a large stack, as the evaluator itself
 * does, and sends back what each printed.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { decodeUtf8, encodeUtf8 } from '#base';
import {
  Attrs,
  call,
  ContextCollector,
  force,
  forceDeep,
  Lambda,
  printAmbiguous,
  valueToXml,
  type EvalSettings,
  type Value,
} from '#runtime';
import { Unhandled } from '#flat';
import { openSession, renderError, searchPathOf } from './evaluate.ts';

/** A case of the suite: its name, and the form in which its value is printed. */
export interface SuiteCase {
  readonly name: string;
  readonly form: 'text' | 'xml';
}

export interface SuiteOutcome {
  readonly out: string;
  readonly err: string;
  readonly failed: boolean;
  /** The same on the flat heap, if that does not leave it to others. */
  readonly fast?: Omit<SuiteOutcome, 'fast'>;
}

/** What the thread is started with. */
export interface SuiteWork {
  /** `tests/functional` of C++ Nix's source. */
  readonly functional: string;
  readonly cases: readonly SuiteCase[];
}

const { functional, cases } = workerData as SuiteWork;
const folder = join(functional, 'lang');

for (const { name, form } of cases) {
  const outcome = run(name, form, false);
  const fast = runFast(name, form);
  parentPort!.postMessage([name, fast === undefined ? outcome : { ...outcome, fast }]);
}

interface Flags {
  readonly settings: Partial<EvalSettings>;
  readonly args: ReadonlyMap<string, string>;
  readonly attribute: string | undefined;
  readonly strict: boolean;
}

/** What the flags of a case mean; `undefined` for flags that concern other parts. */
function readFlags(name: string): Flags {
  const file = join(folder, `${name}.flags`);
  const words = existsSync(file)
    ? readFileSync(file, 'utf8').replace(/#.*/g, '').split(/\s+/).filter((word) => word !== '')
    : [];
  const searchPath: string[] = [];
  const features = new Set(['nix-command', 'flakes']);
  const args = new Map<string, string>();
  const lints: Record<string, 'warn' | 'fatal'> = {};
  let attribute: string | undefined;
  let showTrace = true;
  let maxCallDepth = 10_000;
  for (let i = 0; i < words.length; i++) {
    switch (words[i]) {
      case '-I': {
        const entry = words[++i]!;
        searchPath.push(entry.replace(/(^|=)lang/, `$1${folder}`));
        break;
      }
      case '--arg':
        args.set(words[i + 1]!, words[i + 2]!.replace('(lang', `(${folder}`));
        i += 2;
        break;
      case '--argstr':
        args.set(words[i + 1]!, JSON.stringify(words[i + 2]));
        i += 2;
        break;
      case '-A':
        attribute = words[++i];
        break;
      case '--extra-experimental-features':
        features.add(words[++i]!);
        break;
      case '--no-show-trace':
        showTrace = false;
        break;
      case '--lint-url-literals':
      case '--lint-short-path-literals':
      case '--lint-absolute-path-literals':
        lints[words[i]!.slice('--lint-'.length)] = words[++i] as 'warn' | 'fatal';
        break;
      case '--max-call-depth':
        maxCallDepth = Number(words[++i]);
        break;
    }
  }
  searchPath.push(join(folder, 'dir3'), join(folder, 'dir4'));
  return {
    settings: { searchPath: searchPathOf(searchPath), features, showTrace, maxCallDepth, lints },
    args,
    attribute,
    strict: words.length === 0 || !words.includes('--eval') || words.includes('--strict'),
  };
}

function runFast(name: string, form: 'text' | 'xml'): Omit<SuiteOutcome, 'fast'> | undefined {
  try {
    return run(name, form, true);
  } catch (error) {
    if (error instanceof Unhandled) return undefined;
    throw error;
  }
}

function run(name: string, form: 'text' | 'xml', fast: boolean): Omit<SuiteOutcome, 'fast'> {
  const flags = readFlags(name);
  // Frames are collected in any case: what is shown of them is decided when rendering.
  const settings = { ...flags.settings, showTrace: !fast };
  const { evaluator, output } = openSession(settings, { TEST_VAR: 'foo' }, undefined, fast);
  const shorten = (text: string): string => text.replaceAll(functional, '/pwd');
  try {
    const out = evaluator.guard(() => {
      let value = evaluator.evaluateMainFile(encodeUtf8(join(folder, `${name}.nix`)));
      if (flags.args.size > 0 && value instanceof Lambda) {
        const texts = [...flags.args].map(([key, text]) => `${key} = ${text};`);
        value = call(value, evaluator.evaluateText(`{ ${texts.join(' ')} }`, '/'));
      } else value = autoCall(value);
      if (flags.attribute !== undefined) {
        value = force((value as Attrs).get(flags.attribute)!);
      }
      if (form === 'xml') {
        return valueToXml(value, new ContextCollector(), { strict: true, location: false });
      }
      if (flags.strict) forceDeep(value);
      return `${printAmbiguous(value)}\n`;
    });
    return { out: shorten(decodeUtf8(out)), err: shorten(output.join('\n')), failed: false };
  } catch (error) {
    output.push(renderError(error, flags.settings.showTrace));
    return { out: '', err: shorten(output.join('\n')), failed: true };
  }
}

/** A function all of whose parameters have defaults is called with nothing. */
function autoCall(value: Value): Value {
  const isOptional =
    value instanceof Lambda &&
    value.arity === 1 &&
    value.info.formals?.every((formal) => formal.hasDefault) === true;
  return isOptional ? call(value, Attrs.fromNames([], [])) : value;
}
