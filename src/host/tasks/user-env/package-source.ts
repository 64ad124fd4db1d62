/**
 * Where `nix-env` takes packages from: the default expressions, functions of them, another profile,
 * the store.
 */

import { NixError } from '#diagnostics';
import { derivationExtension, isDerivationPath, nameOf, splitStorePath, type StorePath } from '#formats';
import { call, emptyAttrs, force, Thunk, type Attrs } from '#runtime';
import type { EvaluationSession } from '../../worker/session.ts';
import { selectPath } from '../attribute-path.ts';
import { makeAutoArguments, resolveFileArgument, type AutoArgument } from '../expression-source.ts';
import { findDerivationSets } from '../find-derivations.ts';
import { followLinks, loadSourceExpression } from './default-expression.ts';
import { PackageInfo } from './package-info.ts';
import { filterBySelector, type FilterOptions } from './selectors.ts';

export interface PackageSource {
  /** What the operands are. */
  readonly kind: 'names' | 'attributes' | 'functions' | 'profile' | 'storePaths';
  /** The file of `--file`, as it was given, or the user's default expressions; a byte string. */
  readonly file: string;
  /** Of `--from-profile`. */
  readonly profile: string;
  readonly autoArguments: readonly AutoArgument[];
  /** Only packages for this system; `*` for all. */
  readonly systemFilter: string;
}

/** The packages that operands name. */
export function queryPackages(
  session: EvaluationSession, source: PackageSource, operands: readonly string[], options: { newestOnly: boolean },
): PackageInfo[] {
  const args = makeAutoArguments(session, source.autoArguments);
  const filter = filterOptions(session, options.newestOnly);
  switch (source.kind) {
    case 'names':
      return filterBySelector(loadPackages(session, source, ''), operands, filter);
    case 'attributes': {
      const root = loadSource(session, source);
      return operands.flatMap((path) => packagesIn(session, selectPath(path, args, root), args));
    }
    case 'functions': {
      const root = new Thunk(() => loadSource(session, source));
      return operands.flatMap((text) => {
        const made = session.evaluator.evaluateString(text, session.workingDirectory);
        return packagesIn(session, new Thunk(() => call(made, root)), args);
      });
    }
    case 'profile':
      return filterBySelector(queryInstalled(session, source.profile), operands, filter);
    case 'storePaths':
      return operands.map((path) => packageOfStorePath(session, path as StorePath));
  }
}

/** All packages below an attribute path of the source, for the wanted system. */
export function loadPackages(session: EvaluationSession, source: PackageSource, attributePath: string): PackageInfo[] {
  const args = makeAutoArguments(session, source.autoArguments);
  const selected = selectPath(attributePath, args, loadSource(session, source));
  const all = packagesIn(session, selected, args, attributePath);
  return source.systemFilter === '*' ? all : all.filter((one) => one.system === source.systemFilter);
}

/** What a profile's manifest lists; nothing if it has none. */
export function queryInstalled(session: EvaluationSession, profile: string): PackageInfo[] {
  const { host, evaluator } = session;
  const place = followLinks(session, profile);
  if (host.lstat(`${place}/manifest.json`) !== null) {
    throw new NixError(
      'Error', `profile '${profile}' is incompatible with 'nix-env'; please use 'nix profile' instead`);
  }
  const manifest = `${place}/manifest.nix`;
  if (host.lstat(manifest) === null) return [];
  return findDerivationSets(evaluator.evaluateFile(manifest), emptyAttrs)
    .map(({ attrs, path }) => new PackageInfo(evaluator, path, attrs));
}

export function filterOptions(session: EvaluationSession, newestOnly: boolean): FilterOptions {
  return {
    newestOnly,
    system: session.settings.currentSystem,
    warn: (text) => session.host.progress.message('warning', text),
  };
}

function loadSource(session: EvaluationSession, source: PackageSource) {
  return force(loadSourceExpression(session, resolveFileArgument(session, source.file)));
}

function packagesIn(
  session: EvaluationSession, slot: Parameters<typeof findDerivationSets>[0], args: Attrs, path = '',
): PackageInfo[] {
  return findDerivationSets(slot, args, { path, skipFailing: true })
    .map((found) => new PackageInfo(session.evaluator, found.path, found.attrs));
}

function packageOfStorePath(session: EvaluationSession, path: StorePath): PackageInfo {
  const { host, evaluator } = session;
  if (splitStorePath(path, host.storeDirectory) === undefined) {
    throw new NixError('Error', `path '${path}' is not in the Nix store`);
  }
  const name = nameOf(path);
  if (!isDerivationPath(path)) return PackageInfo.ofStorePath(evaluator, name, path, undefined);
  const out = host.readDerivation(path).outputs.get('out');
  if (out === undefined) throw new NixError('Error', `derivation '${path}' does not have an output 'out'`);
  return PackageInfo.ofStorePath(evaluator, name.slice(0, -derivationExtension.length), out, path);
}
