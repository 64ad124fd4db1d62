/** Fetching inputs through the host's door, under the rules of the settings in force. */

import { encodeUtf8, UserError } from '#base';
import { NixError } from '#diagnostics';
import { featureRequired } from '../builtins/errors.ts';
import { evalError, nixError } from '../errors.ts';
import type { FetchResult } from '../host.ts';
import type { EvalServices, FlakeSettings } from '../services.ts';
import { inputToJson, narHashOf, withAttributes, type Input } from './attributes.ts';
import { inputToUrl, isLocked } from './input.ts';
import { nameTree } from './name-tree.ts';
import type { InputSettings } from './scheme.ts';
import { schemeOfType } from './schemes.ts';
import { BadUrl, parseUrl, urlPathToFile } from './url.ts';

const usualSettings: FlakeSettings = {
  useRegistries: true, allowDirtyLocks: false, warnDirty: true, trustForges: true, commitLockFileSummary: '',
};

export function flakeSettings(services: EvalServices): FlakeSettings {
  return services.settings.flakes ?? usualSettings;
}

export function inputSettings(services: EvalServices): InputSettings {
  return {
    trustForges: flakeSettings(services).trustForges,
    requireFeature(feature) {
      if (!services.settings.features.has(feature)) throw featureRequired(feature);
    },
    warn: (text) => services.warn(text),
  };
}

/** What registries say: those of the command line and the global one, or all. */
export type Registries = 'limited' | 'all';

/** The input that a name stands for in the registries; `dir` may be among its attributes. */
export function resolveInput(services: EvalServices, input: Input, registries: Registries): Input {
  const asked = new Map(input).set('registries', registries);
  return ask(services, 'resolveInput', asked).attributes;
}

/**
 * Fetches an input into the store. The attributes of the result are the input's locked form. With
 * `__final`, only what fits all given attributes is accepted, and nothing is added to them.
 */
export function fetchInput(services: EvalServices, input: Input): FetchResult {
  if (schemeOfType(input.get('type')) === undefined) {
    throw nixError('Error', `cannot fetch unsupported input '${inputToJson(input)}'`);
  }
  const result = withFetchTrace(input, () => ask(services, 'fetchTree', input));
  services.allowStorePath(result.storePath);
  nameTree(services, input, result);
  return result;
}

/** Number of commits up to a revision of a repository in the host's care. */
export function countRevisions(services: EvalServices, directory: string, revision: string): number {
  const found = ask(services, 'revCount', new Map([['directory', directory], ['rev', revision]]));
  return found.attributes.get('revCount') as number;
}

/** The input with its number of revisions, if that was to be counted when somebody asks. */
export function countedInput(services: EvalServices, input: Input): Input {
  const directory = input.get('revCountIn');
  if (typeof directory !== 'string') return input;
  const revCount = countRevisions(services, directory, String(input.get('rev')));
  return withAttributes(input, { revCountIn: undefined, revCount });
}

/** Fails in pure evaluation unless the input always gives the same. */
export function checkPurity(services: EvalServices, input: Input, who: string): void {
  if (!services.settings.pureEval || isLocked(input, inputSettings(services))) return;
  const text = inputToUrl(input);
  if (narHashOf(input) === undefined) {
    throw evalError(`in pure evaluation mode, '${who}' doesn't fetch unlocked input '${text}'`);
  }
  services.warn(
    `Input '${text}' is unlocked (e.g. lacks a Git revision) but is checked by NAR hash.` +
      ' This is not reproducible and will break after garbage collection or when shared.');
}

/** In restricted evaluation only what is allowed by URL, or local and allowed, may be fetched. */
export function checkUri(services: EvalServices, uri: string): void {
  const { restrictEval, allowedUris = [] } = services.settings;
  if (!restrictEval || allowedUris.some((prefix) => isBelow(uri, prefix))) return;
  const local = uri.startsWith('/') ? uri : fileOf(uri);
  if (local === undefined) {
    throw new NixError('RestrictedPathError', `access to URI '${uri}' is forbidden in restricted mode`);
  }
  services.checkAccess(local);
}

/** `https://a.b` allows `https://a.b/c`, not `https://a.bc`; `https:` allows the whole scheme. */
function isBelow(uri: string, prefix: string): boolean {
  if (uri === prefix) return true;
  return prefix !== '' && uri.startsWith(prefix) && (/[/:]$/.test(prefix) || uri[prefix.length] === '/');
}

function fileOf(uri: string): string | undefined {
  try {
    const url = parseUrl(uri);
    return url.scheme === 'file' ? urlPathToFile(url.path) : undefined;
  } catch (error) {
    if (error instanceof BadUrl) return undefined;
    throw error;
  }
}

function withFetchTrace<T>(input: Input, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof NixError) error.addTrace(0, `while fetching the input '${inputToUrl(input)}'`);
    throw error;
  }
}

/** Asks the host; what it cannot do is the program's fault, which asked for it. */
export function ask(services: EvalServices, kind: string, input: Input): FetchResult {
  try {
    return services.host.fetch(kind, input);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const hint = error.hint === undefined ? '' : `\n${error.hint}`;
    throw new NixError('Error', encodeUtf8(`${error.message}${hint}`), 0, {
      exitStatus: error.code === 'HASH_MISMATCH' ? 102 : 1,
    });
  }
}
