/**
 * The machines that build for us, as the setting `builders` and /etc/nix/machines describe them.
 *
 * A machine a line, or several parted by `;`; `@FILE` stands for a file's lines. A line has up to
 * eight words: store, systems, key of ssh, builds at once, speed, features it supports, features
 * that it is kept for, and its public host key; `-` stands for what is not given.
 */

import { readFileSync } from 'node:fs';
import { badMachine, machinesUnreadable } from './errors.ts';

export interface Machine {
  /** With its parameters: key and host key included. */
  readonly store: string;
  /** As it was written, which names its locks and itself in messages. */
  readonly name: string;
  readonly systems: ReadonlySet<string>;
  readonly maximumJobs: number;
  readonly speedFactor: number;
  readonly supportedFeatures: ReadonlySet<string>;
  /** A derivation must require all of these. */
  readonly mandatoryFeatures: ReadonlySet<string>;
}

/** Parses the setting; `system` is what machines have that name none. Throws BAD_MACHINE. */
export function parseMachines(text: string, system: string): Machine[] {
  return linesOf(text, 0).map((line) => parseMachine(line, system));
}

/** Whether the machine can and may build what needs the features. */
export function isSuitable(machine: Machine, system: string, features: readonly string[]): boolean {
  return (system === 'builtin' || machine.systems.has(system))
    && features.every((one) => machine.supportedFeatures.has(one) || machine.mandatoryFeatures.has(one))
    && [...machine.mandatoryFeatures].every((one) => features.includes(one));
}

const deepestFile = 8;

function linesOf(text: string, depth: number): string[] {
  const entries = text.split('\n').flatMap((line) => line.replace(/#.*/, '').split(';'))
    .map((entry) => entry.trim()).filter(Boolean);
  return entries.flatMap((entry) => {
    if (!entry.startsWith('@')) return [entry];
    const file = entry.slice(1).trim();
    if (depth >= deepestFile) throw machinesUnreadable(file, 'the files name each other without end');
    return linesOf(readLines(file), depth + 1);
  });
}

/** A file that is not there names no machine. */
function readLines(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw machinesUnreadable(file, (error as Error).message, error);
  }
}

function parseMachine(line: string, system: string): Machine {
  const words = line.split(/\s+/);
  const word = (index: number): string | undefined => (words[index] === '-' ? undefined : words[index]);
  const list = (index: number): string[] | undefined => word(index)?.split(',').filter(Boolean);
  const number = (index: number, pattern: RegExp, otherwise: number): number => {
    const text = word(index);
    if (text === undefined) return otherwise;
    if (!pattern.test(text)) throw badMachine(line, `'${text}' in column ${index + 1} is not a number`);
    return Number(text);
  };
  const name = word(0);
  if (name === undefined) throw badMachine(line, 'its first column names no store');
  const hostKey = word(7);
  if (hostKey !== undefined && !/^[A-Za-z0-9+/]+=*$/.test(hostKey)) {
    throw badMachine(line, 'its public host key, in column 8, is not base64');
  }
  const features = [...list(5) ?? [], ...list(6) ?? []];
  // A store of this machine has the features that are said here.
  const isHere = /^(auto|local)(\?|$)/.test(name) || (name.includes('/') && !name.includes('://'));
  return {
    name,
    store: withParameters(isHere || name === 'daemon' || name.includes('://') ? name : `ssh://${name}`, [
      ['ssh-key', word(2)], ['base64-ssh-public-host-key', hostKey],
      ['system-features', isHere && features.length > 0 ? features.join(' ') : undefined],
    ]),
    systems: new Set(list(1) ?? [system]),
    maximumJobs: number(3, /^[0-9]{1,6}$/, 1),
    speedFactor: number(4, /^[0-9]+(\.[0-9]+)?$/, 1) || 1,
    supportedFeatures: new Set(list(5)),
    mandatoryFeatures: new Set(list(6)),
  };
}

function withParameters(store: string, parameters: readonly (readonly [string, string | undefined])[]): string {
  const given = parameters.filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${encodeURIComponent(value as string)}`);
  return given.length === 0 ? store : `${store}${store.includes('?') ? '&' : '?'}${given.join('&')}`;
}
