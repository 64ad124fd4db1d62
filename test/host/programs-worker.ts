/**
 * Evaluates an expression on the flat heap with programs kept in a folder, in a thread of its own as
 * Firn does, and tells which files it had to read.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { decodeUtf8, noProgress, UserError } from '#base';
import { NixError, showPosition } from '#diagnostics';
import { createEvaluator, type FileIdentity, type IdentifiedText } from '#eval';
import { FlatMachine, savePrograms } from '#flat';
import { createBuiltins, forceDeep, printAmbiguous, type EvalSettings } from '#runtime';
import { LocalStore } from '#store';
import { EvaluationHost } from '../../src/host/evaluation-host.ts';
import { ProgramFolder } from '../../src/host/programs/program-keeper.ts';
import { EvaluationTrace } from '../../src/host/results/trace.ts';
import { defaultSettings } from '../semantics/evaluate.ts';

export interface ProgramsWork {
  /** Without, nothing is kept. */
  readonly cache?: string | undefined;
  /** Stands for the version of Firn. */
  readonly program?: string;
  readonly folder: string;
  readonly expression: string;
  readonly settings?: Partial<EvalSettings>;
  /** Is written when the expression traces something: a file, and its new text. */
  readonly written?: readonly [string, string];
}

export interface ProgramsOutcome {
  /** The value, or what the error says and where it is. */
  readonly value: string;
  readonly output: readonly string[];
  /** Files that were read, and those whose state sufficed. */
  readonly read: readonly string[];
  readonly known: readonly string[];
  /** What was noted of the files, for later runs. */
  readonly observed: ReadonlyMap<string, unknown>;
}

const { cache, program = 'this', folder, expression, settings, written } = workerData as ProgramsWork;
const read: string[] = [];
const known: string[] = [];
const output: string[] = [];
const trace = new EvaluationTrace();

class WatchedHost extends EvaluationHost {
  override readFile(path: string): string {
    read.push(path);
    return super.readFile(path);
  }

  override readIdentified(path: string, identity: FileIdentity | undefined): IdentifiedText {
    const found = super.readIdentified(path, identity);
    (found.text === undefined ? known : read).push(path);
    return found;
  }
}

const refuse = (): never => {
  throw new UserError('TEST_NO_WORLD', 'nothing is built or fetched in this test');
};
const host = new WatchedHost({
  storeDirectory: '/nix/store', openStore: () => new LocalStore({ root: `${folder}/root` }), progress: noProgress,
  environment: {}, currentTime: 1, services: { realise: refuse, fetch: refuse, resolveSearchPathEntry: () => null }, trace,
});
const keeper = cache === undefined ? undefined : new ProgramFolder(cache, program);
const evaluator = createEvaluator({
  host, builtins: createBuiltins, settings: { ...defaultSettings, ...settings }, machine: FlatMachine, programKeeper: keeper,
  onTrace: (text) => {
    output.push(decodeUtf8(text));
    if (written !== undefined) process.getBuiltinModule('node:fs').writeFileSync(...written);
  },
  onWarning: (text) => output.push(decodeUtf8(text)),
});

function value(): string {
  try {
    const found = evaluator.evaluateString(expression, folder);
    forceDeep(found);
    return decodeUtf8(printAmbiguous(found));
  } catch (error) {
    if (error instanceof NixError) return `${error.message} at ${showPosition(error.position)}`;
    return (error as Error).message;
  }
}

const outcome = { value: value(), output, read, known, observed: trace.observations().files };
savePrograms();
keeper?.close();
parentPort!.postMessage(outcome satisfies ProgramsOutcome);
