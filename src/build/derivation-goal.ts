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
import {
  hashPartOf, hasUnknownPaths, isImpure, makeContentAddressedPath, noReferences, outputPathName, type ContentAddress,
  type Derivation, type DerivationOutput, type PathInfo, type StorePath,
} from '#formats';
import {
  addressOutputs, bytePath, deleteTree, rewriteTree, type FinishedOutput, type Realisation, type ScratchOutput, type SoonDurable,
  type Store,
} from '#store';
import type { Builder } from './builder.ts';
import type { OutputMeasure } from './builtin-builder.ts';
import { BuildLog, type LogOptions } from './build-log.ts';
import { parseBuilderMessage, type BuilderMessage } from './builder-message.ts';
import { compareOutputs, type CheckOptions } from './check-build.ts';
import { derivationOptions } from './derivation-options.ts';
import { checkOutputs } from './output-checks.ts';
import { builderPaths, knownOutputPaths, lockedPaths, validOutputs, type OutputMap } from './output-paths.ts';
import type { Realised, Wanted } from './realise.ts';
import type { Slots } from './slots.ts';
import { kindOf } from './work-plan.ts';
import {
  builderFailedForNow, fixedOutputNotPlain, localBuildsDisabled, noBuilderFor, outputHashMismatch, referencesNotAllowed,
  withLastLines,
} from './errors.ts';

export interface BuildContext {
  readonly store: Store;
  readonly builders: readonly Builder[];
  /** False: only other machines build, and the builtin builders. */
  readonly localBuilds: boolean;
  readonly cores: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** `log/nix/drvs` of the store's state; undefined keeps no logs. */
  readonly logDirectory: string | undefined;
  /** Makes things valid for a builder that runs. */
  readonly realiseNested: (wanted: readonly Wanted[]) => Promise<Realised>;
  /** Builds again what is valid and compares. */
  readonly check?: CheckOptions | undefined;
  readonly logs?: LogOptions | undefined;
  /** Gives the signatures of an output that was built here. */
  readonly sign?: ((info: PathInfo) => readonly string[]) | undefined;
  /** Signs what is remembered of an output whose path followed from its content. */
  readonly signRealisation?: ((one: Realisation) => Realisation) | undefined;
  /** Called when outputs that were built here, also to compare, are valid for everybody. */
  readonly whenBuilt?: ((drvPath: StorePath, outputs: OutputMap) => void | Promise<void>) | undefined;
}

/** Where a build waits for its turn; rank and weight as `Slots` takes them. */
interface Place {
  readonly slots: Slots;
  readonly rank: number;
  readonly weight: number;
}

/** Outputs made, or found made by somebody else; they are durable when `durable` has ended. */
interface Built {
  readonly outputs: OutputMap;
  readonly durable: Promise<void>;
}

/**
 * Builds `drvPath` in one of the slots, unless somebody else has meanwhile; gives its outputs.
 * `activity` is the parent of its own. The lock is taken before the place: so those of many builds
 * are taken at once, and nobody who holds a place ever waits for a lock, which is what keeps two
 * processes from waiting for each other.
 */
