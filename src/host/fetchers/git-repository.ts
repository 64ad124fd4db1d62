/** A repository on this machine, asked through `git`: revisions, trees, the work tree, submodules. */

import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noSuchGitObject } from '../errors.ts';
import type { Environment } from '../settings.ts';
import { git, runGit, type GitRun } from './git-command.ts';
import { GitObjects } from './git-objects.ts';
import { submoduleMode, type TreeEntry } from './git-tree.ts';

export interface Submodule {
  /** A byte string. */
  readonly path: string;
  readonly url: string;
  /** Empty if none is named. */
  readonly branch: string;
}

export interface WorkTree {
  /** Undefined before the first commit. */
  readonly head: string | undefined;
  /** Files that Git knows of and that are there, without submodules: byte strings. */
  readonly files: ReadonlySet<string>;
  readonly isDirty: boolean;
  readonly submodules: readonly Submodule[];
}

export class GitRepository {
  readonly directory: string;
  readonly #run: GitRun;

  constructor(directory: string, environment: Environment, signal: AbortSignal | undefined) {
    this.directory = directory;
    this.#run = { environment, signal };
  }

  /** Makes an empty bare repository where none is. */
  async create(): Promise<void> {
    if (existsSync(join(this.directory, 'HEAD'))) return;
    mkdirSync(this.directory, { recursive: true });
    await git(['init', '--quiet', '--bare', '--', this.directory], this.#run);
  }

  openObjects(): GitObjects {
    return new GitObjects(this.directory, this.#run);
  }

  /** The commit that a name stands for. */
  async resolve(name: string): Promise<string> {
    const found = await this.#try(['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`]);
    if (found === undefined) throw noSuchGitObject(name, this.directory);
    return found;
  }

  /** As `resolve`, undefined if the name stands for nothing. */
  async maybeResolve(name: string): Promise<string | undefined> {
    return this.#try(['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`]);
  }

  async hasObject(object: string): Promise<boolean> {
    return (await this.#try(['cat-file', '-e', object])) !== undefined;
  }

  /** The full name of the branch that is checked out; undefined for a detached head. */
  async headBranch(): Promise<string | undefined> {
    return this.#try(['symbolic-ref', '--quiet', 'HEAD']);
  }

  async setHeadBranch(name: string): Promise<boolean> {
    return (await this.#try(['symbolic-ref', '--', 'HEAD', name])) !== undefined;
  }

  /** Seconds since 1970. */
  async lastModified(revision: string): Promise<number> {
    return Number((await this.#git(['log', '-1', '--format=%ct', '--no-show-signature', revision, '--'])).trim());
  }

  async revisionCount(revision: string): Promise<number> {
    return Number((await this.#git(['rev-list', '--count', revision, '--'])).trim());
  }

  async isShallow(): Promise<boolean> {
    return (await this.#git(['rev-parse', '--is-shallow-repository'])).trim() === 'true';
  }

  /** Gets `refspec` from a URL; returns what Git says if it fails. */
  async fetch(url: string, refspec: string, shallow: boolean): Promise<string | undefined> {
    // An interrupted fetch leaves it behind; the caller holds the lock of the repository.
    rmSync(join(this.directory, 'shallow.lock'), { force: true });
    const depth = shallow ? ['--depth', '1'] : [];
    const { status, messages } = await runGit(
      ['-C', this.directory, 'fetch', '--quiet', '--force', '--no-tags', ...depth, '--', url, refspec], this.#run);
    return status === 0 ? undefined : messages;
  }

  async setOrigin(url: string): Promise<void> {
    await git(['-C', this.directory, 'config', 'remote.origin.url', url], this.#run);
  }

  async origin(): Promise<string | undefined> {
    return this.#try(['config', '--get', 'remote.origin.url']);
  }

  /** Where large files are asked for: what a setting says, else the remote. */
  async largeFilesUrl(): Promise<string | undefined> {
    return await this.#try(['config', '--get', 'lfs.url']) ?? this.origin();
  }

  /** All files, links, folders and submodules of a commit, by path. */
  async entries(revision: string): Promise<TreeEntry[]> {
    const output = await git(['-C', this.directory, 'ls-tree', '-r', '-t', '-z', '--full-tree', revision], this.#run);
    return parseEntries(output.toString('latin1'), /^(\d+) \w+ ([0-9a-f]+)\t(.*)$/s);
  }

  /** The content of a small file in a commit. */
  async readFile(revision: string, path: string): Promise<string> {
    const output = await git(['-C', this.directory, 'cat-file', 'blob', `${revision}:${path}`], this.#run);
    return output.toString('latin1');
  }

  /** Submodules that `.gitmodules` of a commit, or of the work tree, names. */
  async submodules(revision?: string): Promise<Submodule[]> {
    const source = revision === undefined ? ['--file', join(this.directory, '.gitmodules')]
      : ['--blob', `${revision}:.gitmodules`];
    const { status, output } = await runGit(
      ['-C', this.directory, 'config', ...source, '--null', '--list'], this.#run);
    return status === 0 ? parseSubmodules(output.toString('latin1')) : [];
  }

  async workTree(): Promise<WorkTree> {
    const run = { ...this.#run, variables: await this.#withoutFilters() };
    const listed = await git(['-C', this.directory, 'ls-files', '-z', '--stage', '--full-name'], run);
    const entries = parseEntries(listed.toString('latin1'), /^(\d+) ([0-9a-f]+) \d\t(.*)$/s);
    const status = await git([
      '-C', this.directory, 'status', '--porcelain=v1', '-z', '--untracked-files=no', '--ignore-submodules=all',
    ], run);
    const gone = await git(['-C', this.directory, 'ls-files', '-z', '--deleted', '--full-name'], run);
    const deleted = new Set(gone.toString('latin1').split('\0'));
    const files = entries.filter(({ mode, path }) => mode !== submoduleMode && !deleted.has(path));
    return {
      head: await this.maybeResolve('HEAD'),
      files: new Set(files.map(({ path }) => path)),
      isDirty: status.length > 0,
      submodules: existsSync(join(this.directory, '.gitmodules')) ? await this.submodules() : [],
    };
  }

  /** Those of the paths (folders end in a slash) that a commit's or the work tree's attributes keep out of exports. */
  exportIgnored(paths: readonly string[], revision?: string): Promise<Set<string>> {
    return this.pathsWith('export-ignore', 'set', paths, revision);
  }

  /** Those of the paths for which the attributes of a commit, or of the work tree, say this. */
  async pathsWith(attribute: string, value: string, paths: readonly string[], revision?: string): Promise<Set<string>> {
    const input = Buffer.from(paths.map((path) => `${path}\0`).join(''), 'latin1');
    const ask = async (variables: Record<string, string>, cached: readonly string[]) => git(
      ['-C', this.directory, 'check-attr', '-z', '--stdin', ...cached, attribute],
      { ...this.#run, variables, input });
    if (revision === undefined) return pathsWithValue((await ask({}, [])).toString('latin1'), value);
    // Git reads attributes from an index, not from a commit: an index is made for the purpose.
    const folder = mkdtempSync(join(tmpdir(), 'firn-git-'));
    try {
      const variables = { GIT_INDEX_FILE: join(folder, 'index') };
      await git(['-C', this.directory, 'read-tree', revision], { ...this.#run, variables });
      return pathsWithValue((await ask(variables, ['--cached'])).toString('latin1'), value);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Runs `git verify-commit` with these signers; its status and everything it says. */
  async verifyCommit(revision: string, signersFile: string): Promise<{ status: number; messages: string }> {
    const { status, output, messages } = await runGit([
      '-c', `gpg.ssh.allowedSignersFile=${signersFile}`, '-C', this.directory, 'verify-commit', revision,
    ], this.#run);
    return { status, messages: `${output.toString('utf8')}${messages}` };
  }

  /** Settings, as variables, that keep Git from running the programs of content filters. */
  async #withoutFilters(): Promise<Record<string, string>> {
    const { output } = await runGit(
      ['-C', this.directory, 'config', '--null', '--name-only', '--get-regexp', '^filter\\..*\\.'], this.#run);
    const names = output.toString('latin1').split('\0').filter((name) => /\.(?:clean|process|smudge)$/.test(name));
    const required = [...new Set(names.map((name) => name.replace(/\.[a-z]+$/, '.required')))];
    const settings = [...names.map((name) => [name, '']), ...required.map((name) => [name, 'false'])];
    const taken = Number(this.#run.environment['GIT_CONFIG_COUNT'] ?? 0);
    const variables: Record<string, string> = { GIT_CONFIG_COUNT: String(taken + settings.length) };
    settings.forEach(([name = '', value = ''], index) => {
      variables[`GIT_CONFIG_KEY_${taken + index}`] = name;
      variables[`GIT_CONFIG_VALUE_${taken + index}`] = value;
    });
    return settings.length === 0 ? {} : variables;
  }

  async #git(args: readonly string[]): Promise<string> {
    return (await git(['-C', this.directory, ...args], this.#run)).toString('utf8');
  }

  /** One line of output, undefined if Git fails. */
  async #try(args: readonly string[]): Promise<string | undefined> {
    const { status, output } = await runGit(['-C', this.directory, ...args], this.#run);
    return status === 0 ? output.toString('utf8').trim() : undefined;
  }
}

/** The branch that a repository's HEAD names, or the revision if it names none; undefined if it cannot be had. */
export async function remoteHead(url: string, run: GitRun): Promise<string | undefined> {
  const { status, output } = await runGit(['ls-remote', '--symref', '--', url, 'HEAD'], run);
  if (status !== 0) return undefined;
  const line = output.toString('utf8').split('\n')[0] ?? '';
  return /^(?:ref: )?(\S+)\s+HEAD$/.exec(line)?.[1];
}

function parseEntries(text: string, pattern: RegExp): TreeEntry[] {
  return text.split('\0').filter(Boolean).map((line) => {
    const [, mode = '', object = '', path = ''] = pattern.exec(line) ?? [];
    return { mode: mode.padStart(6, '0'), object, path };
  });
}

function parseSubmodules(text: string): Submodule[] {
  const byName = new Map<string, Record<string, string>>();
  for (const record of text.split('\0')) {
    const end = record.indexOf('\n');
    const [, name, key] = /^submodule\.(.*)\.([^.]+)$/s.exec(end < 0 ? record : record.slice(0, end)) ?? [];
    if (name === undefined || key === undefined) continue;
    byName.set(name, { ...byName.get(name), [key]: end < 0 ? '' : record.slice(end + 1) });
  }
  return [...byName.values()].filter(({ path }) => isInside(path))
    .map(({ path = '', url = '', branch = '' }) => ({ path: path.replace(/\/+$/, ''), url, branch }));
}

/** A repository names its submodules' places: none may lie outside. */
function isInside(path: string | undefined): boolean {
  return path !== undefined && path !== '' && path.replace(/\/+$/, '').split('/')
    .every((part) => part !== '' && part !== '.' && part !== '..' && part.toLowerCase() !== '.git');
}

function pathsWithValue(text: string, value: string): Set<string> {
  const parts = text.split('\0');
  const found = new Set<string>();
  for (let i = 0; i + 2 < parts.length; i += 3) if (parts[i + 2] === value) found.add(parts[i]!);
  return found;
}
