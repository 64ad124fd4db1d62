/**
 * Nix's settings: nix.conf files, `NIX_CONFIG`, and flags.
 *
 * Later ones win: /etc/nix/nix.conf, the user's nix.conf, `NIX_CONFIG`, flags; `NIX_PATH` stands
 * between the last two for `nix-path`. `extra-NAME` adds to a list instead of replacing it. The
 * environment comes in as a value: only the command line reads the process's own.
 */

import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { badSetting, missingInclude } from './errors.ts';
import { currentSettingName, isAppendable, settingForms, type SettingForm } from './setting-table.ts';
import { addedValue, usualValue } from './setting-values.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Whether the numbers of an evaluation are asked for. */
export function showsStatistics(environment: Environment): boolean {
  return (environment['NIX_SHOW_STATS'] ?? '0') !== '0';
}

/** Whether calls are traced or sampled: what an earlier evaluation gave says nothing then. */
export function observesCalls(settings: NixSettings): boolean {
  return settings.flag('trace-function-calls', false) || (settings.text('eval-profiler') ?? 'disabled') !== 'disabled';
}

export interface SettingSources {
  readonly environment: Environment;
  /** From flags, in order. */
  readonly overrides: readonly (readonly [name: string, value: string])[];
}

/** The merged settings, by name; elder names mean those of today. */
export class NixSettings {
  readonly #values = new Map<string, string>();
  readonly #replaced = new Set<string>();
  readonly #warnings: string[] = [];
  readonly #unknown = new Set<string>();

  /**
   * Sets some from one source, their experimental features first; `extra-` adds to what is there.
   * Throws for a value that a setting cannot have; what has no effect is told in `warnings`.
   */
  apply(pairs: readonly (readonly [name: string, value: string])[]): void {
    const isFeatures = ([name]: readonly [string, string]) => /^(?:extra-)?experimental-features$/.test(name);
    for (const [name, value] of pairs.filter(isFeatures)) this.#set(name, value);
    for (const [name, value] of pairs.filter((pair) => !isFeatures(pair))) this.#set(name, value);
  }

  #set(spelled: string, value: string): void {
    const name = currentSettingName(spelled);
    const form = settingForms.get(name);
    if (form !== undefined) return this.#take(form, value, false);
    const extended = name.startsWith('extra-') ? settingForms.get(name.slice(6)) : undefined;
    if (extended !== undefined && isAppendable(extended)) return this.#take(extended, value, true);
    this.#unknown.add(spelled);
  }

  #take(form: SettingForm, text: string, adds: boolean): void {
    const { name, feature } = form;
    if (feature !== undefined && !this.hasFeature(feature)) {
      this.#warnings.push(
        `Ignoring setting '${name}' because experimental feature '${feature}' is not enabled`);
      return;
    }
    const value = usualValue(form, text, (warning) => this.#warnings.push(warning));
    if (adds) {
      this.#values.set(name, addedValue(form, this.#values.get(name) ?? '', value));
      return;
    }
    this.#values.set(name, value);
    this.#replaced.add(name);
    if (name === 'warn-short-path-literals') this.#warnOfShortPaths(value === 'true' ? 'warn' : 'ignore');
  }

  /** By the elder setting; what `lint-short-path-literals` itself says counts for more. */
  #warnOfShortPaths(level: string): void {
    const name = 'lint-short-path-literals';
    this.#warnings.push(`'warn-short-path-literals' is deprecated, use '${name} = ${level}' instead`);
    if (!this.#replaced.has(name)) this.#values.set(name, level);
  }

  /** What C++ Nix warns of: settings that nobody knows, and those that are ignored. */
  get warnings(): readonly string[] {
    return [...this.#warnings, ...[...this.#unknown].sort().map((name) => `unknown setting '${name}'`)];
  }

  hasFeature(feature: string): boolean {
    return this.list('experimental-features').includes(feature);
  }

  forget(name: string): void {
    this.#values.delete(name);
    this.#replaced.delete(name);
  }

  /** Whether one was set, not only added to. */
  isReplaced(name: string): boolean {
    return this.#replaced.has(currentSettingName(name));
  }

  /** All that are set, by name. */
  entries(): [name: string, value: string][] {
    return [...this.#values].sort(([one], [other]) => (one < other ? -1 : 1));
  }

  text(name: string): string | undefined {
    return this.#values.get(currentSettingName(name));
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.text(name);
    return value === undefined ? otherwise : value === 'true';
  }

  /** A number; `otherwise` if nothing sets it. */
  number(name: string, otherwise: number): number {
    const value = this.text(name);
    return value === undefined ? otherwise : Number(value);
  }

  list(name: string): string[] {
    return (this.text(name) ?? '').split(/\s+/).filter(Boolean);
  }
}

/** The user's files, the most important first. */
export function userConfigurationFiles(environment: Environment): string[] {
  const given = environment['NIX_USER_CONF_FILES'];
  if (given !== undefined) return given.split(':').filter((file) => file !== '');
  const own = environment['XDG_CONFIG_HOME'] || join(environment['HOME'] ?? '', '.config');
  const shared = (environment['XDG_CONFIG_DIRS'] ?? '/etc/xdg').split(':').filter((folder) => folder !== '');
  return [own, ...shared].map((folder) => join(folder, 'nix/nix.conf'));
}

export function readSettings(sources: SettingSources): NixSettings {
  const settings = new NixSettings();
  const { environment } = sources;
  const systemDirectory = environment['NIX_CONF_DIR'] ?? '/etc/nix';
  readFileInto(settings, join(systemDirectory, 'nix.conf'));
  for (const file of userConfigurationFiles(environment).reverse()) readFileInto(settings, file);
  const inline = environment['NIX_CONFIG'];
  if (inline !== undefined) readTextInto(settings, inline, 'NIX_CONFIG', '/');
  if (environment['NIX_PATH'] !== undefined) settings.forget('nix-path');
  settings.apply(sources.overrides);
  return settings;
}

/** A file that is not there or cannot be read sets nothing. */
function readFileInto(settings: NixSettings, file: string): void {
  const text = readIfThere(file);
  if (text !== undefined) readTextInto(settings, text, file, dirname(file));
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function readTextInto(settings: NixSettings, text: string, file: string, directory: string): void {
  settings.apply(readPairs(text, file, directory));
}

/** The lines NAME = VALUE of a text and of what it includes, in order. */
function readPairs(text: string, file: string, directory: string): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (const line of text.split('\n')) {
    const content = line.replace(/#.*/, '');
    const [name, second, ...rest] = content.split(/[ \t\r]+/).filter((word) => word !== '');
    if (name === undefined) continue;
    if (name === 'include' || name === '!include') {
      if (second === undefined || rest.length > 0) throw badSetting(file, content);
      const included = resolve(directory, second);
      const inner = readIfThere(included);
      if (inner !== undefined) pairs.push(...readPairs(inner, included, dirname(included)));
      else if (name === 'include') throw missingInclude(included, file);
    } else {
      if (second !== '=') throw badSetting(file, content);
      pairs.push([name, rest.join(' ')]);
    }
  }
  return pairs;
}