export async function buildDerivation(
  context: BuildContext,
  place: Place,
  drvPath: StorePath,
  derivation: Derivation,
  activity: Activity,
): Promise<OutputMap> {
  const { store, signal } = context;
  const accepting = context.builders.filter((candidate) => candidate.accepts(derivation));
  if (accepting.length === 0) throw noBuilder(context, derivation);
  const lock = await store.lockPaths(lockedPaths(drvPath, derivation), signal, place.rank);
  try {
    const present = context.check === undefined ? validOutputs(store, drvPath, derivation) : undefined;
    if (present !== undefined) {
      lock.release();
      return present;
    }
    const build = (builder: Builder) => buildLocked(context, builder, drvPath, derivation, activity);
    const { outputs, durable } = await buildElsewhere(context, accepting, derivation, build)
      ?? await buildHere(context, accepting, place, build, derivation);
    if (context.whenBuilt !== undefined) {
      await Promise.all([durable, store.flush()]);
      await context.whenBuilt(drvPath, outputs);
    }
    // Other processes may not look at the outputs before they are registered; we go on meanwhile.
    durable.then(() => lock.release(), () => lock.release());
    return outputs;
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Builds on another machine, if one has a place; undefined if it is to be built here. */
async function buildElsewhere(
  { signal, progress, check }: BuildContext, accepting: readonly Builder[], derivation: Derivation,
  build: (builder: Builder) => Promise<Built>,
): Promise<Built | undefined> {
  const here = accepting.some((builder) => builder.reserve === undefined);
  // What is compared with what was built here is built here, and so is what asks for that.
  if (here && (check !== undefined || derivationOptions(derivation).prefersLocalBuild)) return undefined;
  for (const builder of accepting) {
    for (;;) {
      const reserved = await builder.reserve?.(derivation, { mayWait: !here, signal });
      if (reserved === undefined) break;
      try {
        return await build({ ...builder, name: builder.name, accepts: () => true, build: (request) => reserved.build(request) });
      } catch (error) {
        if (!reserved.isLost(error)) throw error;
        progress.message('warning', (error as Error).message);
      } finally {
        reserved.release();
      }
    }
  }
  return undefined;
}

function noBuilder({ localBuilds }: BuildContext, { builder, system }: Derivation): Error {
  return localBuilds ? noBuilderFor(builder, system) : localBuildsDisabled();
}

/** Builds in one of our own places. */
function buildHere(
  context: BuildContext, accepting: readonly Builder[], place: Place,
  build: (builder: Builder) => Promise<Built>, derivation: Derivation,
): Promise<Built> {
  const builder = accepting.find((candidate) => candidate.reserve === undefined);
  if (builder === undefined) throw noBuilder(context, derivation);
  return place.slots.run(context.signal, place.rank, () => build(builder), place.weight);
}

async function buildLocked(
  context: BuildContext,
  builder: Builder,
  drvPath: StorePath,
  derivation: Derivation,
  activity: Activity,
): Promise<Built> {
  const { store } = context;
  const outputPaths = builderPaths(drvPath, derivation, store.storeDirectory,
    (path) => builder.writesInPlace?.(derivation, store) === true && store.isValidPath(path));
  const places = new Map<string, string>();
  for (const [name, path] of outputPaths) places.set(name, store.prepareOutput(path));
  const measures = new Map<string, OutputMeasure>();
  // A program that says nothing leaves an empty log; the builders of our own leave none.
  const isProgram = !derivation.builder.startsWith('builtin:');
  const log = new BuildLog(context.logDirectory, drvPath, { ...context.logs, keepEmpty: isProgram });
  const own = ownActivity(context, drvPath, derivation, activity);
  const endings: ((succeeded: boolean) => void)[] = [];
  let committed = false;
  let succeeded = false;
  try {
    const inputPaths = closureOfInputs(store, derivation);
    const added = new Set<StorePath>();
    await builder.build({
      drvPath,
      derivation,
      outputs: places,
      outputPaths,
      inputPaths,
      store,
      nested: { added, realise: context.realiseNested },
      cores: context.cores,
      progress: context.progress,
      activity: own,
      signal: context.signal,
      afterwards: (work) => { endings.push(work); },
      log: (line) => {
        const message = parseBuilderMessage(line);
        if (message === undefined) {
          log.add(line);
          own.log?.(line);
        } else {
          log.addUnshown(line);
          tellMessage(message, context.progress, own);
        }
      },
      builtAs: (output, path) => { outputPaths.set(output, path); },
      measured: (output, measure) => measures.set(output, measure),
    }).catch((thrown: unknown) => {
      const error = mayPass(derivation) ? asPassing(thrown) : thrown;
      const isTold = !(error instanceof UserError) || context.progress.showsLogs === true;
      throw isTold ? error : withLastLines(error, log.tail(), drvPath);
    });
    context.signal.throwIfAborted();
    const made = { drvPath, derivation, outputPaths, places, measures, inputPaths: [...inputPaths, ...added] };
    const finished = hasUnknownPaths(derivation) ? await addressedOutputs(store, made) : await knownOutputs(store, made);
    if (context.check !== undefined) {
      await compareOutputs(store, drvPath, [...finished.values()], context.check, (line) => log.add(line));
      succeeded = true;
      return { outputs: pathsOf(finished), durable: Promise.resolve() };
    }
    const { durable } = await commit(context, made, finished);
    committed = true;
    succeeded = true;
    return { outputs: pathsOf(finished), durable };
  } finally {
    await log.close();
    for (const end of endings) end(succeeded);
    if (own !== activity) own.finish(succeeded ? 'done' : 'failed');
    if (!committed) for (const place of places.values()) await removeLeftover(place);
  }
}

/** Whether a failure may be the network's, so that the same build could succeed another time. */
function mayPass({ outputs }: Derivation): boolean {
  return [...outputs.values()].some(({ kind }) => kind === 'fixed' || kind === 'impure');
}

/** Scripts tell by the exit status which failures are for ever. */
function asPassing(error: unknown): unknown {
  const isBuilders = error instanceof UserError && error.code === 'BUILDER_FAILED';
  return isBuilders ? builderFailedForNow(error) : error;
}

function tellMessage(message: BuilderMessage, progress: Progress, own: Activity): void {
  switch (message.kind) {
    case 'phase': return own.detail(message.phase);
    case 'message': {
      const { level, text } = message;
      return progress.message(level < 3 ? 'notice' : level === 3 ? 'info' : level === 4 ? 'debug' : 'chatty', text);
    }
    case 'malformed': return progress.message('warning', message.warning);
    case 'other':
  }
}

/** Downloads and unpacking are one activity for all of a kind; any other build is one of its own. */
function ownActivity(context: BuildContext, drvPath: StorePath, derivation: Derivation, parent: Activity): Activity {
  return kindOf(derivation) !== 'build' ? parent
    : context.progress.start('build', derivation.name, { parent, subject: { kind: 'derivation', drvPath } });
}

/** What a builder has left behind. */
interface MadeOutputs {
  readonly drvPath: StorePath;
  readonly derivation: Derivation;
  /** What the builder knew the outputs by. */
  readonly outputPaths: OutputMap;
  readonly places: ReadonlyMap<string, string>;
  readonly measures: ReadonlyMap<string, OutputMeasure>;
  readonly inputPaths: readonly StorePath[];
}

async function commit(
  { store, sign, signRealisation = (one) => one }: BuildContext, made: MadeOutputs, finished: ReadonlyMap<string, FinishedOutput>,
): Promise<SoonDurable> {
  const { drvPath, derivation, inputPaths } = made;
  const options = derivationOptions(derivation);
  const soon = await store.commitSoon([...finished.values()], {
    deriver: drvPath,
    candidates: inputPaths,
    sign,
    check: (infos) => {
      for (const info of infos) {
        const isFixed = info.contentAddress !== undefined && !hasUnknownPaths(derivation);
        if (isFixed && info.references.length > 0) throw referencesNotAllowed(drvPath, info.references);
      }
      checkOutputs(store, derivation, pathsOf(finished), options, infos);
    },
  });
  if (hasUnknownPaths(derivation) && !isImpure(derivation)) {
    store.registerRealisations([...finished].map(([output, { path }]) =>
      signRealisation({ drvPath, output, path, signatures: [] })));
  }
  return soon;
}

/** Outputs whose paths the derivation tells. */
async function knownOutputs(store: Store, made: MadeOutputs): Promise<Map<string, FinishedOutput>> {
  const { derivation, places, measures, outputPaths } = made;
  const options = derivationOptions(derivation);
  const finished = new Map<string, FinishedOutput>();
  const moved = new Map<string, string>();
  for (const [name, path] of knownOutputPaths(derivation)) {
    const known = outputPaths.get(name) as StorePath;
    if (known !== path) moved.set(hashPartOf(known), hashPartOf(path));
  }
  for (const [name, path] of knownOutputPaths(derivation)) {
    const physical = places.get(name) as string;
    const output = derivation.outputs.get(name) as DerivationOutput;
    const measured = measures.get(name);
    if (moved.size > 0) rewriteTree(bytePath(physical), moved);
    finished.set(name, {
      path,
      physical,
      ...(measured ? { measured } : {}),
      ...(options.discardsReferences(name) ? { withoutReferences: true } : {}),
      ...(await contentAddressOf(store, made, output, physical, measured?.isAsFixed === true)),
    });
  }
  return finished;
}

/** Outputs whose paths follow from their content. */
function addressedOutputs(store: Store, made: MadeOutputs): Promise<Map<string, FinishedOutput>> {
  const { drvPath, derivation, places, outputPaths, inputPaths } = made;
  const options = derivationOptions(derivation);
  const outputs: ScratchOutput[] = [];
  for (const [name, output] of derivation.outputs) {
    if (output.kind !== 'floating' && output.kind !== 'impure') continue;
    outputs.push({
      name, pathName: outputPathName(derivation.name, name), method: output.method, algorithm: output.algorithm,
      scratch: outputPaths.get(name) as StorePath, physical: places.get(name) as string,
      withoutReferences: options.discardsReferences(name),
    });
  }
  return addressOutputs(outputs, { drvPath, candidates: inputPaths, storeDirectory: store.storeDirectory });
}

function pathsOf(finished: ReadonlyMap<string, FinishedOutput>): Map<string, StorePath> {
  return new Map([...finished].map(([name, { path }]) => [name, path]));
}

/** Of a fixed output: its address, after its content was compared with it, here or by the builder. */
async function contentAddressOf(
  store: Store,
  made: MadeOutputs,
  output: DerivationOutput,
  physical: string,
  isCompared: boolean,
): Promise<Pick<FinishedOutput, 'contentAddress'>> {
  if (output.kind !== 'fixed') return {};
  const { drvPath } = made;
  const { method, hash } = output;
  if (isCompared) return { contentAddress: { method, hash } };
  const status = lstatSync(physical, { throwIfNoEntry: false });
  const isFlat = status !== undefined && (method === 'flat' || method === 'text');
  if (isFlat && !status.isFile()) throw fixedOutputNotPlain(drvPath);
  const found = await store.hashTree(physical, method, hash.algorithm);
  if (!sameHash(found, hash)) {
    if (!isFlat || (status.mode & 0o100) === 0) await keepUnderItsHash(store, made, physical, { method, hash: found });
    throw outputHashMismatch(drvPath, formatHash(hash, 'sri'), formatHash(found, 'sri'));
  }
  // A flat address says nothing of the bit.
  if (isFlat && (status.mode & 0o100) !== 0) throw fixedOutputNotPlain(drvPath);
  return { contentAddress: { method, hash } };
}

/**
 * What a fixed output turned out to be is kept under the path of that, as C++ Nix does: whoever then
 * corrects the hash need not build it again.
 */
async function keepUnderItsHash(
  store: Store, { drvPath, derivation, inputPaths }: MadeOutputs, physical: string, contentAddress: ContentAddress,
): Promise<void> {
  const path = makeContentAddressedPath(derivation.name, contentAddress, noReferences, store.storeDirectory);
  // Whoever holds it makes that very path, perhaps for ever: then it is left to them.
  const lock = await store.lockPaths([path], AbortSignal.timeout(briefMilliseconds)).catch(() => undefined);
  if (lock === undefined) return;
  try {
    await store.commitOutputs([{ path, physical, contentAddress }], {
      candidates: inputPaths,
      check: (infos) => {
        for (const { references } of infos) if (references.length > 0) throw referencesNotAllowed(drvPath, references);
      },
    });
  } finally {
    lock.release();
  }
}

/** So long a lock is waited for that nothing depends on. */
const briefMilliseconds = 300;

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
