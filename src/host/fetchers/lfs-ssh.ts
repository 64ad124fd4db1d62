/** The Git LFS server of a repository that is reached by ssh: the host itself says where it is. */

import { spawn } from 'node:child_process';
import { lfsNotAuthenticated, lfsServerUnknown } from '../errors.ts';
import type { FetchContext } from './context.ts';
import type { LfsServer } from './git-lfs.ts';

/** Asks `git-lfs-authenticate` at the other end, as git-lfs does. */
export async function authenticateBySsh(context: FetchContext, origin: string): Promise<LfsServer> {
  const place = sshPlace(origin);
  if (place === undefined) throw lfsServerUnknown(origin);
  const own = (context.environment['NIX_SSHOPTS'] ?? '').split(/\s+/).filter(Boolean);
  const args = [...own, ...(place.port === '' ? [] : ['-p', place.port]), '--', place.host,
    'git-lfs-authenticate', place.path, 'download'];
  const output = await outputOf('ssh', args, context);
  try {
    const { href, header = {} } = JSON.parse(output) as { href?: string; header?: Record<string, string> };
    if (href === undefined || !/^https?:/i.test(href)) throw new Error('it names no server');
    return { url: href.replace(/\/+$/, ''), headers: header };
  } catch (error) {
    throw lfsNotAuthenticated(place.host, (error as Error).message);
  }
}

/** `ssh://user@host:port/path`, or `user@host:path`. */
function sshPlace(origin: string): { host: string; port: string; path: string } | undefined {
  const url = /^(?:git\+)?ssh:\/\/([^/:]+)(?::(\d+))?\/(.+)$/.exec(origin);
  if (url !== null) return { host: url[1] as string, port: url[2] ?? '', path: `/${url[3]}` };
  const short = /^((?:[^/:@]+@)?[^/:]+):([^/].*|\/.+)$/.exec(origin);
  // What begins with a dash would be an option.
  if (short === null || origin.includes('://') || origin.startsWith('-')) return undefined;
  return { host: short[1] as string, port: '', path: short[2] as string };
}

function outputOf(program: string, args: readonly string[], { environment, signal }: FetchContext): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'inherit'], env: { ...environment }, ...(signal === undefined ? {} : { signal }),
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (piece: string) => { output += piece; });
    child.once('error', (error) => reject(lfsNotAuthenticated(args.join(' '), error.message)));
    child.once('close', (status) => {
      if (status === 0) resolve(output);
      else reject(lfsNotAuthenticated(args.join(' '), `ssh ended with status ${status}`));
    });
  });
}
