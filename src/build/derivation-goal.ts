/**
 * Making the outputs of one derivation valid, its inputs being valid: lock, build, check, commit.
 *
 * Another process may make the same outputs at the same time: the locks on the output paths, the
 * same that C++ Nix takes, let one of them build and the others find the result. What a build leaves
 * when it fails is removed; what a killed process leaves lies at a temporary place and is garbage.
 */
import { lstatSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError, formatHash, sameHash, type Activity, type Progress } from '#base';
import { type Derivation, type DerivationOutput, type StorePath } from '#formats';
import { deleteTree, bytePath, type FinishedOutput, type SoonDurable, type Store } from '#store';
import type { Builder } from './builder.ts';
import type { OutputMeasure } from './builtin-builder.ts';
import { BuildLog } from './build-log.ts';
import { derivationOptions } from './derivation-options.ts';
import { checkOutputs } from './output-checks.ts';
import type { Slots } from './slots.ts';
import {
  fixedOutputNotPlain, noBuilderFor, outputHashMismatch, referencesNotAllowed, withLastLines,
} from './errors.ts';

export interface BuildContext {
  readonly store: Store;
  readonly builders: readonly Builder[];
  readonly cores: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** `log/nix/drvs` of the store's state; undefined keeps no logs. */
  readonly logDirectory: string | undefined;
}

/**
 * Builds `drvPath` in one of the slots, unless somebody else has meanwhile. `activity` is the parent
 * of its own. The lock is taken before the place: so those of many builds are taken at once, and
 * nobody who holds a place ever waits for a lock, which is what keeps two processes from waiting for
 * each other.
 */
export async function buildDerivation(
  context: BuildContext,
  place: { readonly slots: Slots; readonly size: number },
  drvPath: StorePath,
  derivation: Derivation,
  outputPaths: ReadonlyMap<string, StorePath>,
  activity: Activity,
): Promise<void> {
  const { store, signal } = context;
  const builder = context.builders.find((candidate) => candidate.accepts(derivation));
  if (!builder) throw noBuilderFor(derivation.builder, derivation.system);
  const lock = await store.lockPaths([...outputPaths.values()], signal);
  try {
    if ([...outputPaths.values()].every((path) => store.isValidPath(path))) {
      lock.release();
      return;
    }
    const { durable } = await place.slots.run(signal, place.size, () =>
      buildLocked(context, builder, drvPath, derivation, outputPaths, activity),
    );
    // Other processes may not look at the outputs before they are registered; we go on meanwhile.
    durable.then(() => lock.release(), () => lock.release());
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function buildLocked(
  context: BuildContext,
  builder: Builder,
  drvPath: StorePath,
  derivation: Derivation,
  outputPaths: ReadonlyMap<string, StorePath>,
  activity: Activity,
): Promise<SoonDurable> {
  const { store } = context;
  const places = new Map<string, string>();
  for (const [name, path] of outputPaths) places.set(name, store.prepareOutput(path));
  const measures = new Map<string, OutputMeasure>();
  const log = new BuildLog();
  let committed = false;
  try {
    const inputPaths = closureOfInputs(store, derivation);
    await builder.build({
      drvPath,
      derivation,
      outputs: places,
      inputPaths,
      store,
      cores: context.cores,
      progress: context.progress,
      activity,
      signal: context.signal,
      log: (line) => {
        log.add(line);
        context.progress.message('debug', line);
      },
      measured: (output, measure) => measures.set(output, measure),
    }).catch((error: unknown) => {
      throw error instanceof UserError ? withLastLines(error, log.tail(shownLogLines), drvPath) : error;
    });
    context.signal.throwIfAborted();
    const options = derivationOptions(derivation);
    const finished: FinishedOutput[] = [];
    for (const [name, path] of outputPaths) {
      const physical = places.get(name) as string;
      const output = derivation.outputs.get(name) as DerivationOutput;
      const measured = measures.get(name);
      finished.push({
        path,
        physical,
        ...(measured ? { measured } : {}),
        ...(options.discardsReferences(name) ? { withoutReferences: true } : {}),
        ...(await contentAddressOf(store, drvPath, output, physical, measured?.isAsFixed === true)),
      });
    }
    const soon = await store.commitSoon(finished, {
      deriver: drvPath,
      candidates: inputPaths,
      check: (infos) => {
        for (const info of infos) {
          if (info.contentAddress && info.references.length > 0) {
            throw referencesNotAllowed(drvPath, info.references);
          }
        }
        checkOutputs(store, derivation, options, infos);
      },
    });
    committed = true;
    return soon;
  } finally {
    if (context.logDirectory !== undefined) log.keep(context.logDirectory, drvPath);
    if (!committed) for (const place of places.values()) await removeLeftover(place);
  }
}

/** How much of its builder's output a failure shows. */
const shownLogLines = 25;

/** Of a fixed output: its address, after its content was compared with it, here or by the builder. */
async function contentAddressOf(
  store: Store,
  drvPath: StorePath,
  output: DerivationOutput,
  physical: string,
  isCompared: boolean,
): Promise<Pick<FinishedOutput, 'contentAddress'>> {
  if (output.kind !== 'fixed') return {};
  const { method, hash } = output;
  if (isCompared) return { contentAddress: { method, hash } };
  const status = lstatSync(physical, { throwIfNoEntry: false });
  const isFlat = status !== undefined && (method === 'flat' || method === 'text');
  if (isFlat && !status.isFile()) throw fixedOutputNotPlain(drvPath);
  const found = await store.hashTree(physical, method, hash.algorithm);
  if (!sameHash(found, hash)) {
    throw outputHashMismatch(drvPath, formatHash(hash, 'sri'), formatHash(found, 'sri'));
  }
  // A flat address says nothing of the bit.
  if (isFlat && (status.mode & 0o100) !== 0) throw fixedOutputNotPlain(drvPath);
  return { contentAddress: { method, hash } };
}

/** All that the builder may read, sorted: the closure of sources and of the inputs' outputs. */
export function closureOfInputs(store: Store, derivation: Derivation): StorePath[] {
  const direct: StorePath[] = [...derivation.inputSources];
  for (const [input, names] of derivation.inputDerivations) {
    const outputs = store.readDerivation(input).outputs;
    for (const name of names) {
      const output = outputs.get(name);
      if (output && (output.kind === 'fixed' || output.kind === 'input-addressed')) direct.push(output.path);
    }
  }
  return store.closureOf(direct);
}

// A thread that was ended may just be making its last file: then the folder is not empty yet.
async function removeLeftover(place: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      deleteTree(bytePath(place));
      return;
    } catch (error) {
      if (tries >= 5) throw error;
      await sleep(20);
    }
  }
}
