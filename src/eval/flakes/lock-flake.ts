/**
 * Locking a flake: from what `flake.nix` wants and what `flake.lock` has, to a tree for each input.
 *
 * What the lock file has and still fits is kept without being fetched. What is new is fetched; its
 * own inputs come from its own lock file. Overrides from flakes further up, and from flags, win.
 */

import { NixError } from '#diagnostics';
import {
  canonicalReference, countedInput, flakeSettings, inputSettings, isLocked, printReference,
  relativePath, resolvePath, sameReference, type EvalServices, type FlakeReference,
} from '#runtime';
import { fetchFlake, type InputCache, type RegistryUse } from './fetch-flake.ts';
import {
  indirectReference, readFlake, type Flake, type FlakeInput, type FlakeInputs,
} from './flake-file.ts';
import { parseLockFile } from './lock-file.ts';
import {
  checkFollows, isFollows, LockNode, printInputPath, sameInputPath, type InputPath,
} from './lock-graph.ts';

/** What flags say of locking. */
export interface LockOptions {
  /** Begins without what the lock file has. */
  readonly recreate?: boolean;
  /** Inputs whose entries are not kept. */
  readonly updates?: readonly InputPath[];
  readonly overrides?: readonly { readonly path: InputPath; readonly reference: FlakeReference }[];
  readonly useRegistries?: boolean;
  /** False in pure evaluation: only inputs that are locked by themselves may be new. */
  readonly allowUnlocked?: boolean;
  /** Read instead of the flake's own lock file. */
  readonly referenceFile?: string;
}

export interface LockResult {
  readonly before: LockNode;
  readonly after: LockNode;
  /** Folders of the flakes that were read meanwhile; the others are fetched when they are wanted. */
  readonly folders: Map<LockNode, string>;
}

/** Where an override comes from. */
interface Override {
  readonly input: FlakeInput;
  /** The folder that relative paths in it start at. */
  readonly folder: string;
  readonly parent: InputPath | undefined;
  readonly isFlag: boolean;
}

export function computeLocks(
  services: EvalServices, cache: InputCache, flake: Flake, options: LockOptions,
): LockResult {
  return new Locker(services, cache, flake, options).run();
}

/** The graph that the flake in a folder has locked; empty if it has no lock file. */
export function readLocks(services: EvalServices, file: string): LockNode {
  services.checkAccess(file);
  return parseLocks(services, file);
}

function parseLocks(services: EvalServices, file: string): LockNode {
  if (services.host.lstat(file) === null) return new LockNode();
  return parseLockFile(services.host.readFile(file), file, inputSettings(services));
}

interface Level {
  readonly inputs: FlakeInputs;
  readonly node: LockNode;
  readonly path: InputPath;
  /** The node that locks may be kept from. */
  readonly old: LockNode | undefined;
  /** What `follows` of kept entries start from. */
  readonly followsPrefix: InputPath;
  readonly folder: string;
  /** Whether what follows in the lock file is believed without looking at `flake.nix`. */
  readonly trustLock: boolean;
}

const keyOf = (path: InputPath): string => path.join('/');

class Locker {
  readonly #services: EvalServices;
  readonly #cache: InputCache;
  readonly #flake: Flake;
  readonly #options: LockOptions;
  readonly #registries: RegistryUse;
  readonly #overrides = new Map<string, Override>();
  readonly #overridesUsed = new Set<string>();
  readonly #seen = new Set<string>();
  readonly #folders = new Map<LockNode, string>();
  readonly #parents: FlakeReference[] = [];

  constructor(services: EvalServices, cache: InputCache, flake: Flake, options: LockOptions) {
    this.#services = services;
    this.#cache = cache;
    this.#flake = flake;
    this.#options = options;
    this.#registries = (options.useRegistries ?? flakeSettings(services).useRegistries) ? 'limited' : 'none';
  }

