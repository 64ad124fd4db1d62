/** One evaluation in its thread: the evaluator with its host, and the task that uses them. */

import { decodeUtf8 } from '#base';
import { renderBrief, renderNixError, withoutEscapes, type NixError } from '#diagnostics';
import { createEvaluator, type Evaluator } from '#eval';
import type { RevisionCounts } from '#flat';
import { packUse } from '#program';
import { createBuiltins, heapMemory, keepTracing, Unkept, type CallObserver, type EvalSettings } from '#runtime';
import type { EvaluationHost } from '../evaluation-host.ts';
import { openHashCache } from '../hash-cache.ts';
import { openImage, type ImageFile } from '../images/image-folder.ts';
import { LazyHost } from '../lazy-host.ts';
import { ProgramFolder } from '../programs/program-keeper.ts';
import { isStillProgram, programDigest } from '../results/question.ts';
import { Recording, type UsedMachine } from '../results/recording.ts';
import { evaluationSettings } from '../evaluation-settings.ts';
import { readSettings, showsStatistics, type NixSettings } from '../settings.ts';
import { instantiateTask, evalTask, installableTask, printTask } from '../tasks/tasks.ts';
import { callObserver, observesCalls } from './call-observers.ts';
import { packFailure } from './failure.ts';
import { isLong, RecordedOutlet, Unanswered, withFrames, type Manner } from './frames.ts';
import { heapLimit } from './heap-limit.ts';
import type { ThreadInput } from './protocol.ts';
import { reportStatistics } from './statistics.ts';
import { MainThread, type Outlet } from './thread-side.ts';

/** What a task works with. */
export interface EvaluationSession {
  readonly evaluator: Evaluator;
  readonly host: EvaluationHost;
  readonly settings: EvalSettings;
  readonly nixSettings: NixSettings;
  readonly workingDirectory: string;
  /** Writes a byte string to standard output. */
  print(text: string): void;
  /** For tasks that stay: gives an answer, and waits for the next request. */
  converse(answer: unknown): unknown;
  /**
   * Performs something once more in a session that shows nothing, is answered what this one was,
   * and suspends all that C++ Nix suspends; undefined if that would take long, or asks for more.
   */
  suspended<T>(perform: (session: EvaluationSession) => T): T | undefined;
}

/** What a task's module exports. The result goes back to the main thread as a structured clone. */
export interface EvaluationTask {
  run(session: EvaluationSession, input: unknown): unknown;
}

export async function runThread(input: ThreadInput): Promise<void> {
  const main = new MainThread(input.port, input.wake);
  let showTrace = false;
  try {
    const nixSettings = readSettings({ environment: input.environment, overrides: input.settingOverrides });
    showTrace = nixSettings.flag('show-trace', false);
    if (input.sharedHeap !== undefined) heapMemory.given = input.sharedHeap.memory;
    const { run } = await import(input.task) as EvaluationTask;
    const startDebugger = input.debugger === undefined ? undefined
      : (await import('../tasks/debugger.ts')).startDebugger(input.debugger, input.color);
    const recording = input.program === undefined ? undefined : new Recording(input, nixSettings);
    if (recording !== undefined) main.onShown = (message) => recording.trace.show(message);
    const observes = observesCalls(nixSettings);
    const machine = !observes && mayBeFast(input) ? await flatMachine() : undefined;
    // Of flakes no results are kept, but programs.
    const keepsPrograms = machine !== undefined && nixSettings.flag('eval-cache', true);
    const program = keepsPrograms ? input.program ?? programDigest() : undefined;
    const keeper = program === undefined ? undefined : new ProgramFolder(input.cacheDirectory, program);
    const image = openImage(input);
    let used: UsedMachine | undefined;
    const endMachine = (): void => {
      image?.close();
      if (program !== undefined && isStillProgram(program)) machine?.savePrograms();
      keeper?.close();
    };
    const releaseMachine = (): void => {
      // What failed is likely to be tried again, after a small change.
      endMachine();
      machine?.release();
    };
    const perform = (outlet: Outlet, manner: Manner): unknown => {
      const observer = outlet === main && observes
        ? callObserver(nixSettings, outlet.progress, input.workingDirectory) : undefined;
      const session = openSession(input, nixSettings, main, {
        outlet, manner, recording, observer, ...(manner === 'fast' ? { machine, keeper, image } : {}),
      });
      startDebugger?.(session);
      try {
        const result = session.evaluator.guard(() => run(session, input.input));
        if (manner === 'fast') used = session.usedMachine();
        return result;
      } finally {
        session.close();
        observer?.close();
      }
    };
    // What is looked at step by step is not performed twice.
    const result = input.debugger !== undefined ? perform(main, showTrace ? 'traced' : 'plain') : withFrames(main, perform, {
      machine: machine === undefined ? undefined : { release: releaseMachine },
      isOnlyFast: input.environment['FIRN_FLAT'] === 'only', showTrace,
    });
    main.flushOutput();
    if (showsStatistics(input.environment)) reportStatistics(input.environment, main.progress);
    main.post({ kind: 'done', result });
    recording?.save(result, used);
    if (input.revision?.kind === 'again') tellRevision(main, used?.counts());
    endMachine();
  } catch (error) {
    main.flushOutput();
    if (error instanceof Unkept) {
      main.post({ kind: 'refused' });
      return input.port.close();
    }
    const render = (one: NixError) =>
      input.treeRoot === undefined || showTrace
        ? renderNixError(one, { showTrace, color: input.color })
        : renderBrief(one, { treeRoot: input.treeRoot, color: input.color });
    const failure = packFailure(error, (one) => decodeUtf8(render(one)));
    main.post({ kind: 'failed', failure });
  }
  input.port.close();
  packUse.keepCode();
}

