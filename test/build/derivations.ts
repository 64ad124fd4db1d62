/** Derivations of builtin builders made without evaluation, and a store to realise them in. */

import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  makeContentAddressedPath, makeOutputPath, moduloFinder, noReferences, outputHashModulo,
  type Derivation, type DerivationOutput, type StorePath,
} from '#formats';
import { hashOf, noProgress } from '#base';
import { BuiltinRunner, realise, type Builder, type RealiseOptions } from '#build';
import { chooseMirrors, type Mirrors } from '#debian';
import { LocalStore, deleteTree } from '#store';

export interface Made {
  readonly drvPath: StorePath;
  readonly out: StorePath;
}

export interface Builds {
  readonly store: LocalStore;
  readonly cacheDirectory: string;
  /** What the last realisation said: levels and texts. */
  readonly told: readonly (readonly [string, string])[];
  /** Runs the builtin builders. */
  readonly builder: Builder;
  /** A derivation with structured attributes; `inputs` are what it depends on. */
  add(name: string, builder: string, attributes: Record<string, unknown>, inputs?: readonly Made[]): Made;
  /** A download of content with the given hash. */
  fetch(name: string, url: string, content: Uint8Array | string, environment?: Record<string, string>): Made;
  realise(wanted: readonly Made[], options?: Partial<RealiseOptions>): Promise<string[]>;
  close(): Promise<void>;
}

export interface BuildsOptions {
  readonly mirrors?: Mirrors;
  readonly snapshotDates?: readonly string[];
}

export function freshBuilds(options: BuildsOptions = {}): Builds {
  const scratch = mkdtempSync(join(tmpdir(), 'firn-build-'));
  const store = new LocalStore({ root: join(scratch, 'root') });
  const cacheDirectory = join(scratch, 'cache');
  const runner = new BuiltinRunner({
    mirrors: options.mirrors ?? chooseMirrors({ mirror: 'http://127.0.0.1:1/debian', snapshot: 'http://127.0.0.1:1' }),
    ...(options.snapshotDates ? { snapshotDates: options.snapshotDates } : {}),
    cacheDirectory,
    threads: 2,
    download: { retries: 1, retryDelayMs: 1, timeoutMs: 3000 },
  });
  const told: [string, string][] = [];
  const progress = { ...noProgress, message: (level: string, message: string) => { told.push([level, message]); } };
  const find = moduloFinder((path) => store.readDerivation(path));
  return {
    store,
    cacheDirectory,
    told,
    builder: runner,
    add(name, builder, attributes, inputs = []) {
      const env = new Map([['__json', JSON.stringify({ name, ...attributes })], ['out', '']]);
      const masked = derivation(name, builder, env, { kind: 'deferred' }, inputs);
      const modulo = outputHashModulo(masked, find) as string;
      const out = makeOutputPath('out', modulo, name);
      const finished = derivation(name, builder, new Map([...env, ['out', out]]), { kind: 'input-addressed', path: out }, inputs);
      return { drvPath: store.addDerivation(finished), out };
    },
    fetch(name, url, content, environment = {}) {
      const hash = hashOf('sha256', Buffer.from(content as string));
      const out = makeContentAddressedPath(name, { method: 'flat', hash }, noReferences);
      const env = new Map(Object.entries({ name, url, out, ...environment }));
      const made = derivation(name, 'builtin:fetchurl', env, { kind: 'fixed', path: out, method: 'flat', hash }, []);
      return { drvPath: store.addDerivation(made), out };
    },
    async realise(wanted, more = {}) {
      told.length = 0;
      await realise(store, wanted.map(({ drvPath }) => ({ drvPath })), { builders: [runner], jobs: 2, progress, ...more });
      return wanted.map(({ out }) => store.physicalPath(out));
    },
    async close() {
      await runner.close();
      store.close();
      deleteTree(scratch);
    },
  };
}

function derivation(
  name: string, builder: string, env: ReadonlyMap<string, string>, output: DerivationOutput, inputs: readonly Made[],
): Derivation {
  return {
    name, builder, env, system: 'builtin', args: [], inputSources: [],
    outputs: new Map([['out', output]]),
    inputDerivations: new Map(inputs.map((input) => [input.drvPath, ['out']])),
  };
}

/** What stands at a path, for comparing: `d` folder, `f`/`x` file with content, `l` link. */
export function sha256Hex(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}
