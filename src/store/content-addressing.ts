/**
 * Giving built outputs the paths that follow from their content.
 *
 * A builder writes to a scratch path, and its outputs may contain that path and those of the other
 * outputs. In the hash its own counts as zeros, followed by where they stand; those of the others
 * are replaced by their final paths first, so an output is addressed after all that it refers to.
 * Then the content is rewritten to say the final paths. Specification: C++ Nix's `HashModuloSink`
 * and "Content-addressing derivation outputs" of its manual.
 */

import { lstatSync, readFileSync, renameSync } from 'node:fs';
import { Hasher, type Hash, type HashAlgorithm } from '#base';
import {
  hashPartOf, makeContentAddressedPath, type IngestionMethod, type StorePath,
} from '#formats';
import { outputCycle, outputMissing, outputNotPlain } from './errors.ts';
import {
  bytePath, canonicaliseTree, deleteTree, dumpTree, narPieces, systemPath, TreeRestorer, type TreeWriter,
} from './file-tree.ts';
import { HashPartRewriter } from './hash-rewriter.ts';
import type { FinishedOutput } from './store.ts';
import { hashTreeNow, scanTree } from './tree-hash.ts';

/** An output that a builder has written, whose path is to follow from its content. */
export interface ScratchOutput {
  readonly name: string;
  /** The name of its store path. */
  readonly pathName: string;
  /** What the builder knew it by. */
  readonly scratch: StorePath;
  readonly physical: string;
  readonly method: IngestionMethod;
  readonly algorithm: HashAlgorithm;
  readonly withoutReferences: boolean;
}

export interface AddressOptions {
  readonly drvPath: StorePath;
  /** Paths whose occurrence makes a reference, outputs aside. */
  readonly candidates: Iterable<StorePath>;
  readonly storeDirectory: string;
}

/** Addresses all of them; by output name, ready to be committed. Their files stand where they stood. */
export async function addressOutputs(
  outputs: readonly ScratchOutput[], options: AddressOptions,
): Promise<Map<string, FinishedOutput>> {
  const references = new Map<string, readonly StorePath[]>();
  const candidates = [...options.candidates, ...outputs.map((output) => output.scratch)];
  for (const output of outputs) {
    const place = bytePath(output.physical);
    if (lstatSync(systemPath(place), { throwIfNoEntry: false }) === undefined) throw outputMissing(output.scratch);
    canonicaliseTree(place);
    references.set(output.name, output.withoutReferences ? [] : (await scanTree(place, candidates)).references);
  }
  const finals = new Map<StorePath, StorePath>();
  const finished = new Map<string, FinishedOutput>();
  for (const output of orderedOutputs(outputs, references, options.drvPath)) {
    const done = addressOutput(output, references.get(output.name) as readonly StorePath[], finals, options.storeDirectory);
    finals.set(output.scratch, done.path);
    finished.set(output.name, done);
  }
  return finished;
}

function addressOutput(
  output: ScratchOutput, found: readonly StorePath[], finals: ReadonlyMap<StorePath, StorePath>, storeDirectory: string,
): FinishedOutput {
  const { scratch, physical, method, pathName } = output;
  const place = bytePath(physical);
  const status = lstatSync(systemPath(place));
  if ((method === 'flat' || method === 'text') && (!status.isFile() || (status.mode & 0o100) !== 0)) {
    throw outputNotPlain(physical, method);
  }
  const replacements = new Map([...finals].map(([from, to]) => [hashPartOf(from), hashPartOf(to)]));
  if (replacements.size > 0) rewriteTree(place, replacements);
  const hash = hashWithoutItself(place, output);
  const others = found.filter((path) => path !== scratch).map((path) => finals.get(path) ?? path);
  const self = found.includes(scratch);
  const path = makeContentAddressedPath(pathName, { method, hash }, { others, self }, storeDirectory);
  rewriteTree(place, new Map([[hashPartOf(scratch), hashPartOf(path)]]));
  return {
    path, physical, contentAddress: { method, hash }, isNew: true,
    ...(output.withoutReferences ? { withoutReferences: true } : {}),
  };
}

