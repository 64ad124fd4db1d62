/**
 * A `BuiltinJob` for tests: inputs are host paths, `/nix/store/NAME` being `NAME` in a given folder.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noProgress } from '#base';
import type { BuiltinJob } from '../../src/build/builtin-builder.ts';
import { createWorkerPool } from '../../src/build/worker-pool.ts';

export interface FakeJobOptions {
  readonly attributes: Record<string, unknown>;
  /** What stands for /nix/store. */
  readonly store?: string;
  readonly cores?: number;
  readonly cacheDirectory?: string;
  readonly closureOf?: (paths: Iterable<string>) => string[];
  readonly queryPathInfo?: (path: string) => unknown;
}

export function fakeJob(options: FakeJobOptions): { job: BuiltinJob; out: string } {
  const folder = mkdtempSync(join(tmpdir(), 'firn-images-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const out = join(folder, 'out');
  const store = options.store ?? folder;
  const job = {
    derivation: { name: 'test', system: 'builtin', outputs: new Map() },
    structuredAttrs: options.attributes,
    referenceCandidates: [],
    inputs: {
      storeDirectory: '/nix/store',
      physicalPath: (path: string) =>
        path.startsWith('/nix/store') ? join(store, path.slice('/nix/store'.length)) : path,
      queryPathInfo: options.queryPathInfo ?? (() => undefined),
      closureOf: options.closureOf ?? ((paths: Iterable<string>) => [...paths].sort()),
    },
    outputs: new Map([['out', out]]),
    cores: options.cores ?? 2,
    progress: noProgress,
    activity: noProgress.start('build', 'test'),
    signal: new AbortController().signal,
    network: undefined,
    cacheDirectory: options.cacheDirectory ?? join(folder, 'cache'),
    workers: createWorkerPool(options.cores ?? 2),
    log() {},
    measured() {},
  };
  return { job: job as unknown as BuiltinJob, out };
}
