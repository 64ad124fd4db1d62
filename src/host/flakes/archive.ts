/** The sources of a flake and of all its inputs, as they are locked: `nix flake archive`. */

import { decodeUtf8, parseHash } from '#base';
import { NixError, renderNixError } from '#diagnostics';
import { isFollows, type LockedFlake, type LockNode } from '#eval';
import { makeContentAddressedPath, noReferences, type StorePath } from '#formats';
import {
  fetchInput, narHashOf, printReference, relativePath, textAttribute, type EvalServices, type Input,
} from '#runtime';
import type { EvaluationSession } from '../worker/session.ts';

/** As `nix flake archive --json` has it. */
export interface ArchivedFlake {
  /** None for an input that lies in the tree of the flake that names it. */
  readonly path?: string;
  readonly inputs: Readonly<Record<string, ArchivedFlake>>;
}

/** Fetches all of it; with `dryRun`, what is locked by its content is only named. */
export function archiveFlake(services: EvalServices, { flake, root }: LockedFlake, dryRun: boolean): ArchivedFlake {
  const pathOf = (input: Input) => (dryRun ? knownPath(services, input) : undefined) ?? fetchInput(services, input).storePath;
  const inputsOf = (node: LockNode): Record<string, ArchivedFlake> => {
    const inputs: Record<string, ArchivedFlake> = {};
    for (const [name, edge] of node.sortedInputs()) {
      if (isFollows(edge)) continue;
      const { input } = edge.lock!.locked;
      const isRelative = relativePath(input) !== undefined;
      inputs[decodeUtf8(name)] = { ...(isRelative ? {} : { path: pathOf(input) }), inputs: inputsOf(edge) };
    }
    return inputs;
  };
  // The tree of the flake itself has been fetched: its flake.nix was read there.
  return { path: storePathOf(services, flake.folder), inputs: inputsOf(root) };
}

/** Fetches every input once, and returns how many could not be had. */
export function fetchInputs({ evaluator, host, settings }: EvaluationSession, { root }: LockedFlake): number {
  const seen = new Set<LockNode>([root]);
  let failed = 0;
  const visit = (node: LockNode): void => {
    for (const [, edge] of node.sortedInputs()) {
      if (isFollows(edge) || seen.has(edge)) continue;
      seen.add(edge);
      const { locked } = edge.lock!;
      try {
        if (relativePath(locked.input) === undefined) {
          host.progress.message('info', `fetching '${decodeUtf8(printReference(locked))}'`);
          fetchInput(evaluator, locked.input);
        }
      } catch (error) {
        if (!(error instanceof NixError)) throw error;
        failed += 1;
        host.progress.message('notice', decodeUtf8(renderNixError(error, { showTrace: settings.showTrace })));
      }
      visit(edge);
    }
  };
  visit(root);
  return failed;
}

function knownPath({ host }: EvalServices, input: Input): StorePath | undefined {
  const narHash = narHashOf(input);
  if (narHash === undefined) return undefined;
  const address = { method: 'recursive', hash: parseHash(narHash) } as const;
  return makeContentAddressedPath(textAttribute(input, 'name') ?? 'source', address, noReferences, host.storeDirectory);
}

function storePathOf({ host }: EvalServices, folder: string): string {
  const end = folder.indexOf('/', host.storeDirectory.length + 1);
  return end < 0 ? folder : folder.slice(0, end);
}
