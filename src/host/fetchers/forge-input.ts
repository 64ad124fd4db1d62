/**
 * `github:`, `gitlab:` and `sourcehut:` inputs: a branch is resolved by the server's interface, the
 * revision comes as an archive.
 *
 * Tokens of the setting `access-tokens` go to the host that they are for and to no other.
 */

import { readFileSync } from 'node:fs';
import { formatHash, parseHash } from '#base';
import {
  inputToUrl, revisionOf, textAttribute, withAttributes, type Forge, type Input,
} from '#runtime';
import { badForgeAnswer, noSuchForgeRef } from '../errors.ts';
import { nameOfInput, type FetchContext } from './context.ts';
import { downloadFile } from './download.ts';
import type { FetchedTree } from './git-input.ts';
import { pathOfTree } from './nar-spool.ts';
import { fetchArchive } from './tarball-input.ts';

type Headers = Readonly<Record<string, string>>;

interface Repository {
  readonly context: FetchContext;
  readonly input: Input;
  readonly host: string;
  readonly owner: string;
  readonly repo: string;
  readonly headers: Headers;
}

interface ForgeKind {
  readonly host: string;
  header(token: string, warn: (text: string) => void): Headers;
  revisionOf(repository: Repository, ref: string): Promise<string>;
  archiveUrl(repository: Repository, revision: string): string;
}

export async function fetchForge(context: FetchContext, input: Input): Promise<FetchedTree> {
  const kind = kinds[String(input.get('type')) as Forge];
  const host = textAttribute(input, 'host') ?? kind.host;
  const [owner, repo] = [String(input.get('owner')), String(input.get('repo'))];
  const token = tokenFor(context, host, `${host}/${owner}/${repo}`);
  const headers = token === undefined ? {} : kind.header(token, (text) => context.warn(text));
  const repository: Repository = { context, input, host, owner, repo, headers };
  const revision = revisionOf(input) ?? await kind.revisionOf(repository, textAttribute(input, 'ref') ?? 'HEAD');
  const locked = withAttributes(input, { ref: undefined, rev: revision });
  const known = context.cache.lookup('forge', [revision])?.value;
  if (known !== undefined) {
    const narHash = String(known['narHash']);
    const storePath = pathOfTree(context.store, nameOfInput(input), parseHash(narHash));
    if (context.store.isValidPath(storePath)) {
      return { storePath, narHash, input: withAttributes(locked, { lastModified: Number(known['lastModified']) }) };
    }
  }
  const url = kind.archiveUrl(repository, revision);
  const { storePath, narHash, lastModified } = await fetchArchive(context, url, nameOfInput(input), headers);
  context.cache.insert('forge', [revision], { narHash, lastModified });
  return { storePath, narHash, input: withAttributes(locked, { lastModified }) };
}

/** The longest prefix of `host/owner/repo` that has a token. */
function tokenFor(context: FetchContext, host: string, place: string): string | undefined {
  const tokens = context.settings.list('access-tokens').map((text): [string, string] => {
    const at = text.indexOf('=');
    return [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
  });
  const fitting = tokens.filter(([prefix]) => place === prefix || place.startsWith(`${prefix}/`))
    .sort(([a], [b]) => b.length - a.length);
  return fitting[0]?.[1] ?? tokens.find(([prefix]) => prefix === host)?.[1];
}

async function readJson(repository: Repository, url: string): Promise<unknown> {
  const text = await readText(repository, url);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw badForgeAnswer(url, error);
  }
}

async function readText({ context, headers }: Repository, url: string): Promise<string> {
  const { storePath } = await downloadFile(context, url, 'source', headers);
  return readFileSync(context.store.physicalPath(storePath), 'utf8');
}

function revisionFrom(value: unknown, url: string): string {
  if (typeof value !== 'string' || !/^[0-9a-f]{40}$/i.test(value)) throw badForgeAnswer(url);
  return formatHash(parseHash(value, 'sha1'), 'base16');
}

