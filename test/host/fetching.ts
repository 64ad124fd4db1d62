/** What tests of the fetchers share: a scratch store, repositories, and fetching into it. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after } from 'node:test';
import type { Progress } from '#base';
import type { FetchAttribute, FetchResult } from '#eval';
import type { StorePath } from '#formats';
import { fetchToStore, NixSettings, type FetchOptions } from '#host';
import { bytePath, deleteTree, LocalStore } from '#store';

/** A folder of its own, removed when the test file ends. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'firn-fetch-'));
  after(() => { deleteTree(bytePath(folder)); });
  return folder;
}

export interface Fetching {
  readonly store: LocalStore;
  readonly folder: string;
  readonly warnings: string[];
  fetch(kind: string, attributes: Readonly<Record<string, FetchAttribute>>): Promise<FetchResult>;
  /** The file of a fetched tree, on this disk. */
  place(storePath: string, inner?: string): string;
}

export interface FetchingOptions extends Partial<FetchOptions> {
  readonly values?: Readonly<Record<string, string>>;
}

export function startFetching(options: FetchingOptions = {}): Fetching {
  const folder = scratchFolder();
  const store = new LocalStore({ root: join(folder, 'root') });
  after(() => { store.close(); });
  const settings = new NixSettings();
  settings.apply(Object.entries(options.values ?? {}));
  const warnings: string[] = [];
  const progress: Progress = {
    start: () => ({ advance() {}, detail() {}, finish() {} }),
    message: (level, text) => { if (level === 'warning') warnings.push(text); },
  };
  const all: FetchOptions = {
    store, cacheDirectory: join(folder, 'cache'), settings, environment: gitEnvironment(folder), progress, ...options,
  };
  return {
    store, folder, warnings,
    fetch: (kind, attributes) => fetchToStore(kind, new Map(Object.entries(attributes)), all),
    place: (storePath, inner = '') => join(store.physicalPath(storePath as StorePath), inner),
  };
}

/** An environment in which nothing of this machine's user is known to Git and Mercurial. */
export function gitEnvironment(home: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '', HOME: home, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.org', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.org',
    GIT_AUTHOR_DATE: '@1700000000 +0000', GIT_COMMITTER_DATE: '@1700000000 +0000', HGUSER: 'a', HGRCPATH: '',
  };
}

export class TestRepository {
  readonly folder: string;
  readonly #environment: Record<string, string>;

  constructor(folder: string) {
    this.folder = folder;
    this.#environment = gitEnvironment(folder);
    mkdirSync(folder, { recursive: true });
    this.git('init', '--quiet', '--initial-branch=main');
  }

  git(...args: string[]): string {
    return execFileSync('git', ['-c', 'protocol.file.allow=always', ...args], {
      cwd: this.folder, env: this.#environment, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  }

  write(files: Readonly<Record<string, string>>): void {
    writeFiles(this.folder, files);
  }

  /** Writes the files, commits everything, and tells the revision. */
  commit(files: Readonly<Record<string, string>>): string {
    this.write(files);
    this.git('add', '--all');
    this.git('commit', '--quiet', '--allow-empty', '-m', 'change');
    return this.git('rev-parse', 'HEAD');
  }
}

export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** What C++ Nix makes of an expression, as JSON. */
export function oracle(folder: string, expression: string): unknown {
  const output = execFileSync('nix-instantiate', [
    '--store', join(folder, 'oracle'), '--extra-experimental-features', 'nix-command flakes', '--eval', '--strict', '--json',
    '-E', expression,
  ], { env: gitEnvironment(folder), encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return JSON.parse(output);
}