  run(): LockResult {
    const { folder, inputs } = this.#flake;
    for (const { path, reference } of this.#options.overrides ?? []) {
      this.#overrides.set(keyOf(path), {
        input: { reference, isFlake: true, overrides: new Map() }, folder, parent: undefined, isFlag: true,
      });
    }
    const { referenceFile } = this.#options;
    // A file that a flag names may stand anywhere.
    const before = referenceFile === undefined ? readLocks(this.#services, `${folder}/flake.lock`)
      : parseLocks(this.#services, referenceFile);
    const after = new LockNode();
    this.#folders.set(after, folder);
    this.#lockLevel({
      inputs, node: after, path: [], old: this.#options.recreate === true ? undefined : before,
      followsPrefix: [], folder, trustLock: false,
    });
    this.#warnUnused();
    checkFollows(after);
    return { before, after, folders: this.#folders };
  }

  #warnUnused(): void {
    for (const { path, reference } of this.#options.overrides ?? []) {
      if (this.#overridesUsed.has(keyOf(path))) continue;
      const shown = `${printInputPath(path)} ${printReference(reference)}`;
      this.#services.warn(`the flag '--override-input ${shown}' does not match any input`);
    }
    for (const path of this.#options.updates ?? []) {
      if (!this.#seen.has(keyOf(path))) {
        this.#services.warn(`'${printInputPath(path)}' does not match any input of this flake`);
      }
    }
  }

  #lockLevel(level: Level): void {
    for (const [id, input] of level.inputs) this.#addOverrides(input, [...level.path, id], level);
    for (const key of this.#overrides.keys()) {
      const cut = key.lastIndexOf('/');
      const [parent, name] = [key.slice(0, Math.max(cut, 0)), key.slice(cut + 1)];
      if (parent === keyOf(level.path) && !level.inputs.has(name)) {
        this.#services.warn(
          `input '${printInputPath(level.path)}' has an override for a non-existent input '${name}'`);
      }
    }
    for (const [id, input] of level.inputs) {
      const path = [...level.path, id];
      try {
        this.#lockInput(level, id, input, path);
      } catch (error) {
        if (error instanceof NixError) error.addTrace(0, `while updating the flake input '${printInputPath(path)}'`);
        throw error;
      }
    }
  }

  /** `inputs.a.inputs.b.url = …`: the first that says something of an input wins. */
  #addOverrides(input: FlakeInput, prefix: InputPath, level: Level): void {
    for (const [id, inner] of input.overrides) {
      const path = [...prefix, id];
      const key = keyOf(path);
      const saysSomething = inner.reference !== undefined || inner.follows !== undefined;
      if (saysSomething && !this.#overrides.has(key)) {
        this.#overrides.set(key, { input: inner, folder: level.folder, parent: level.path, isFlag: false });
      }
      this.#addOverrides(inner, path, level);
    }
  }

  #lockInput(level: Level, id: string, own: FlakeInput, path: InputPath): void {
    const key = keyOf(path);
    const override = this.#overrides.get(key);
    if (override !== undefined) this.#overridesUsed.add(key);
    const wanted = override?.input ?? own;
    const folder = override?.folder ?? level.folder;
    // Resolved at the end: it may name an input that comes later.
    if (wanted.follows !== undefined) {
      level.node.inputs.set(id, wanted.follows);
      return;
    }
    const reference = wanted.reference ?? indirectReference(this.#services, id);
    const isRelative = relativePath(reference.input) !== undefined;
    const parent = !isRelative ? undefined : override === undefined ? level.path : override.parent;
    this.#seen.add(key);
    const old = this.#oldNode(level, id, path);
    const isKept = old !== undefined && override?.isFlag !== true
      && sameReference(canonicalReference(old.lock!.original), canonicalReference(reference))
      && sameInputPath(old.lock!.parent, parent);
    const input: ResolvedInput = { path, id, own, reference, folder, parent, isFlag: override?.isFlag ?? false };
    if (isKept) this.#keep(level, old, input);
    else this.#lockNew(level, input);
  }

  #oldNode(level: Level, id: string, path: InputPath): LockNode | undefined {
    if ((this.#options.updates ?? []).some((one) => sameInputPath(one, path))) return undefined;
    const edge = level.old?.inputs.get(id);
    return edge === undefined || isFollows(edge) ? undefined : edge;
  }

  #keep(level: Level, old: LockNode, { path, id, reference, folder }: ResolvedInput): void {
    const node = new LockNode(old.lock);
    level.node.inputs.set(id, node);
    const hasUpdateInside = (this.#options.updates ?? [])
      .some((one) => one.length > path.length && sameInputPath(one.slice(0, path.length), path));
    const known = hasUpdateInside ? undefined : this.#knownInputs(level, old, path);
    if (known !== undefined) {
      this.#lockLevel({ ...level, inputs: known, node, path, old, trustLock: true });
      return;
    }
    const flake = this.#inputFlake(old.lock!.locked, reference, folder, path, this.#registries);
    this.#folders.set(node, flake.folder);
    this.#lockLevel({ ...level, inputs: flake.inputs, node, path, old, folder: flake.folder, trustLock: false });
  }

  /** The inputs that the lock file says a kept one has; undefined if its flake must be looked at. */
  #knownInputs(level: Level, old: LockNode, path: InputPath): FlakeInputs | undefined {
    const inputs = new Map<string, FlakeInput>();
    for (const [id, edge] of old.sortedInputs()) {
      if (!isFollows(edge)) {
        const { original, isFlake } = edge.lock!;
        inputs.set(id, { reference: original, isFlake, overrides: new Map() });
        continue;
      }
      // What it follows is the doing of a flake further up, which may have changed its mind.
      if (!level.trustLock && !this.#overrides.has(keyOf([...path, id]))) return undefined;
      inputs.set(id, { follows: [...level.followsPrefix, ...edge], isFlake: true, overrides: new Map() });
    }
    return inputs;
  }

  #lockNew(level: Level, input: ResolvedInput): void {
    const { path, id, own, reference, folder, parent, isFlag } = input;
    const isRelative = relativePath(reference.input) !== undefined;
    if (this.#options.allowUnlocked === false && !isRelative && !isLocked(reference.input, inputSettings(this.#services))) {
      throw new NixError('Error', `cannot update unlocked flake input '${printInputPath(path)}' in pure mode`);
    }
    // What a flag says is not written down as what the flake wants, so that it does not get lost.
    const original = isFlag && own.reference !== undefined ? own.reference : reference;
    const registries = isFlag ? 'all' : this.#registries;
    if (!own.isFlake) {
      const tree = this.#plainTree(reference, folder, registries);
      const node = new LockNode({ locked: this.#counted(tree.locked), original, isFlake: false, parent });
      this.#folders.set(node, tree.folder);
      level.node.inputs.set(id, node);
      return;
    }
    const flake = this.#inputFlake(reference, reference, folder, path, registries);
    const node = new LockNode({ locked: this.#counted(flake.locked), original, isFlake: true, parent });
    level.node.inputs.set(id, node);
    this.#folders.set(node, flake.folder);
    const circular = this.#parents.find((one) => sameReference(one, reference));
    if (circular !== undefined) {
      throw new NixError('Error', `found circular import of flake '${printReference(circular)}'`);
    }
    this.#parents.push(reference);
    this.#lockLevel({
      inputs: flake.inputs, node, path, old: readLocks(this.#services, `${flake.folder}/flake.lock`),
      followsPrefix: path, folder: flake.folder, trustLock: false,
    });
    this.#parents.pop();
  }

  /** A lock file says everything. */
  #counted(reference: FlakeReference): FlakeReference {
    return { ...reference, input: countedInput(this.#services, reference.input) };
  }

  /** The flake of an input: a relative one lies in the tree of the flake that names it. */
  #inputFlake(
    reference: FlakeReference, wanted: FlakeReference, folder: string, path: InputPath, registries: RegistryUse,
  ): Flake {
    const place = relativeFolder(wanted, folder);
    if (place === undefined) return fetchFlake(this.#services, this.#cache, reference, registries, path);
    return readFlake(this.#services, {
      original: reference, resolved: reference, locked: reference, folder: place, inputPath: path,
    });
  }

  #plainTree(
    reference: FlakeReference, folder: string, registries: RegistryUse,
  ): { locked: FlakeReference; folder: string } {
    const place = relativeFolder(reference, folder);
    if (place !== undefined) return { locked: reference, folder: place };
    const fetched = this.#cache.fetch(reference.input, registries);
    return { locked: { input: fetched.locked, directory: reference.directory }, folder: fetched.storePath };
  }
}

interface ResolvedInput {
  readonly path: InputPath;
  readonly id: string;
  /** As its own flake has it. */
  readonly own: FlakeInput;
  readonly reference: FlakeReference;
  readonly folder: string;
  readonly parent: InputPath | undefined;
  /** Whether a flag overrides it. */
  readonly isFlag: boolean;
}

function relativeFolder({ input, directory }: FlakeReference, folder: string): string | undefined {
  const path = relativePath(input);
  if (path === undefined) return undefined;
  const place = resolvePath(folder, path);
  return directory === '' ? place : `${place}/${directory}`;
}