const part = encodeURIComponent;
/** A branch may have slashes. */
const refPart = (ref: string): string => ref.split('/').map(part).join('/');

const github: ForgeKind = {
  host: 'github.com',
  header: (token) => ({ authorization: `token ${token}` }),
  async revisionOf(repository, ref) {
    const url = `${githubInterface(repository)}/commits/${refPart(ref)}`;
    const answer = await readJson(repository, url) as { sha?: unknown } | null;
    return revisionFrom(answer?.sha, url);
  },
  archiveUrl(repository, revision) {
    const { host, owner, repo, headers } = repository;
    const isPublic = host === 'github.com' && Object.keys(headers).length === 0;
    // The public address has no limit on how often it is asked.
    return isPublic ? `https://${host}/${part(owner)}/${part(repo)}/archive/${revision}.tar.gz`
      : `${githubInterface(repository)}/tarball/${revision}`;
  },
};

function githubInterface({ host, owner, repo }: Repository): string {
  const root = host === 'github.com' ? `https://api.${host}` : `https://${host}/api/v3`;
  return `${root}/repos/${part(owner)}/${part(repo)}`;
}

const gitlab: ForgeKind = {
  host: 'gitlab.com',
  header(token, warn) {
    const at = token.indexOf(':');
    const [type, value] = [token.slice(0, Math.max(at, 0)), token.slice(at + 1)];
    if (type === 'OAuth2') return { authorization: `Bearer ${value}` };
    if (type !== 'PAT') warn(`Unrecognized GitLab token type ${type}`);
    return type === 'PAT' ? { 'private-token': value } : {};
  },
  async revisionOf(repository, ref) {
    const url = `${gitlabInterface(repository)}/commits?ref_name=${part(ref)}`;
    const answer = await readJson(repository, url);
    if (Array.isArray(answer) && answer.length === 0) {
      throw noSuchForgeRef(inputToUrl(repository.input), 'No commits returned by GitLab API -- does the git ref really exist?');
    }
    return revisionFrom(Array.isArray(answer) ? (answer[0] as { id?: unknown } | null)?.id : undefined, url);
  },
  archiveUrl: (repository, revision) => `${gitlabInterface(repository)}/archive.tar.gz?sha=${revision}`,
};

function gitlabInterface({ host, owner, repo }: Repository): string {
  return `https://${host}/api/v4/projects/${part(`${owner}/${repo}`)}/repository`;
}

const sourcehut: ForgeKind = {
  host: 'git.sr.ht',
  header: (token) => ({ authorization: `Bearer ${token}` }),
  async revisionOf(repository, ref) {
    const base = sourcehutRoot(repository);
    const shown = inputToUrl(repository.input);
    let wanted = [`refs/heads/${ref}`, `refs/tags/${ref}`];
    if (ref === 'HEAD') {
      const [head = ''] = (await readText(repository, `${base}/HEAD`)).split('\n');
      const target = /^(?:ref: )?(\S+)(?:\s|$)/.exec(head)?.[1];
      if (target === undefined) throw noSuchForgeRef(shown, `in '${shown}', couldn't resolve HEAD ref '${ref}'`);
      wanted = [target];
    }
    const url = `${base}/info/refs`;
    for (const line of (await readText(repository, url)).split('\n')) {
      const [revision, name] = line.split(/\s+/);
      if (name !== undefined && wanted.includes(name)) return revisionFrom(revision, url);
    }
    throw noSuchForgeRef(shown, `in '${shown}', couldn't find ref '${ref}'`);
  },
  archiveUrl: (repository, revision) => `${sourcehutRoot(repository)}/archive/${revision}.tar.gz`,
};

function sourcehutRoot({ host, owner, repo }: Repository): string {
  return `https://${host}/${owner.split('/').map(part).join('/').replace(/^%7E/, '~')}/${part(repo)}`;
}

const kinds: Readonly<Record<Forge, ForgeKind>> = { github, gitlab, sourcehut };
