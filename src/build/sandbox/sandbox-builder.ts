/**
 * The builder of ordinary derivations: any program of the store, run by bubblewrap as an ordinary
 * user, in namespaces of its own.
 *
 * The builder sees its inputs, read-only, an empty store to put outputs in, its build folder, /tmp,
 * and a minimal /dev, /etc and /proc; nothing else of the machine. The store is at /nix/store there,
 * wherever its files are. It is user 1000 without any capability. Without bwrap, or where namespaces
 * may not be made, nothing is built: only the setting `sandbox = false` goes around it. docs/sandbox.md has more.
 *
 * *Invariant:* when `build` returns or throws, no process of the builder lives.
 */
import { spawnSync } from 'node:child_process';
import { lstatSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { decodeUtf8Strictly } from '#base';
import { baseNameOf, splitStorePath, type Derivation, type StorePath } from '#formats';
import { bytePath } from '#store';
import type { Builder, BuildRequest } from '../builder.ts';
import { derivationOptions, type DerivationOptions } from '../derivation-options.ts';
import { missingOutput } from '../errors.ts';
import { buildDirectory, builderSurroundings, hasNetwork, type BuilderSurroundings } from './environment.ts';
import {
  argumentNotText, builderNotVisible, groupsNotDropped, featuresMissing, foreignSystem, sandboxMissing, sandboxOnLinuxOnly,
  sandboxRefused, tooManySettings,
} from './errors.ts';
import { findProgram } from './find-program.ts';
import { builderIdentity, coverForRoot, giveTo, mayDropGroups } from './identity.ts';
import { fewInputs, findMount, mountedInputs, mountInputs } from './mount-inputs.ts';
import { mayNest, serveNested } from './nested-nix.ts';
import { outsideNetwork, proxiesOutOfReach, type NetworkMode, type Outside } from './outside-network.ts';
import { askPreBuildHook } from './pre-build-hook.ts';
import { filterDescriptor, reportOptions, runBuilder, type ProcessLimits } from './run-process.ts';
import { copyInto, makeScratch, moveEntry, settleScratch, writeEtc, type BuildFolderPlace, type Scratch } from './scratch.ts';
import { syscallFilter } from './syscall-filter.ts';

/** A path of the machine that builders may see, read-only. */
export interface VisiblePath {
  readonly target: string;
  readonly source: string;
  /** Left out where there is none. */
  readonly isOptional?: boolean;
}

export interface SandboxOptions {
  /** The systems whose programs run here, in Nix's words. */
  readonly systems: readonly string[];
  /** What derivations may ask for by `requiredSystemFeatures`. */
  readonly features?: readonly string[];
  /** The user's, for PATH and for what fixed outputs let through. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Values for what fixed outputs let through, before the user's: the setting impure-env. */
  readonly impureEnvironment?: Readonly<Record<string, string>>;
  /** Where fixed outputs find the certificates of authorities: a copy at the usual place. */
  readonly certificatesFile?: string | undefined;
  readonly visiblePaths?: readonly VisiblePath[];
  /** How much fits into /dev/shm; undefined: as much as into any tmpfs. */
  readonly sharedMemoryBytes?: number | undefined;
  readonly limits?: ProcessLimits;
  /** Where the build folders of failed builds are kept; undefined removes them. */
  readonly keepFailedIn?: string | undefined;
  /** Where build folders are; undefined: beside the outputs, where what a killed build leaves is garbage. */
  readonly buildIn?: string | undefined;
  /** Refuses to build where builders would keep our supplementary groups. */
  readonly withoutGroups?: boolean;
  /** Asked before each build for further paths that it may see. */
  readonly preBuildHook?: string | undefined;
  /** The network of fixed and impure outputs; by default `isolated`. */
  readonly network?: NetworkMode | undefined;
  /** How many arguments bwrap takes. */
  readonly argumentLimit?: number;
}

/** Where the folder of a build goes, if the user has said so, or wants it kept. */
export function buildFolderPlace(
  { keepFailedIn, buildIn }: SandboxOptions, { name }: Derivation,
): BuildFolderPlace | undefined {
  const directory = buildIn ?? keepFailedIn;
  return directory === undefined ? undefined : { directory, name };
}

/** What fixed outputs may let through. */
export function impureVariables(
  { environment, impureEnvironment }: SandboxOptions,
): Readonly<Record<string, string | undefined>> {
  return { ...environment, ...impureEnvironment };
}

/** The features that every machine has which can build at all. */
export const usualFeatures: readonly string[] = ['benchmark', 'big-parallel', 'nixos-test'];

/** bwrap takes 9000 arguments, its command's and those of the bwraps around it among them; a mount is three. */
const usualArgumentLimit = 8900;

export class SandboxBuilder implements Builder {
  readonly name = 'sandbox';
  readonly #options: SandboxOptions;
  #bwrap: Bwrap | undefined;
  /** Of a proxy that is out of reach. */
  #hasWarned = false;
  /** What mounts can be made with, by the folder of the store; empty: nothing but bwrap. */
  readonly #mounts = new Map<string, string>();

  constructor(options: SandboxOptions) {
    this.#options = options;
  }

  accepts(derivation: Derivation): boolean {
    return !derivation.builder.startsWith('builtin:');
  }

  async build(request: BuildRequest): Promise<void> {
    const { derivation, drvPath, outputs, store, inputPaths } = request;
    const options = derivationOptions(derivation);
    this.#checkMachine(derivation, options);
    if (this.#options.withoutGroups === true && !mayDropGroups()) throw groupsNotDropped();
    const identity = builderIdentity(store.physicalPath(store.storeDirectory));
    this.#bwrap ??= findBwrap(this.#options.environment['PATH'] ?? '', identity);
    const { outputPaths } = request;
    const surroundings = builderSurroundings(request, options, outputPaths, impureVariables(this.#options));
    const scratch = makeScratch(
      store.prepareOutput([...outputPaths.values()][0] as StorePath), buildFolderPlace(this.#options, derivation));
    settleScratch(scratch, request, this.#options.keepFailedIn !== undefined);
    const visible = [...this.#options.visiblePaths ?? [], ...await this.#askHook(request, scratch)];
    checkBuilder(surroundings.builder, inputPaths, visible, store.storeDirectory);
    await this.#run(this.#bwrap, request, options, { ...surroundings, visible }, scratch, identity);
    for (const [name, path] of outputPaths) {
      const made = join(scratch.store, baseNameOf(path));
      if (!stands(made)) throw missingOutput(drvPath, name);
      moveEntry(made, outputs.get(name) as string);
    }
  }

  async #askHook({ drvPath, signal }: BuildRequest, scratch: Scratch): Promise<VisiblePath[]> {
    const { preBuildHook, environment } = this.#options;
    if (preBuildHook === undefined) return [];
    return (await askPreBuildHook({ program: preBuildHook, environment, signal }, drvPath, scratch.root)).map(parseVisiblePath);
  }

  async #run(
    bwrap: Bwrap, request: BuildRequest, options: DerivationOptions,
    surroundings: BuilderSurroundings & { readonly visible: readonly VisiblePath[] },
    scratch: Scratch, identity: number | undefined,
  ): Promise<void> {
    const network = hasNetwork(request) ? this.#network(request, surroundings) : undefined;
    writeEtc(scratch.etc, network && { certificatesFile: this.#options.certificatesFile, resolvers: network.outside?.resolvers });
    for (const [name, text] of surroundings.files) {
      writeFileSync(join(scratch.build, name), text, { encoding: 'latin1', mode: 0o644 });
    }
    const given = [...surroundings.files.keys()].map((name) => join(scratch.build, name));
    giveTo(identity, [scratch.root, ...(scratch.kept === undefined ? [] : [scratch.kept]), scratch.store, scratch.build, scratch.tmp, ...given]);
    const command = [surroundings.builder, ...surroundings.args].map(textOf);
    const before = [...isolation(network !== undefined), ...this.#folders(scratch, request.store.storeDirectory)];
    const after = [
      ...machinePaths(options, surroundings.visible),
      ...coverForRoot(identity),
      '--remount-ro', '/',
      ...[...surroundings.variables].flatMap(([name, value]) => ['--setenv', name, value]),
      ...(bwrap.namesProcess ? ['--argv0', basename(surroundings.builder)] : []),
    ];
    const { argumentLimit = usualArgumentLimit } = this.#options;
    const own = before.length + after.length + command.length;
    if (own > argumentLimit) throw tooManySettings(own, argumentLimit);
    const inputs = mountedInputs(request, scratch);
    const mount = inputs.length > fewInputs ? this.#mountFor(request, bwrap, identity) : undefined;
    const mounts = mountInputs(inputs, scratch, { mount, argumentLimit }, { own, command: command.length });
    const nested = mayNest(options)
      ? await serveNested(request, scratch.build, (path) => copyInto(scratch, request.store, path)) : undefined;
    request.progress.message('chatty', `executing builder '${surroundings.builder}'`);
    await runBuilder({
      confined: {
        bwrap: bwrap.path,
        options: [...before, ...mounts.own, ...after],
        around: mounts.around,
        outside: network?.outside,
        filter: syscallFilter(process.arch, { sharesNetwork: network !== undefined && network.outside === undefined }),
      },
      command,
      directory: scratch.root,
      identity,
      limits: this.#options.limits ?? {},
      signal: request.signal,
      log: (line) => request.log(line),
    }).finally(() => nested?.close());
  }

  /** The network of a builder that may use one: this machine's if nothing leads out of another. */
  #network({ progress }: BuildRequest, { variables }: BuilderSurroundings): { readonly outside?: Outside } {
    const { network = 'isolated', environment } = this.#options;
    if (network === 'host') return {};
    const proxies = proxiesOutOfReach(variables);
    if (proxies.length > 0 && !this.#hasWarned) {
      this.#hasWarned = true;
      progress.message('warning', `${proxies.join(', ')}: the proxy is a service of this machine, which downloads do not reach `
        + 'unless fixed-output-network = host');
    }
    return { outside: outsideNetwork(environment['PATH'] ?? '') };
  }

  #folders(scratch: Scratch, storeDirectory: string): string[] {
    const mounts = [
      // Before the store, which may be below it: see the setting `store`.
      '--bind', bytePath(scratch.tmp), '/tmp',
      '--bind', bytePath(scratch.store), storeDirectory,
      '--bind', bytePath(scratch.build), buildDirectory,
      '--ro-bind', bytePath(scratch.etc), '/etc',
      '--proc', '/proc',
      '--dev', '/dev',
    ];
    const { sharedMemoryBytes } = this.#options;
    if (sharedMemoryBytes !== undefined) mounts.push('--size', String(sharedMemoryBytes), '--perms', '1777', '--tmpfs', '/dev/shm');
    return mounts;
  }

  #checkMachine(derivation: Derivation, options: DerivationOptions): void {
    const { systems, features = usualFeatures } = this.#options;
    if (process.platform !== 'linux') throw sandboxOnLinuxOnly(process.platform);
    if (!systems.includes(derivation.system)) throw foreignSystem(derivation.system, systems.join(', '));
    const missing = options.requiredFeatures.filter((feature) => !features.includes(feature));
    if (missing.length > 0) throw featuresMissing(missing);
  }

  /** util-linux's mount, if it can be used on this store. */
  #mountFor({ store }: BuildRequest, { path }: Bwrap, identity: number | undefined): string | undefined {
    const folder = store.physicalPath(store.storeDirectory);
    let mount = this.#mounts.get(folder);
    if (mount === undefined) {
      mount = findMount(path, this.#options.environment['PATH'] ?? '', folder, identity) ?? '';
      this.#mounts.set(folder, mount);
    }
    return mount || undefined;
  }
}

/** `TARGET`, `TARGET=SOURCE`, each with `?` at its end if it may be missing. */
export function parseVisiblePath(text: string): VisiblePath {
  const isOptional = text.endsWith('?');
  const [target = '', source = target] = text.replace(/\?$/, '').split('=');
  return { target, source, isOptional };
}

/** What of the machine itself is seen. */
function machinePaths(options: DerivationOptions, visible: readonly VisiblePath[]): string[] {
  const mounts: string[] = [];
  for (const { target, source, isOptional } of visible) {
    mounts.push(isOptional === true ? '--ro-bind-try' : '--ro-bind', bytePath(source), bytePath(target));
  }
  if (options.requiredFeatures.includes('kvm')) mounts.push('--dev-bind', '/dev/kvm', '/dev/kvm');
  return mounts;
}

function checkBuilder(
  builder: string, inputs: readonly StorePath[], visible: readonly VisiblePath[], storeDirectory: string,
): void {
  const path = splitStorePath(builder, storeDirectory)?.storePath;
  if (path !== undefined && inputs.includes(path)) return;
  if (!visible.some(({ target }) => builder === target || builder.startsWith(`${target}/`))) {
    throw builderNotVisible(builder);
  }
}

/** All kinds; the users' by name, for of that `--unshare-all` makes do without. */
const ownNamespaces = ['--unshare-user', '--unshare-all'];

/** Namespaces and identity; one that may use a network keeps that around it. */
function isolation(keepsNetwork: boolean): string[] {
  return [
    ...ownNamespaces, ...(keepsNetwork ? ['--share-net'] : []),
    '--die-with-parent', '--new-session', '--as-pid-1',
    '--uid', '1000', '--gid', '100', '--cap-drop', 'ALL',
    '--hostname', 'localhost', '--chdir', buildDirectory, '--clearenv',
    '--seccomp', String(filterDescriptor), ...reportOptions,
  ];
}

interface Bwrap {
  readonly path: string;
  /** Whether it has `--argv0`. */
  readonly namesProcess: boolean;
}

/** Finds bwrap and tries whether it may make namespaces; fails with what to do about it. */
function findBwrap(searchPath: string, identity: number | undefined): Bwrap {
  const path = findProgram('bwrap', searchPath);
  if (path === undefined) throw sandboxMissing();
  const trial = spawnSync(path, [
    ...ownNamespaces, '--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev', '--', path, '--help',
  ], { encoding: 'utf8', env: {}, ...(identity === undefined ? {} : { uid: identity, gid: identity }) });
  if (trial.error !== undefined) throw sandboxRefused(trial.error.message);
  if (trial.status !== 0) throw sandboxRefused(trial.stderr.trim() || `it ended with ${trial.status ?? trial.signal}`);
  return { path, namesProcess: trial.stdout.includes('--argv0') };
}

function stands(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** An argument of a process: Node hands them over as UTF-8. */
function textOf(argument: string): string {
  const text = decodeUtf8Strictly(argument);
  if (text === undefined) throw argumentNotText(argument);
  return text;
}
