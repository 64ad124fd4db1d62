/**
 * What the evaluator is told of Nix's settings and of the environment, the search path above all.
 *
 * Apart from the settings themselves, since only the evaluator's thread has use for it.
 */

import { encodeUtf8 } from '#base';
import { resolvePath, type EvalSettings, type SearchPathEntry } from '#runtime';
import { hostSystem } from './host-system.ts';
import type { Environment, NixSettings } from './settings.ts';

/**
 * `includes` are the operands of `-I`, which come first; `workingDirectory` is a byte string, where
 * relative entries of the search path start.
 */
export function evaluationSettings(
  settings: NixSettings, environment: Environment, includes: readonly string[],
  workingDirectory: string,
): EvalSettings {
  const pureEval = settings.flag('pure-eval', false);
  const restrictEval = settings.flag('restrict-eval', false);
  const searchPath = pureEval ? [] : searchPathOf(settings, environment, includes);
  const roots = searchPath.map(({ path }) => resolvePath(workingDirectory, path));
  return {
    pureEval,
    restrictEval,
    allowedPaths: restrictEval ? roots : [],
    allowedUris: settings.list('allowed-uris').map(encodeUtf8),
    flakes: {
      useRegistries: settings.flag('use-registries', true),
      allowDirtyLocks: settings.flag('allow-dirty-locks', false),
      warnDirty: settings.flag('warn-dirty', true),
      trustForges: settings.flag('trust-tarballs-from-git-forges', true),
      commitLockFileSummary: encodeUtf8(settings.text('commit-lock-file-summary') ?? ''),
    },
    allowImportFromDerivation: settings.flag('allow-import-from-derivation', true),
    traceImportFromDerivation: settings.flag('trace-import-from-derivation', false),
    showTrace: settings.flag('show-trace', false),
    traceVerbose: settings.flag('trace-verbose', false),
    abortOnWarn: settings.flag('abort-on-warn', false),
    maxCallDepth: settings.number('max-call-depth', 10_000),
    currentSystem: settings.text('eval-system') || settings.text('system') || hostSystem(),
    searchPath,
    workingDirectory,
    features: new Set(settings.list('experimental-features')),
    homeDirectory: encodeUtf8(environment['HOME'] ?? '/'),
    ...lintsOf(settings),
  };
}

/** The settings `lint-url-literals` and its like, where one is on. */
function lintsOf(settings: NixSettings): Pick<EvalSettings, 'lints'> {
  const lints: Record<string, 'warn' | 'fatal'> = {};
  for (const name of ['url-literals', 'short-path-literals', 'absolute-path-literals']) {
    const level = settings.text(`lint-${name}`);
    if (level === 'warn' || level === 'fatal') lints[name] = level;
  }
  return Object.keys(lints).length === 0 ? {} : { lints };
}

/** Entries of `-I`, then of `NIX_PATH` and the setting `nix-path`, as they were given. */
function searchPathOf(
  settings: NixSettings, environment: Environment, includes: readonly string[],
): SearchPathEntry[] {
  const fromEnvironment = settings.isReplaced('nix-path') ? [] : splitNixPath(environment['NIX_PATH'] ?? '');
  return [...includes, ...fromEnvironment, ...settings.list('nix-path')].map(parseEntry);
}

/** Splits at colons, but not at those of URLs and `flake:` or `channel:` references. */
function splitNixPath(text: string): string[] {
  const entries: string[] = [];
  let start = 0;
  let inReference = false;
  for (let at = 0; at <= text.length; at++) {
    if (at < text.length && text[at] !== ':') continue;
    const value = text.slice(start, at).replace(/^[^=]*=/, '');
    if (!inReference && at < text.length && startsReference(value, text.slice(at))) {
      inReference = true;
      continue;
    }
    inReference = false;
    if (at > start) entries.push(text.slice(start, at));
    start = at + 1;
  }
  return entries;
}

/** Whether a colon after `scheme` belongs to a URL or reference; `rest` starts with the colon. */
function startsReference(scheme: string, rest: string): boolean {
  return scheme === 'channel' || scheme === 'flake'
    || (rest.startsWith('://') && /^(?:https?|file|git|s3|ssh)$/.test(scheme));
}

function parseEntry(text: string): SearchPathEntry {
  const equals = text.indexOf('=');
  const prefix = equals < 0 ? '' : text.slice(0, equals);
  return { prefix: encodeUtf8(prefix), path: encodeUtf8(text.slice(equals + 1)) };
}
