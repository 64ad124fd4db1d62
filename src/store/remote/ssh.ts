/**
 * Starting a program on another host with the user's own `ssh`.
 *
 * Keys, host names and jump hosts are the matter of ssh and its configuration; what Nix's settings
 * add (`NIX_SSHOPTS`, a key, the host's public key) is given as options. *Invariant:* no word that
 * came from a URL can be taken for an option: `store-reference.ts` refuses those.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openProcess, type ByteChannel } from './channel.ts';
import { badStoreUrl } from './errors.ts';
import type { SshHost } from './store-reference.ts';

export type SshEnvironment = Readonly<Record<string, string | undefined>>;

/** Starts `command` on the host and speaks with it. */
export function openSsh(
  name: string, host: SshHost, command: readonly string[], parameters: ReadonlyMap<string, string>,
  environment: SshEnvironment,
): ByteChannel {
  if (host.isHere) return openProcess(name, command, environment);
  const keyFile = hostKeyFile(name, host, parameters);
  const channel = openProcess(name, [
    'ssh', host.user === undefined ? host.host : `${host.user}@${host.host}`, '-x',
    ...shellWords(environment['NIX_SSHOPTS'] ?? ''),
    ...optional(parameters.get('ssh-key'), (key) => ['-i', key]),
    ...optional(keyFile?.path, (path) => [`-oUserKnownHostsFile=${path}`]),
    ...(/^(true|1|yes)$/.test(parameters.get('compress') ?? '') ? ['-C'] : []),
    ...optional(host.port, (port) => ['-p', String(port)]),
    '--', ...command.map(quoted),
  ], environment);
  return {
    ...channel,
    close() {
      channel.close();
      keyFile?.remove();
    },
  };
}

/** The words of a text as a shell sees them, without expansions. */
export function shellWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (quote === '' && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (quote === '' ? character === '"' || character === "'" : character === quote) {
      quote = quote === '' ? character : '';
      word ??= '';
    } else if (character === '\\' && quote !== "'" && at + 1 < text.length) {
      at += 1;
      word = (word ?? '') + (text[at] as string);
    } else {
      word = (word ?? '') + character;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** The host's key that the store's name carries, in a file as ssh wants it. */
function hostKeyFile(
  name: string, { host, port }: SshHost, parameters: ReadonlyMap<string, string>,
): { path: string; remove(): void } | undefined {
  const encoded = parameters.get('base64-ssh-public-host-key') ?? '';
  if (encoded === '') return undefined;
  if (!/^[A-Za-z0-9+/]+=*$/.test(encoded)) throw badStoreUrl(name, "the host's public key is not base64");
  const folder = mkdtempSync(join(tmpdir(), 'firn-ssh-'));
  const path = join(folder, 'host-key');
  // So ssh names hosts that it reaches at another port than its own.
  const known = port === undefined || port === 22 ? host : `[${host}]:${port}`;
  writeFileSync(path, `${known} ${Buffer.from(encoded, 'base64').toString('latin1').trim()}\n`);
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A word that the shell at the other end leaves as it is. */
function quoted(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function optional<T>(value: T | undefined, words: (value: T) => string[]): string[] {
  return value === undefined ? [] : words(value);
}
