/**
 * The builder that runs builtin builders: it reads the attributes, hands out the network where the
 * output is fixed, and owns the threads that builders share.
 */
import { UserError } from '#base';
import {
  downloadBytes,
  downloadFile,
  mirrorUnreachable,
  type DownloadOptions,
  type ExpectedFile,
  type Mirrors,
} from '#debian';
import { splitStorePath, type Derivation, type StorePath } from '#formats';
import type { Store } from '#store';
import type { Builder, BuildRequest, EarlyWork } from './builder.ts';
import type { BuiltinNetwork } from './builtin-builder.ts';
import { builtinBuilders } from './builtin/index.ts';
import { malformedAttributes, noBuilderFor } from './errors.ts';
import { createWorkerPool, type WorkerPool } from './worker-pool.ts';

export interface BuiltinRunnerOptions {
  readonly mirrors: Mirrors;
  /** See `BuiltinNetwork.snapshotDates`. */
  readonly snapshotDates?: readonly string[];
  readonly cacheDirectory: string;
  /** How many threads builders share. */
  readonly threads: number;
  /** Whom to trust; for tests also how long to wait before trying a download again, and how often. */
  readonly download?: Pick<DownloadOptions, 'retries' | 'retryDelayMs' | 'timeoutMs' | 'certificatesFile'>;
}

export class BuiltinRunner implements Builder {
  readonly name = 'builtin';
  readonly #options: BuiltinRunnerOptions;
  readonly #workers: WorkerPool;
  readonly #network: BuiltinNetwork;

  constructor(options: BuiltinRunnerOptions) {
    this.#options = options;
    this.#workers = createWorkerPool(options.threads);
    this.#network = new MirrorNetwork(options);
  }

  accepts(derivation: Derivation): boolean {
    return derivation.builder.startsWith('builtin:');
  }

  async build(request: BuildRequest): Promise<void> {
    const { derivation, store } = request;
    const builder = builtinBuilders.get(derivation.builder);
    if (!builder) throw noBuilderFor(derivation.builder, derivation.system);
    const kind = derivation.outputs.get('out')?.kind;
    await builder.build({
      derivation,
      structuredAttrs: attributesOf(derivation),
      inputs: store,
      referenceCandidates: [...new Set([...request.inputPaths, ...request.outputPaths.values()])],
      outputs: request.outputs,
      cores: request.cores,
      progress: request.progress,
      activity: request.activity,
      signal: request.signal,
      network: kind === 'fixed' || kind === 'impure' ? this.#network : undefined,
      cacheDirectory: this.#options.cacheDirectory,
      workers: this.#workers,
      log: (line) => request.log(line),
      measured: (output, measure) => request.measured(output, measure),
    });
  }

  readonly early: EarlyWork = {
    inputsOf: (derivation) => {
      const inputs = builtinBuilders.get(derivation.builder)?.earlyInputs?.(attributesOf(derivation)) ?? [];
      return inputs.flatMap((input) => splitStorePath(input)?.storePath ?? []);
    },
    prepare: async (derivation: Derivation, path: StorePath, store: Store, signal: AbortSignal) => {
      const structuredAttrs = attributesOf(derivation);
      const { cacheDirectory } = this.#options;
      await builtinBuilders.get(derivation.builder)?.prepare?.(
        { structuredAttrs, inputs: store, signal, cacheDirectory, workers: this.#workers }, path);
    },
  };

  /** Ends the threads. */
  close(): Promise<void> {
    return this.#workers.close();
  }
}

function attributesOf(derivation: Derivation): Record<string, unknown> {
  const json = derivation.env.get('__json');
  if (json === undefined) return Object.fromEntries(derivation.env);
  try {
    return JSON.parse(json) as Record<string, unknown>;
  } catch (error) {
    throw malformedAttributes(derivation.name, error);
  }
}

/** The network with a memory: a server that cannot be reached is not asked by the next build. */
class MirrorNetwork implements BuiltinNetwork {
  readonly mirrors: Mirrors;
  readonly snapshotDates: readonly string[];
  readonly #defaults: DownloadOptions;
  readonly #unreachable = new Map<string, UserError>();

  constructor(options: BuiltinRunnerOptions) {
    this.mirrors = options.mirrors;
    this.snapshotDates = options.snapshotDates ?? [];
    this.#defaults = options.download ?? {};
  }

  download(
    url: string,
    partial: string,
    expected: ExpectedFile,
    options: DownloadOptions = {},
  ): Promise<void> {
    return this.#remembering(url, () =>
      downloadFile(url, partial, expected, { ...this.#defaults, ...options }),
    );
  }

  read(url: string, limitBytes: number, options: DownloadOptions = {}): Promise<Uint8Array> {
    return this.#remembering(url, () => downloadBytes(url, limitBytes, { ...this.#defaults, ...options }));
  }

  async #remembering<T>(url: string, attempt: () => Promise<T>): Promise<T> {
    const origin = originOf(url);
    const known = this.#unreachable.get(origin);
    if (known) throw mirrorUnreachable(url, 'its server could not be reached before', known);
    try {
      return await attempt();
    } catch (error) {
      const cause = (error as { cause?: { code?: string } }).cause?.code ?? '';
      const isDead = error instanceof UserError && error.code === 'MIRROR_UNREACHABLE';
      if (isDead && unreachableCodes.has(cause)) this.#unreachable.set(origin, error);
      throw error;
    }
  }
}

const unreachableCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

function originOf(url: string): string {
  try {
    return new URL(url).origin;
  } catch {
    return url;
  }
}
