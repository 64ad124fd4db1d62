/**
 * The names and passwords of a netrc file, by host.
 *
 * Words are separated by white space; a macro definition ends at an empty line; `default` matches
 * any host that has no entry of its own.
 */

import { readFileSync } from 'node:fs';

export interface Credentials {
  readonly login: string;
  readonly password: string;
}

/** Finds who we are for a host. */
export type CredentialsOf = (host: string) => Credentials | undefined;

/** A file that is not there holds none. */
export function readNetrc(file: string | undefined): CredentialsOf {
  let text = '';
  try {
    if (file !== undefined) text = readFileSync(file, 'utf8');
  } catch {
    // Nix's default place exists on few machines.
  }
  return parseNetrc(text);
}

export function parseNetrc(text: string): CredentialsOf {
  const byHost = new Map<string, Credentials>();
  let host: string | undefined;
  let entry = { login: '', password: '' };
  const keep = () => {
    // The first entry of a host counts.
    if (host !== undefined && !byHost.has(host)) byHost.set(host, entry);
  };
  const words = text.replace(/^\s*macdef\b[^]*?(?:\n\s*\n|$(?![^]))/gm, '').replace(/^\s*#.*$/gm, '').split(/\s+/);
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === 'machine' || word === 'default') {
      keep();
      host = word === 'default' ? '*' : (words[++at] ?? '').toLowerCase();
      entry = { login: '', password: '' };
    } else if (word === 'login' || word === 'password') {
      entry = { ...entry, [word]: words[++at] ?? '' };
    }
  }
  keep();
  return (wanted) => byHost.get(wanted.toLowerCase()) ?? byHost.get('*');
}
