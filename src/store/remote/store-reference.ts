/**
 * The names of stores, as `--store`, `--to`, `--from`, `builders` and `NIX_REMOTE` have them.
 *
 * `daemon` or `unix://SOCKET` is a daemon of this machine; `ssh://HOST` a `nix-store --serve` and
 * `ssh-ng://HOST` a daemon behind ssh (`mounted-ssh-ng://HOST` one whose files can be read here as
 * well); `file:`, `http:`, `https:` and `s3:` are binary caches; everything else is a folder.
 * Parameters follow a question mark. The host named `localhost`, without more, is this machine, and
 * no ssh is used: so it is in C++ Nix.
 */

import { resolve } from 'node:path';
import { badStoreUrl, unsafeSshWord } from './errors.ts';

export type StoreReference =
  | {
    readonly kind: 'local'; readonly root: string | undefined; readonly name: string;
    readonly parameters: ReadonlyMap<string, string>;
  }
  | {
    readonly kind: 'daemon'; readonly socket: string | undefined; readonly name: string;
    readonly parameters: ReadonlyMap<string, string>;
  }
  | {
    readonly kind: 'ssh' | 'ssh-ng'; readonly host: SshHost; readonly name: string;
    readonly parameters: ReadonlyMap<string, string>;
    /** Its files can be read on this machine, too. */
    readonly mounted: boolean;
  }
  | { readonly kind: 'cache'; readonly url: string; readonly name: string };

export interface SshHost {
  readonly user: string | undefined;
  readonly host: string;
  readonly port: number | undefined;
  /** Nothing but `localhost`: programs are started here, without ssh. */
  readonly isHere: boolean;
}

/** Throws BAD_STORE_URL. */
export function parseStoreReference(text: string): StoreReference {
  const mark = text.indexOf('?');
  const plain = mark < 0 ? text : text.slice(0, mark);
  const parameters = parametersOf(mark < 0 ? '' : text.slice(mark + 1));
  const scheme = /^([a-z0-9+.-]+):\/\//.exec(plain)?.[1];
  if (plain === 'daemon') return { kind: 'daemon', socket: undefined, name: 'daemon', parameters };
  if (scheme === 'unix') {
    const socket = decodeURIComponent(plain.slice('unix://'.length));
    return { kind: 'daemon', socket: socket === '' ? undefined : socket, name: plain, parameters };
  }
  if (scheme === 'ssh' || scheme === 'ssh-ng' || scheme === 'mounted-ssh-ng') {
    const host = parseHost(plain.slice(scheme.length + 3), text);
    const mounted = scheme === 'mounted-ssh-ng';
    return { kind: mounted ? 'ssh-ng' : scheme, host, name: plain, parameters, mounted };
  }
  if (scheme !== undefined && ['file', 'http', 'https', 's3'].includes(scheme)) {
    return { kind: 'cache', url: text, name: plain };
  }
  if (scheme !== undefined && scheme !== 'local') throw badStoreUrl(text, `there is no store type '${scheme}'`);
  const folder = plain.replace(/^local(:\/\/)?/, '');
  if (plain !== '' && plain !== 'auto' && plain !== 'local' && !plain.startsWith('local:') && !/[/.]/.test(plain)) {
    throw badStoreUrl(text, 'it is neither a URL nor a path');
  }
  const root = parameters.get('root') ?? (folder === '' || plain === 'auto' ? undefined : folder);
  return { kind: 'local', root: root === undefined ? undefined : resolve(root), name: plain, parameters };
}

function parametersOf(text: string): Map<string, string> {
  return new Map(new URLSearchParams(text));
}

function parseHost(authority: string, whole: string): SshHost {
  const match = /^(?:([^@]*)@)?(\[[^\]]*\]|[^:/[\]]*)(?::([0-9]{1,5}))?\/?$/.exec(authority);
  if (match === null) throw badStoreUrl(whole, `'${authority}' is not a host`);
  const [, user, bracketed = '', port] = match;
  const host = bracketed.replace(/^\[|\]$/g, '');
  // ssh would take them for options.
  if (host === '' || host.startsWith('-')) throw unsafeSshWord('host', host);
  if (user !== undefined && (user === '' || user.startsWith('-'))) throw unsafeSshWord('user name', user);
  return {
    user: user === undefined ? undefined : decodeURIComponent(user), host,
    port: port === undefined ? undefined : Number(port), isHere: authority.replace(/\/$/, '') === 'localhost',
  };
}
