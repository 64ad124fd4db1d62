/** Derivations whose builder is a static busybox's shell, made without evaluation, and the sandbox to build them. */

import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeUtf8, type Hash, type Progress, noProgress } from '#base';
import {
  downstreamPlaceholder, makeContentAddressedPath, makeOutputPath, moduloFinder, noReferences, outputHashModulo,
  outputPlaceholder, type Derivation, type DerivationOutput, type IngestionMethod, type StorePath,
} from '#formats';
import { SandboxBuilder, realise, type RealiseOptions, type SandboxOptions } from '#build';
import { hostSystem } from '#host';
import { bytePath, Bzip2Reader, LocalStore, deleteTree } from '#store';
import { needs } from '../support/foreign.ts';

export const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path));

/** For a test's options: skips it with the reason where there is no sandbox or no builder. */
export const needsSandbox: { skip: string | false } = { skip: reasonToSkip() };

function reasonToSkip(): string | false {
  if (process.platform !== 'linux') return 'sandboxes are made on Linux only';
  if (busybox === undefined) return 'not installed: busybox';
  const trial = spawnSync('bwrap', ['--unshare-all', '--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev', 'true']);
  if (trial.error !== undefined) return 'not installed: bwrap';
  return trial.status === 0 ? false : 'namespaces cannot be made here';
}

/** The same where downloads cannot be given a network of their own. */
export const needsNetwork: { skip: string | false } = {
  skip: needsSandbox.skip || needs('slirp4netns', 'ip').skip || (existsSync('/dev/net/tun') ? false : 'no /dev/net/tun'),
};

export interface Made {
  readonly drvPath: StorePath;
  readonly outputs: ReadonlyMap<string, StorePath>;
  readonly out: StorePath;
}

export interface Specification {
  readonly script: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly outputs?: readonly string[];
  readonly inputs?: readonly Made[];
  readonly sources?: readonly StorePath[];
  readonly structured?: Readonly<Record<string, unknown>>;
  readonly fixed?: { readonly method: IngestionMethod; readonly hash: Hash };
  /** Paths follow from the content: those of `Made` are placeholders of them. */
  readonly byContent?: boolean;
  readonly system?: string;
  readonly builder?: string;
}

export interface SandboxedBuilds {
  readonly store: LocalStore;
  readonly root: string;
  readonly tools: StorePath;
  add(name: string, specification: Specification): Made;
  /** Builds, and gives the physical places of the outputs. */
  build(made: Made, options?: Partial<SandboxOptions>, more?: Partial<RealiseOptions>): Promise<Map<string, string>>;
  /** What the last build of the derivation printed. */
  logOf(made: Made): string;
  close(): void;
}

/** The applets that scripts use. */
const applets = [
  'sh', 'cat', 'chmod', 'echo', 'env', 'id', 'ip', 'ln', 'ls', 'mkdir', 'mkfifo', 'mv', 'nc', 'ps', 'pwd', 'rm', 'setsid',
  'sha256sum', 'sleep', 'sort', 'stat', 'touch', 'true', 'wc', 'head', 'tr', 'hostname', 'grep', 'printf', 'kill', 'cp',
];

/** A store in a folder that anybody may enter, or nobody else (`mode`). */
export function freshSandbox(mode = 0o755): SandboxedBuilds {
  const scratch = mkdtempSync(join(tmpdir(), 'firn-sandbox-'));
  chmodSync(scratch, mode);
  return sandboxAt(scratch);
}

