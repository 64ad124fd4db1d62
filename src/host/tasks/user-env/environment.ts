/**
 * User environments: the manifest that lists packages, and the derivation that links their files.
 *
 * Both are C++ Nix's to the byte, so that either program goes on where the other stopped and both
 * get the same store paths.
 */

import { NixError } from '#diagnostics';
import {
  Attrs, coerceToString, ContextCollector, printAmbiguous, type AttrsEntry, type EvalServices, type Value,
} from '#runtime';
import type { EvaluationSession } from '../../worker/session.ts';
import type { PackageInfo } from './package-info.ts';

export interface UserEnvironment {
  readonly drvPath: string;
  readonly outPath: string;
}

/** Writes the manifest and the derivation of an environment of packages whose outputs are valid. */
export function makeUserEnvironment(
  session: EvaluationSession, packages: readonly PackageInfo[], keepDerivations: boolean,
): UserEnvironment {
  const { host, evaluator } = session;
  const references = new Set<string>();
  const elements = packages.map((one) => elementOf(one, keepDerivations, references));
  const text = printAmbiguous(elements, Infinity, { markRepeated: false });
  const manifest = host.addTextToStore('env-manifest.nix', text, [...references].sort());
  const derivations = elements.map((element) => describeForBuilder(element, evaluator)).join(' ');
  const made = host.instantiate({
    name: 'user-environment',
    system: 'builtin',
    builder: 'builtin:buildenv',
    args: [],
    env: new Map([
      // Made here of what is here: neither sent away nor looked for elsewhere.
      ['allowSubstitutes', ''], ['builder', 'builtin:buildenv'], ['derivations', derivations], ['manifest', manifest],
      ['name', 'user-environment'], ['preferLocalBuild', '1'], ['system', 'builtin'],
    ]),
    outputs: ['out'],
    context: [manifest],
  });
  host.flush();
  const outPath = made.outputs.get('out');
  if (outPath === undefined) throw new NixError('Error', 'the user environment has no output');
  return { drvPath: made.drvPath, outPath };
}

/** A package as the manifest has it; what it refers to is added to `references`. */
function elementOf(info: PackageInfo, keepDerivations: boolean, references: Set<string>): Attrs {
  const outputs = info.outputsToInstall();
  const entries: AttrsEntry[] = [['type', 'derivation'], ['name', info.name]];
  if (info.system !== '') entries.push(['system', info.system]);
  entries.push(['outPath', info.outPath]);
  const drvPath = keepDerivations ? info.drvPath : undefined;
  if (drvPath !== undefined) {
    entries.push(['drvPath', drvPath]);
    references.add(drvPath);
  }
  for (const [name, path = ''] of outputs) {
    entries.push([name, Attrs.fromEntries([['outPath', path]])]);
    references.add(path);
  }
  entries.push(['outputs', [...outputs.keys()]]);
  const meta = info.metaNames().flatMap((name): AttrsEntry[] => {
    const value = info.meta(name);
    return value === undefined ? [] : [[name, value]];
  });
  entries.push(['meta', Attrs.fromEntries(meta)]);
  return Attrs.fromEntries(entries);
}

/** The words that the builder reads: active or not, priority, number of outputs, their paths. */
function describeForBuilder(element: Attrs, services: EvalServices): string {
  const meta = element.get('meta') as Attrs;
  const outputs = element.get('outputs') as string[];
  const words: Value = [
    meta.get('active') ?? 'true', meta.get('priority') ?? 5, outputs.length,
    ...outputs.map((name) => element.get(name) as Attrs),
  ];
  return coerceToString(words, services, new ContextCollector(), 0, '', { copyToStore: true, coerceMore: true });
}