/** The hash with the scratch path's hash part as zeros, and the places where it stands. */
export function hashWithoutItself(
  place: string, { scratch, method, algorithm }: Pick<ScratchOutput, 'scratch' | 'method' | 'algorithm'>,
): Hash {
  if (method === 'git') return hashTreeNow(place, method, algorithm);
  const hasher = new Hasher(algorithm);
  const own = hashPartOf(scratch);
  const rewriter = new HashPartRewriter(new Map([[own, '\0'.repeat(own.length)]]));
  const pieces = method === 'recursive' ? narPieces(place) : [readFileSync(systemPath(place))];
  for (const piece of pieces) hasher.update(rewriter.update(piece));
  hasher.update(rewriter.end());
  for (const position of rewriter.positions) hasher.update(`|${position}`);
  return hasher.digest();
}

/** Replaces hash parts in the tree at `place` (a byte string), contents and names, if there are any. */
export function rewriteTree(place: string, replacements: ReadonlyMap<string, string>): void {
  const fresh = `${place}.rewritten`;
  const writer = new RewritingWriter(new TreeRestorer(fresh), replacements);
  try {
    dumpTree(place, writer);
  } catch (error) {
    writer.restorer.abandon();
    deleteTree(fresh);
    throw error;
  }
  if (!writer.changed) {
    deleteTree(fresh);
    return;
  }
  deleteTree(place);
  renameSync(systemPath(fresh), systemPath(place));
}

/** Writes a tree with hash parts replaced. Names may change their order by it, which no disk minds. */
class RewritingWriter implements TreeWriter {
  readonly restorer: TreeRestorer;
  changed = false;
  readonly #replacements: ReadonlyMap<string, string>;
  #file: HashPartRewriter;
  #name: string | undefined;

  constructor(restorer: TreeRestorer, replacements: ReadonlyMap<string, string>) {
    this.restorer = restorer;
    this.#replacements = replacements;
    this.#file = new HashPartRewriter(replacements);
  }

  beginFile(sizeBytes: number, executable: boolean): void {
    this.#file = new HashPartRewriter(this.#replacements);
    this.restorer.beginFile(this.#name, sizeBytes, executable);
  }

  contents(bytes: Uint8Array): void {
    this.restorer.contents(this.#file.update(bytes));
  }

  endFile(): void {
    this.restorer.contents(this.#file.end());
    this.changed ||= this.#file.positions.length > 0;
    this.restorer.endFile();
  }

  symlink(target: string): void {
    this.restorer.symlink(this.#name, this.#replaced(target));
  }

  beginDirectory(): void {
    this.restorer.beginDirectory(this.#name);
  }

  beginEntry(name: string): void {
    this.#name = this.#replaced(name);
  }

  endEntry(): void {}

  endDirectory(): void {
    this.restorer.endDirectory();
  }

  #replaced(text: string): string {
    let result = text;
    for (const [from, to] of this.#replacements) result = result.replaceAll(from, to);
    this.changed ||= result !== text;
    return result;
  }
}

/** Each output after those that it refers to. */
function orderedOutputs(
  outputs: readonly ScratchOutput[], references: ReadonlyMap<string, readonly StorePath[]>, drvPath: StorePath,
): ScratchOutput[] {
  const order: ScratchOutput[] = [];
  const begun = new Set<ScratchOutput>();
  const visit = (output: ScratchOutput, from: ScratchOutput | undefined): void => {
    if (order.includes(output)) return;
    if (begun.has(output)) throw outputCycle(drvPath, output.scratch, (from ?? output).scratch);
    begun.add(output);
    for (const path of references.get(output.name) ?? []) {
      const other = outputs.find((one) => one.scratch === path);
      if (other !== undefined && other !== output) visit(other, output);
    }
    order.push(output);
  };
  for (const output of outputs) visit(output, undefined);
  return order;
}
