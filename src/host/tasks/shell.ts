/**
 * The task that evaluates what `nix-shell` is to give a shell for, and which shell that will be.
 *
 * A folder means its shell.nix before its default.nix. A function that has an argument `inNixShell`
 * gets it as true.
 */

import { decodeUtf8 } from '#base';
import { NixError, renderNixError } from '#diagnostics';
import { Attrs, force, Lambda, parentPath, resolvePath, type Value } from '#runtime';
import type { EvaluationSession } from '../worker/session.ts';
import { selectPath } from './attribute-path.ts';
import {
  makeAutoArguments, evaluateSource, resolveFileArgument, type AutoArgument, type ExpressionSource,
} from './expression-source.ts';
import { findDerivations, type FoundDerivation } from './find-derivations.ts';

export interface ShellInput {
  readonly sources: readonly ExpressionSource[];
  readonly attributePaths: readonly string[];
  readonly autoArguments: readonly AutoArgument[];
  /** Looks for the shell that nixpkgs has. */
  readonly findShell: boolean;
}

export interface ShellTarget {
  readonly found: readonly FoundDerivation[];
  /** The derivation whose output has bin/bash; undefined where none was looked for or found. */
  readonly shell: string | undefined;
}

export function run(session: EvaluationSession, input: unknown): ShellTarget {
  const { sources, attributePaths, autoArguments, findShell } = input as ShellInput;
  const plain = makeAutoArguments(session, autoArguments);
  const inShell = Attrs.fromEntries(
    [['inNixShell', true], ...plain.names().map((name) => [name, plain.get(name)!] as const)]);
  const argumentsFor = (value: Value) => (wantsToKnow(value) ? inShell : plain);
  const found = sources.flatMap((source) => {
    const root = evaluateSource(session, fileOfFolder(session, source), { isMain: true });
    return (attributePaths.length === 0 ? [''] : attributePaths).flatMap((path) => {
      const selected = force(selectPath(path, argumentsFor(root), root));
      return findDerivations(selected, argumentsFor(selected), session.evaluator);
    });
  });
  const shell = findShell && found.length === 1 ? interactiveShell(session) : undefined;
  session.host.flush();
  return { found, shell };
}

function wantsToKnow(value: Value): boolean {
  return value instanceof Lambda && value.info.formals?.some((formal) => formal.name === 'inNixShell') === true;
}

function fileOfFolder(session: EvaluationSession, source: ExpressionSource): ExpressionSource {
  if (source.kind !== 'file') return source;
  let path = resolveFileArgument(session, source.path);
  for (let links = 0; session.host.lstat(path)?.type === 'symlink' && links < linkLimit; links++) {
    path = resolvePath(parentPath(path), session.host.readLink(path));
  }
  if (session.host.lstat(path)?.type !== 'directory') return { kind: 'file', path };
  if (session.host.lstat(`${path}/shell.nix`) !== null) {
    if (session.nixSettings.flag(alwaysShell, true)) return { kind: 'file', path: `${path}/shell.nix` };
    session.host.progress.message(
      'warning', `Skipping '${path}/shell.nix', because the setting '${alwaysShell}' is disabled. `
      + `This is a deprecated behavior. Consider enabling '${alwaysShell}'.`);
  }
  if (session.host.lstat(`${path}/default.nix`) !== null) return { kind: 'file', path: `${path}/default.nix` };
  throw new NixError('Error', `neither 'shell.nix' nor 'default.nix' found in '${path}'`);
}

/** nixpkgs' interactive bash; without it the user's own will do. */
function interactiveShell(session: EvaluationSession): string | undefined {
  try {
    const value = session.evaluator.evaluateString('(import <nixpkgs> { }).bashInteractive', session.workingDirectory);
    const [shell] = findDerivations(value, Attrs.fromEntries([]), session.evaluator);
    if (shell !== undefined) return shell.drvPath;
    throw new NixError('Error', "the 'bashInteractive' attribute in <nixpkgs> did not evaluate to a derivation");
  } catch (error) {
    if (!(error instanceof NixError)) throw error;
    const { progress } = session.host;
    progress.message('notice', decodeUtf8(renderNixError(error, { showTrace: session.settings.showTrace })));
    progress.message('notice', 'uses bash from your environment');
    return undefined;
  }
}

const alwaysShell = 'nix-shell-always-looks-for-shell-nix';
const linkLimit = 64;
