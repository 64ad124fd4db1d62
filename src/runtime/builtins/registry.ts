/**
 * The `builtins` set and the names that are variables everywhere, for one evaluator.
 *
 * Experimental ones exist only while their feature is on, as in C++ Nix, so that `builtins ? name`
 * tells the truth.
 */

import { Attrs, type AttrsEntry } from '../attrs.ts';
import { nixError } from '../errors.ts';
import type { EvalServices } from '../services.ts';
import { Thunk } from '../thunk.ts';
import { PrimOp, type Slot } from '../values.ts';
import { arithmetic } from './arithmetic.ts';
import { attrsets } from './attrsets.ts';
import { contexts } from './contexts.ts';
import { control } from './control.ts';
import { conversion } from './conversion.ts';
import type { PrimOpDefinition } from './define.ts';
import { derivationFile, derivationText } from './derivation-text.ts';
import { derivations } from './derivation.ts';
import { dynamicDerivations } from './dynamic.ts';
import { closureFetchers } from './fetch-closure.ts';
import { treeFetchers } from './fetch-tree.ts';
import { fetchers } from './fetchers.ts';
import { files } from './files.ts';
import { flakes } from './flakes.ts';
import { closures } from './generic-closure.ts';
import { hashing } from './hashing.ts';
import { lists } from './lists.ts';
import { strings } from './strings.ts';
import { types } from './types.ts';

/** All primitive operations there are, whatever features are on. */
export const primOpDefinitions: readonly PrimOpDefinition[] = [
  ...arithmetic,
  ...attrsets,
  ...closures,
  ...contexts,
  ...control,
  ...conversion,
  ...derivations,
  ...dynamicDerivations,
  ...fetchers,
  ...treeFetchers,
  ...closureFetchers,
  ...files,
  ...flakes,
  ...hashing,
  ...lists,
  ...strings,
  ...types,
];

/** What `builtins.nixVersion` says: the release whose language this is. */
export const nixVersion = '2.36.0';
export const langVersion = 6;

/** Values among the builtins that are no functions. */
export interface BuiltinConstant {
  readonly name: string;
  readonly doc: string;
  readonly global: boolean;
  /** Not there in pure evaluation. */
  readonly impureOnly: boolean;
}

export const builtinConstants: readonly BuiltinConstant[] = [
  constant('true', 'The Boolean.', { global: true }),
  constant('false', 'The Boolean.', { global: true }),
  constant('null', 'The value that stands for nothing.', { global: true }),
  constant('builtins', 'The set of all builtins, itself among them.', { global: true }),
  constant('currentTime', 'Seconds since 1970 when evaluation began.', { impureOnly: true }),
  constant('currentSystem', 'The system evaluation is for, as `x86_64-linux`.', {
    impureOnly: true,
  }),
  constant('nixVersion', 'The release of C++ Nix whose language this is.'),
  constant('storeDir', 'The directory of the store, `/nix/store`.'),
  constant('langVersion', 'The version of the language.'),
  constant('nixPath', 'The search path of `<name>`: a list of sets of `path` and `prefix`.'),
  constant(
    'derivation',
    'Makes a derivation of a set of attributes: a set of the same attributes, `drvPath`,' +
      ' `outPath`, `type`, and one attribute for each output. Nothing is instantiated before one of' +
      ' the paths is wanted.',
    { global: true },
  ),
];

function constant(
  name: string,
  doc: string,
  options: { global?: boolean; impureOnly?: boolean } = {},
): BuiltinConstant {
  const { global = false, impureOnly = false } = options;
  return { name, doc, global, impureOnly };
}

/** The builtins of an evaluator. */
export function createBuiltins(services: EvalServices): {
  readonly builtins: Attrs;
  readonly globals: ReadonlyMap<string, Slot>;
} {
  const entries: AttrsEntry[] = [];
  const globals = new Map<string, Slot>();
  const add = (name: string, slot: Slot, global: boolean): void => {
    entries.push([name, slot]);
    globals.set(global ? name : `__${name}`, slot);
  };
  for (const definition of primOpDefinitions) {
    if (!isAvailable(services, definition)) continue;
    const { name, args, run, doc, addsTrace } = definition;
    add(name, new PrimOp(name, args, run as never, services, doc, addsTrace), definition.global);
  }
  const self = new Thunk(() => services.builtins);
  for (const { name, global, impureOnly } of builtinConstants) {
    if (impureOnly && services.settings.pureEval) continue;
    add(name, name === 'builtins' ? self : constantSlot(services, name), global);
  }
  return { builtins: Attrs.fromEntries(entries), globals };
}

function isAvailable(services: EvalServices, { feature }: PrimOpDefinition): boolean {
  const { features } = services.settings;
  if (feature === undefined || features.has(feature)) return true;
  return feature === 'fetch-tree' && features.has('flakes');
}

function constantSlot(services: EvalServices, name: string): Slot {
  switch (name) {
    case 'true':
      return true;
    case 'false':
      return false;
    case 'null':
      return null;
    case 'currentTime':
      return new Thunk(() => services.host.currentTime());
    case 'currentSystem':
      return services.settings.currentSystem;
    case 'nixVersion':
      return nixVersion;
    case 'storeDir':
      return services.host.storeDirectory;
    case 'langVersion':
      return langVersion;
    case 'nixPath':
      return new Thunk(() => services.nixPath());
    case 'derivation':
      return new Thunk(() => services.evaluateInternal(derivationFile, derivationText));
  }
  throw nixError('Error', `no value for builtins.${name}`);
}
