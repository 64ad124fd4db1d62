/**
 * Evaluating texts and files in tests: an evaluator on a fresh store, and what it printed.
 */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError, decodeUtf8, noProgress } from '#base';
import { NixError, renderNixError } from '#diagnostics';
import { createEvaluator, type Evaluator, type FetchAttribute, type FetchResult } from '#eval';
import { FlatMachine, type AgainFrom, type InputNames } from '#flat';
import { EvaluationHost } from '../../src/host/evaluation-host.ts';
import { createBuiltins, type EvalSettings, type SearchPathEntry } from '#runtime';
import { deleteTree, LocalStore } from '#store';

export const defaultSettings: EvalSettings = {
  pureEval: false,
  restrictEval: false,
  allowedPaths: [],
  allowImportFromDerivation: true,
  showTrace: false,
  traceVerbose: false,
  abortOnWarn: false,
  maxCallDepth: 10_000,
  currentSystem: 'x86_64-linux',
  searchPath: [],
  features: new Set(),
  homeDirectory: '/fake-home',
};

export interface Session {
  readonly evaluator: Evaluator;
  /** Lines of traces and warnings so far, decoded. */
  readonly output: string[];
}

/** Stands for the world in tests of fetchers. */
export type Fetch = (
  kind: string,
  attributes: ReadonlyMap<string, FetchAttribute>,
) => FetchResult;

let scratch: string | undefined;
let count = 0;

/** An evaluator on the real files with a store of its own in a temporary folder; `fast` on the flat heap, which notes what it reads if files may change, and may go on from an image. */
export function openSession(
  settings: Partial<EvalSettings> = {},
  environment: Readonly<Record<string, string>> = {},
  fetch?: Fetch,
  fast = false,
  inputs?: InputNames,
  again?: AgainFrom,
): Session {
  if (scratch === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'firn-semantics-'));
    scratch = folder;
    process.on('exit', () => deleteTree(folder));
  }
  const root = join(scratch, `root${count++}`);
  const refuse = (): never => {
    throw new UserError('TEST_NO_WORLD', 'nothing is built or fetched in this test');
  };
  const host = new EvaluationHost({
    storeDirectory: '/nix/store',
    openStore: () => new LocalStore({ root }),
    progress: noProgress,
    environment,
    currentTime: 1_000_000_000,
    services: { realise: refuse, fetch: fetch ?? refuse, resolveSearchPathEntry: () => null },
  });
  const output: string[] = [];
  const evaluator = createEvaluator({
    host,
    builtins: createBuiltins,
    settings: { ...defaultSettings, ...settings },
    ...(fast ? { machine: FlatMachine, inputs, again } : {}),
    onTrace: (text) => output.push(`trace: ${decodeUtf8(text)}`),
    onWarning: (text, label) => output.push(`${label}: ${decodeUtf8(text)}`),
  });
  return { evaluator, output };
}

/** An error as it is shown to the user. */
export function renderError(error: unknown, showTrace = false): string {
  if (error instanceof NixError) return decodeUtf8(renderNixError(error, { showTrace }));
  if (error instanceof UserError) return `error: ${error.message}`;
  throw error;
}

/** `name=path` and `path`, as after `-I`. */
export function searchPathOf(texts: readonly string[]): SearchPathEntry[] {
  return texts.map((text) => {
    const at = text.indexOf('=');
    return at < 0
      ? { prefix: '', path: text }
      : { prefix: text.slice(0, at), path: text.slice(at + 1) };
  });
}
