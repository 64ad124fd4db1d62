/**
 * Calling a flake: its outputs, and those of its inputs, as lazy values.
 *
 * An input's tree is fetched when something of it is wanted; then it must be what the lock file says
 * it is. Every flake is called once, with its inputs and with itself.
 */

import { NixError } from '#diagnostics';
import {
  Attrs, call, ContextString, delay, fetchInput, force, forceAttrs, isCallable, mergeAttrs,
  relativePath, treeValue, type AttrsEntry, type EvalServices, type Slot, type Thunk, type Value,
} from '#runtime';
import type { Flake } from './flake-file.ts';
import { below } from './fetch-flake.ts';
import { findInput, isFollows, type Edge, type LockNode } from './lock-graph.ts';

export interface CallOptions {
  readonly flake: Flake;
  readonly root: LockNode;
  /** Where the flakes that were read already stand. */
  readonly folders: ReadonlyMap<LockNode, string>;
  /** The lock file was changed and not written: the tree is not what its revision says. */
  readonly forceDirty: boolean;
}

/** The value of a flake: its outputs with `inputs`, `outputs`, `sourceInfo` and what is known of its tree. */
export function callFlake(services: EvalServices, options: CallOptions): Value {
  return force(new FlakeCaller(services, options).valueOf(options.root));
}

interface Tree {
  readonly sourceInfo: Attrs;
  /** Top of the tree, or for a relative path, of the part of it that is meant. */
  readonly outPath: ContextString;
}

class FlakeCaller {
  readonly #services: EvalServices;
  readonly #options: CallOptions;
  readonly #values = new Map<LockNode, Thunk>();
  readonly #trees = new Map<LockNode, Tree>();

  constructor(services: EvalServices, options: CallOptions) {
    this.#services = services;
    this.#options = options;
  }

  valueOf(node: LockNode): Slot {
    let value = this.#values.get(node);
    if (value === undefined) {
      value = delay(() => (node.lock?.isFlake === false ? this.#plain(node) : this.#flake(node)));
      this.#values.set(node, value);
    }
    return value;
  }

  #plain(node: LockNode): Value {
    const { sourceInfo, outPath } = this.#treeOf(node);
    return mergeAttrs(sourceInfo, Attrs.fromEntries([['sourceInfo', sourceInfo], ['outPath', outPath]]));
  }

  #flake(node: LockNode): Value {
    const { sourceInfo, outPath } = this.#treeOf(node);
    const flake = forceAttrs(this.#services.importFile(`${outPath.text}/flake.nix`, 0), 0, '');
    const makeOutputs = force(flake.get('outputs')!);
    if (!isCallable(makeOutputs)) throw new NixError('AssertionError', "assertion 'builtins.isFunction flake.outputs' failed");
    const inputs = Attrs.fromEntries(node.sortedInputs().map(([name, edge]): AttrsEntry => [
      name, delay(() => force(this.valueOf(this.#target(edge)))),
    ]));
    const self = Attrs.fromEntries([['self', this.valueOf(node)]]);
    const outputs = delay(() => call(makeOutputs, mergeAttrs(inputs, self)));
    const known = Attrs.fromEntries([
      ['outPath', outPath], ['inputs', inputs], ['outputs', outputs], ['sourceInfo', sourceInfo], ['_type', 'flake'],
    ]);
    return mergeAttrs(mergeAttrs(forceAttrs(outputs, 0, ''), sourceInfo), known);
  }

  #target(edge: Edge): LockNode {
    if (!isFollows(edge)) return edge;
    // Locking has checked that it is there.
    return findInput(this.#options.root, edge)!;
  }

  #treeOf(node: LockNode): Tree {
    let tree = this.#trees.get(node);
    if (tree === undefined) {
      tree = this.#readTree(node) ?? this.#relativeTree(node) ?? this.#fetchTree(node);
      this.#trees.set(node, tree);
    }
    return tree;
  }

  /** The tree of a flake that was read while the lock file was made. */
  #readTree(node: LockNode): Tree | undefined {
    const folder = this.#options.folders.get(node);
    if (folder === undefined) return undefined;
    const { storeDirectory } = this.#services.host;
    const end = folder.indexOf('/', storeDirectory.length + 1);
    const storePath = end < 0 ? folder : folder.slice(0, end);
    if (!folder.startsWith(`${storeDirectory}/`)) {
      throw new NixError('Error', `path '${folder}' is not in the Nix store`);
    }
    const { locked } = node.lock ?? this.#options.flake;
    const isRoot = node.lock === undefined;
    const sourceInfo = treeValue(this.#services, { storePath, attributes: locked.input }, {
      forceDirty: isRoot && this.#options.forceDirty,
    });
    return { sourceInfo, outPath: new ContextString(folder, [storePath]) };
  }

  #relativeTree(node: LockNode): Tree | undefined {
    const { locked, parent } = node.lock!;
    const path = relativePath(locked.input);
    if (path === undefined) return undefined;
    const above = findInput(this.#options.root, parent ?? []);
    if (above === undefined) throw new NixError('Error', `the parent of the relative flake input '${path}' is missing`);
    const { sourceInfo, outPath } = this.#treeOf(above);
    return { sourceInfo, outPath: inside(inside(outPath, path), locked.directory) };
  }

  #fetchTree(node: LockNode): Tree {
    const { locked } = node.lock!;
    const result = fetchInput(this.#services, locked.input);
    const top = new ContextString(result.storePath, [result.storePath]);
    return { sourceInfo: treeValue(this.#services, result), outPath: inside(top, locked.directory) };
  }
}

function inside(folder: ContextString, inner: string): ContextString {
  return new ContextString(below(folder.text, inner), folder.context);
}
