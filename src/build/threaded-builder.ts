/**
 * Builtin builders whose work runs in a thread of the pool.
 *
 * Reading, linking and hashing thousands of files one after another would keep the main thread from
 * all other builds. So a builder that does much of it names its own module here; the thread loads
 * the module and calls its `buildInThread`, then brings the outputs into canonical form, hashes them
 * and looks for references while the main thread goes on. What crosses between the two are plain
 * values; the signal ends the thread.
 */
import type { StorePath } from '#formats';
import { isSystemError, systemFailed } from './errors.ts';
import type { BuiltinBuilder, BuiltinJob, OutputMeasure } from './builtin-builder.ts';

/** A `BuiltinJob`, as far as it reaches into a thread. */
export interface ThreadJob {
  readonly structuredAttrs: Readonly<Record<string, unknown>>;
  /** See `BuiltinInputs.physicalPath`. */
  physicalPath(storePath: string): string;
  readonly outputs: ReadonlyMap<string, string>;
  readonly cores: number;
  /** Says that so many of the announced steps are done. */
  advance(steps: number): void;
  /** Adds a line to the build's log. */
  log(line: string): void;
}

/** What a module of a threaded builder exports. */
export interface ThreadedModule {
  /**
   * Writes every output. Returns measures of outputs that it hashed while it wrote them; the others
   * are read once more.
   */
  buildInThread(job: ThreadJob): ThreadMeasures | Promise<ThreadMeasures>;
}

export type ThreadMeasures = ReadonlyMap<string, OutputMeasure> | undefined;

export interface ThreadRequest {
  readonly module: string;
  readonly structuredAttrs: Readonly<Record<string, unknown>>;
  readonly storeDirectory: string;
  readonly physicalStoreDirectory: string;
  readonly outputs: readonly (readonly [name: string, place: string])[];
  readonly cores: number;
  /** Paths that an output may refer to. */
  readonly candidates: readonly StorePath[];
}

export type ThreadAnswer = readonly (readonly [name: string, measure: OutputMeasure])[];

export interface ThreadedOptions {
  readonly kind?: 'build' | 'unpack';
  /** How many steps `ThreadJob.advance` will count. */
  readonly steps?: (job: BuiltinJob) => number | undefined;
}

const task = new URL('./thread-task.ts', import.meta.url);

/** The builder of that name, whose `buildInThread` stands in the module at `moduleUrl`. */
export function threadedBuilder(
  name: string,
  moduleUrl: string,
  options: ThreadedOptions = {},
): BuiltinBuilder {
  return {
    name,
    async build(job) {
      const total = options.steps?.(job);
      const activity = job.progress.start(options.kind ?? 'build', job.derivation.name, {
        ...(total === undefined ? {} : { total }),
        parent: job.activity,
      });
      try {
        const answer = await job.workers.run<ThreadAnswer>(task, requestFor(moduleUrl, job), {
          signal: job.signal,
          onAdvance: (steps) => activity.advance(steps),
          onLog: (line) => job.log(line),
        });
        for (const [output, measure] of answer) job.measured(output, measure);
        activity.finish();
      } catch (error) {
        activity.finish('failed');
        throw isSystemError(error) ? systemFailed(error) : error;
      }
    },
  };
}

function requestFor(moduleUrl: string, job: BuiltinJob): ThreadRequest {
  const { storeDirectory } = job.inputs;
  return {
    module: moduleUrl,
    structuredAttrs: job.structuredAttrs,
    storeDirectory,
    physicalStoreDirectory: job.inputs.physicalPath(storeDirectory),
    outputs: [...job.outputs],
    cores: job.cores,
    candidates: job.referenceCandidates,
  };
}