/** Behind what belongs to the result. */
function tellRevision(main: MainThread, counts: RevisionCounts | undefined): void {
  main.onShown = undefined;
  main.progress.message('debug', counts === undefined ? 'evaluated anew'
    : `evaluated again: ${counts.again} of ${counts.ofAll} thunks`);
}

/** Whether a task may be performed on the flat heap, which counts nothing and cannot converse. */
function mayBeFast({ task, environment }: ThreadInput): boolean {
  return !showsStatistics(environment) && environment['FIRN_FLAT'] !== 'off'
    && [instantiateTask, printTask, evalTask, installableTask].some(({ href }) => href === task);
}

/** Undefined where the system does not give the room. */
async function flatMachine(): Promise<typeof import('#flat') | undefined> {
  try {
    return await import('#flat');
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

interface SessionOptions {
  readonly outlet: Outlet;
  readonly manner?: Manner;
  readonly machine?: typeof import('#flat') | undefined;
  readonly keeper?: ProgramFolder | undefined;
  readonly image?: ImageFile | undefined;
  readonly suspendsAll?: boolean;
  readonly recording?: Recording | undefined;
  readonly observer?: CallObserver | undefined;
}

function openSession(
  input: ThreadInput, nixSettings: NixSettings, main: MainThread, options: SessionOptions,
): EvaluationSession & { usedMachine(): UsedMachine; close(): void } {
  const {
    outlet, manner = 'plain', machine, keeper, image, suspendsAll = false, recording, observer: callObserver,
  } = options;
  const { environment, revision } = input;
  const fromUser = evaluationSettings(
    nixSettings, recording?.environment() ?? environment, input.includes, input.workingDirectory);
  const settings: EvalSettings = {
    ...fromUser, showTrace: manner === 'traced', searchPath: [...fromUser.searchPath, ...input.usualEntries],
    fallbackEntries: input.lastEntries,
  };
  const host = new LazyHost({
    storeDirectory: input.store.storeDirectory,
    store: input.store,
    services: outlet,
    progress: outlet.progress,
    environment,
    currentTime: outlet.startTime,
    hashCache: openHashCache(`${input.cacheDirectory}/source-hashes`),
    trace: recording?.trace,
    image,
  });
  const shown = (text: string) => decodeUtf8(input.color ? text : withoutEscapes(text));
  const evaluator = createEvaluator({
    host,
    settings,
    builtins: createBuiltins,
    callObserver,
    suspendsAll,
    machine: machine?.FlatMachine,
    programKeeper: keeper,
    inputs: manner === 'fast' && revision?.kind === 'noted' ? new Set(revision.inputs) : undefined,
    again: image === undefined || revision?.kind !== 'again' ? undefined : { image, changed: revision.changed },
    machineMegabytes: heapLimit(environment) / 2,
    onTrace: (text) => outlet.progress.message('notice', `trace: ${shown(text)}`),
    onWarning: (text, label) => outlet.progress.message('notice', `${label}: ${shown(text)}`),
  });
  return {
    evaluator, settings, nixSettings, workingDirectory: input.workingDirectory,
    get host() {
      return host.real;
    },
    print: (text) => outlet.print(text),
    converse: (answer) => outlet.converse(answer),
    suspended: (perform) => isLong() || machine?.isLong() === true ? undefined : keepTracing(() => {
      const again = openSession(input, nixSettings, main, { outlet: new RecordedOutlet(main), suspendsAll: true });
      try {
        return again.evaluator.guard(() => perform(again));
      } catch (error) {
        if (error instanceof Unanswered) return undefined;
        throw error;
      } finally {
        again.close();
      }
    }),
    usedMachine() {
      const texts = revision?.kind === 'noted' ? host.imageTexts() : [];
      return {
        image() {
          const image = evaluator.machineImage();
          return image === undefined ? undefined : { ...image, texts: new Map([...image.texts, ...texts]) };
        },
        counts: () => machine!.revisionCounts(),
        isWorthAnImage: () => machine!.isWorthAnImage(),
      };
    },
    close() {
      host.close();
    },
  };
}
