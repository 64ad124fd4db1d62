/**
 * Nix's settings: nix.conf files, `NIX_CONFIG`, and flags.
 *
 * Later ones win: /etc/nix/nix.conf, the user's nix.conf, `NIX_CONFIG`, flags; `NIX_PATH` stands
 * between the last two for `nix-path`. `extra-NAME` adds to a list instead of replacing it. The
 * environment comes in as a value: only the command line reads the process's own.
 */

import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { currentSettingName } from './setting-aliases.ts';
import { badSetting, missingInclude, notBoolean } from './errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Whether the numbers of an evaluation are asked for. */
export function showsStatistics(environment: Environment): boolean {
  return (environment['NIX_SHOW_STATS'] ?? '0') !== '0';
}

export interface SettingSources {
  readonly environment: Environment;
  /** From flags, in order. */
  readonly overrides: readonly (readonly [name: string, value: string])[];
}

/** The merged settings, by name. */
export class NixSettings {
  readonly #values = new Map<string, string>();
  readonly #replaced = new Set<string>();

  /** Sets one; `extra-` adds to what is there. */
  set(spelled: string, value: string): void {
    const name = currentSettingName(spelled);
    const extra = /^extra-(.+)$/.exec(name)?.[1];
    if (extra === undefined) {
      this.#values.set(name, value);
      this.#replaced.add(name);
    } else {
      this.#values.set(extra, [this.#values.get(extra) ?? '', value].filter(Boolean).join(' '));
    }
  }

  forget(name: string): void {
    this.#values.delete(name);
    this.#replaced.delete(name);
  }

  /** Whether one was set, not only added to. */
  isReplaced(name: string): boolean {
    return this.#replaced.has(name);
  }

  /** All that are set, by name. */
  entries(): [name: string, value: string][] {
    return [...this.#values].sort(([one], [other]) => (one < other ? -1 : 1));
  }

  text(name: string): string | undefined {
    return this.#values.get(name);
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.#values.get(name);
    if (value === undefined) return otherwise;
    if (!/^(?:true|yes|1|false|no|0)$/.test(value)) throw notBoolean(name, value);
    return /^(?:true|yes|1)$/.test(value);
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
  readFileInto(settings, join(systemDirectory, 'nix.conf'));
  for (const file of [...userFiles].reverse()) readFileInto(settings, file);
  const inline = environment['NIX_CONFIG'];
  if (inline !== undefined) readTextInto(settings, inline, 'NIX_CONFIG', '/');
  if (environment['NIX_PATH'] !== undefined) settings.forget('nix-path');
  for (const [name, value] of sources.overrides) settings.set(name, value);
  return settings;
}

/** The system that this process runs on, in Nix's words. */
export function hostSystem(): string {
  const cpu = { x64: 'x86_64', arm64: 'aarch64', ia32: 'i686', arm: 'armv7l', riscv64: 'riscv64' } as Record<string, string>;
  const kernel = process.platform === 'darwin' ? 'darwin' : 'linux';
  return `${cpu[process.arch] ?? process.arch}-${kernel}`;
}

/** A file that is not there or cannot be read sets nothing; false then. */
function readFileInto(settings: NixSettings, file: string): boolean {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return false;
  }
  readTextInto(settings, text, file, dirname(file));
  return true;
}

function readTextInto(settings: NixSettings, text: string, file: string, directory: string): void {
  for (const line of text.split('\n')) {
    const content = line.replace(/#.*/, '');
    const [name, second, ...rest] = content.split(/[ \t\r]+/).filter((word) => word !== '');
    if (name === undefined) continue;
    if (name === 'include' || name === '!include') {
      if (second === undefined || rest.length > 0) throw badSetting(file, content);
      const included = resolve(directory, second);
      if (!readFileInto(settings, included) && name === 'include') throw missingInclude(included, file);
    } else {
      if (second !== '=') throw badSetting(file, content);
      settings.set(name, rest.join(' '));
    }
  }
}
