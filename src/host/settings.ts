/**
 * Nix's settings: nix.conf files, `NIX_CONFIG`, and flags; and what the evaluator takes from them.
 *
 * Later ones win: /etc/nix/nix.conf, the user's nix.conf, `NIX_CONFIG`, flags. `extra-NAME` adds to
 * a list instead of replacing it. The environment comes in as a value: only the command line reads
 * the process's own.
 */

import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { encodeUtf8 } from '#base';
import type { EvalSettings, SearchPathEntry } from '#runtime';
import { badSetting } from './errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface SettingSources {
  readonly environment: Environment;
  /** From flags, in order. */
  readonly overrides: readonly (readonly [name: string, value: string])[];
}

/** The merged settings, by name. */
export class NixSettings {
  readonly #values = new Map<string, string>();

  /** Sets one; `extra-` adds to what is there. */
  set(name: string, value: string): void {
    const extra = /^extra-(.+)$/.exec(name)?.[1];
    if (extra === undefined) this.#values.set(name, value);
    else this.#values.set(extra, [this.#values.get(extra) ?? '', value].filter(Boolean).join(' '));
  }

  text(name: string): string | undefined {
    return this.#values.get(name);
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.#values.get(name);
    return value === undefined ? otherwise : /^(true|yes|1)$/.test(value);
  }

  /** A number; `otherwise` for what is not one. */
  number(name: string, otherwise: number): number {
    const value = this.#values.get(name) ?? '';
    return /^[0-9]+$/.test(value) ? Number(value) : otherwise;
  }

  list(name: string): string[] {
    return (this.#values.get(name) ?? '').split(/\s+/).filter(Boolean);
  }
}

export function readSettings(sources: SettingSources): NixSettings {
  const settings = new NixSettings();
  const { environment } = sources;
  const systemDirectory = environment['NIX_CONF_DIR'] ?? '/etc/nix';
  const home = environment['HOME'] ?? '';
  const userFiles = environment['NIX_USER_CONF_FILES']?.split(':')
    ?? [join(environment['XDG_CONFIG_HOME'] || join(home, '.config'), 'nix/nix.conf')];
  readFileInto(settings, join(systemDirectory, 'nix.conf'), false);
  for (const file of [...userFiles].reverse()) readFileInto(settings, file, false);
  const inline = environment['NIX_CONFIG'];
  if (inline !== undefined) readTextInto(settings, inline, 'NIX_CONFIG', '/');
  for (const [name, value] of sources.overrides) settings.set(name, value);
  return settings;
}

/** What the evaluator is told. `includes` are the operands of `-I`, which come first. */
export function evaluationSettings(
  settings: NixSettings, environment: Environment, includes: readonly string[], workingDirectory: string,
): EvalSettings {
  const pureEval = settings.flag('pure-eval', false);
  const restrictEval = settings.flag('restrict-eval', false);
  const searchPath = pureEval ? [] : searchPathOf(settings, environment, includes, workingDirectory);
  const roots = searchPath.map((entry) => entry.path).filter((path) => path.startsWith('/'));
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
    showTrace: settings.flag('show-trace', false),
    traceVerbose: settings.flag('trace-verbose', false),
    abortOnWarn: settings.flag('abort-on-warn', false),
    maxCallDepth: settings.number('max-call-depth', 10_000),
    currentSystem: settings.text('eval-system') || settings.text('system') || hostSystem(),
    searchPath,
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

/** The system that this process runs on, in Nix's words. */
export function hostSystem(): string {
  const cpu = { x64: 'x86_64', arm64: 'aarch64', ia32: 'i686', arm: 'armv7l', riscv64: 'riscv64' } as Record<string, string>;
  const kernel = process.platform === 'darwin' ? 'darwin' : 'linux';
  return `${cpu[process.arch] ?? process.arch}-${kernel}`;
}

/** Entries of `-I`, then of `NIX_PATH` or else the setting `nix-path`. */
function searchPathOf(
  settings: NixSettings, environment: Environment, includes: readonly string[], workingDirectory: string,
): SearchPathEntry[] {
  const fromEnvironment = environment['NIX_PATH'];
  const rest = fromEnvironment !== undefined ? splitNixPath(fromEnvironment) : settings.list('nix-path');
  return [...includes, ...rest].map((text) => parseEntry(text, workingDirectory));
}

/** Splits at colons, but not at those of URLs and `flake:` or `channel:` references. */
function splitNixPath(text: string): string[] {
  const entries: string[] = [];
  let start = 0;
  for (let at = 0; at <= text.length; at++) {
    if (at < text.length && text[at] !== ':') continue;
    const entry = text.slice(start, at);
    const value = entry.slice(entry.indexOf('=') + 1);
    if (at < text.length && (text.startsWith('//', at + 1) || /^(flake|channel|git|github|path|tarball)$/.test(value))) {
      continue;
    }
    if (entry !== '') entries.push(entry);
    start = at + 1;
  }
  return entries;
}

function parseEntry(text: string, workingDirectory: string): SearchPathEntry {
  const equals = text.indexOf('=');
  const prefix = equals < 0 ? '' : text.slice(0, equals);
  const path = text.slice(equals + 1);
  const isReference = /^[a-z+]+:/.test(path);
  return { prefix: encodeUtf8(prefix), path: encodeUtf8(isReference ? path : resolve(workingDirectory, path)) };
}

function readFileInto(settings: NixSettings, file: string, required: boolean): void {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (required) throw badSetting(file, 0, (error as Error).message);
    return;
  }
  readTextInto(settings, text, file, dirname(file));
}

function readTextInto(settings: NixSettings, text: string, file: string, directory: string): void {
  text.split('\n').forEach((line, index) => {
    const content = line.replace(/#.*/, '').trim();
    if (content === '') return;
    const include = /^(!?)include\s+(\S+)$/.exec(content);
    if (include !== null) {
      readFileInto(settings, resolve(directory, include[2] as string), include[1] === '');
      return;
    }
    const setting = /^(\S+)\s*=\s*(.*)$/.exec(content);
    if (setting === null) throw badSetting(file, index + 1, content);
    settings.set(setting[1] as string, setting[2] as string);
  });
}