/** A store in that folder, which may have one already; `close` removes the folder. */
export function sandboxAt(scratch: string): SandboxedBuilds {
  const root = join(scratch, 'root');
  const store = new LocalStore({ root });
  const logDirectory = join(scratch, 'log');
  const tree = join(scratch, 'busybox');
  mkdirSync(join(tree, 'bin'), { recursive: true });
  copyFileSync(busybox as string, join(tree, 'bin/busybox'));
  chmodSync(join(tree, 'bin/busybox'), 0o755);
  for (const applet of applets) {
    if (lstatSync(join(tree, 'bin', applet), { throwIfNoEntry: false }) === undefined) symlinkSync('busybox', join(tree, 'bin', applet));
  }
  const tools = store.addTree('busybox', tree, { method: 'recursive', algorithm: 'sha256' });
  const find = moduloFinder((path) => store.readDerivation(path));
  return {
    store, root, tools,
    add(name, { script, env = {}, outputs = ['out'], inputs = [], sources = [], structured, fixed, byContent, system, builder }) {
      const variables = new Map(Object.entries({ name, PATH: `${tools}/bin`, ...env }).map(([key, value]) => [key, encodeUtf8(value)]));
      if (structured !== undefined) variables.set('__json', encodeUtf8(JSON.stringify({ name, ...structured })));
      const make = (made: ReadonlyMap<string, DerivationOutput>, paths: ReadonlyMap<string, string>): Derivation => ({
        name, system: system ?? hostSystem(), builder: builder ?? `${tools}/bin/sh`, args: ['-c', encodeUtf8(script)],
        inputSources: [...new Set([tools, ...sources])].sort(), outputs: made, env: new Map([...variables, ...paths]),
        inputDerivations: new Map(inputs.map((input) => [input.drvPath, [...input.outputs.keys()]])),
      });
      const paths = new Map<string, StorePath>();
      const results = new Map<string, DerivationOutput>();
      if (fixed !== undefined) {
        const path = makeContentAddressedPath(name, fixed, noReferences);
        paths.set('out', path);
        results.set('out', { kind: 'fixed', path, ...fixed });
      } else if (byContent === true) {
        return addByContent(store, make, outputs);
      } else {
        const deferred = new Map<string, DerivationOutput>(outputs.map((output) => [output, { kind: 'deferred' }]));
        const masked = make(deferred, new Map(outputs.map((output) => [output, ''])));
        const modulo = outputHashModulo(masked, find) as string;
        for (const output of outputs) {
          const path = makeOutputPath(output, modulo, name);
          paths.set(output, path);
          results.set(output, { kind: 'input-addressed', path });
        }
      }
      return { drvPath: store.addDerivation(make(results, paths)), outputs: paths, out: paths.get('out') as StorePath };
    },
    async build(made, options = {}, more = {}) {
      const sandbox = new SandboxBuilder({
        systems: [hostSystem()], environment: { PATH: process.env['PATH'] },
        // For those tests that have something else in view.
        network: needsNetwork.skip === false ? 'isolated' : 'host', ...options,
      });
      await realise(store, [{ drvPath: made.drvPath }], { builders: [sandbox], logDirectory, ...more });
      return new Map([...made.outputs].map(([name, path]) => [name, store.physicalPath(path)]));
    },
    logOf(made) {
      const base = made.drvPath.slice('/nix/store/'.length);
      const reader = new Bzip2Reader();
      const packed = readFileSync(join(logDirectory, base.slice(0, 2), `${base.slice(2)}.bz2`));
      return Buffer.concat([...reader.write(packed), ...reader.finish()].map((piece) => piece.slice())).toString('utf8');
    },
    close() {
      store.close();
      deleteTree(bytePath(scratch));
    },
  };
}

type MakeDerivation = (
  outputs: ReadonlyMap<string, DerivationOutput>, variables: ReadonlyMap<string, string>,
) => Derivation;

function addByContent(store: LocalStore, make: MakeDerivation, outputs: readonly string[]): Made {
  const drvPath = store.addDerivation(make(
    new Map(outputs.map((name) => [name, { kind: 'floating', method: 'recursive', algorithm: 'sha256' }])),
    new Map(outputs.map((name) => [name, outputPlaceholder(name)])),
  ));
  const placeholders = new Map(outputs.map((name) => [name, downstreamPlaceholder(drvPath, name) as StorePath]));
  return { drvPath, outputs: placeholders, out: placeholders.get('out') as StorePath };
}

/** A progress that keeps what it is told. */
export function recordingProgress(): Progress & { readonly messages: string[] } {
  const messages: string[] = [];
  return { start: (...args) => noProgress.start(...args), message: (level, text) => { messages.push(`${level}: ${text}`); }, messages };
}
