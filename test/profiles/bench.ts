/**
 * A place to try commands on profiles in: a folder with a store, a home and a state of its own, in
 * which our commands and C++ Nix's see the same store at the same path.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { deleteTree } from '#store';
import type { CommandContext, CommandModule } from '../../src/cli/context.ts';
import { reportError } from '../../src/cli/report-error.ts';

export interface Said {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const modules: Readonly<Record<string, () => Promise<CommandModule>>> = {
  nix: () => import('../../src/cli/nix/nix.ts'),
  'nix-channel': () => import('../../src/cli/nix/nix-channel.ts'),
  'nix-collect-garbage': () => import('../../src/cli/nix/nix-collect-garbage.ts'),
  'nix-env': () => import('../../src/cli/nix/nix-env.ts'),
  'nix-instantiate': () => import('../../src/cli/nix/nix-instantiate.ts'),
  'nix-prefetch-url': () => import('../../src/cli/nix/nix-prefetch-url.ts'),
  'nix-store': () => import('../../src/cli/nix/nix-store.ts'),
};

export class Bench {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;

  /** With `root`, the store stands below a root of its own: our commands only. */
  constructor(options: { readonly root?: boolean } = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'firn-profiles-'));
    const at = (name: string) => join(this.folder, name);
    this.environment = {
      PATH: process.env['PATH'] ?? '', HOME: at('home'), XDG_CACHE_HOME: at('cache'), NIX_CONF_DIR: at('none'),
      NIX_CONFIG: 'substituters =\nsandbox = false\nbuild-users-group =\n', TMPDIR: this.folder,
      ...(options.root === true ? { FIRN_ROOT: at('root') } : {
        NIX_STORE_DIR: at('store'), NIX_STATE_DIR: at('state'), NIX_LOG_DIR: at('log'), NIX_LOCALSTATE_DIR: this.folder,
      }),
    };
    mkdirSync(at('home'));
  }

  /** Writes files below the folder. */
  files(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, name)), { recursive: true });
      writeFileSync(join(this.folder, name), text);
    }
  }

  /** Runs our command in this process. */
  async ours(command: string, args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Said> {
    const said = { stdout: '', stderr: '' };
    const text = (piece: string | Uint8Array) => Buffer.from(piece as Uint8Array).toString();
    const context: CommandContext = {
      programName: command, cwd: this.folder, env: { ...this.environment, ...more },
      stdout: { write: (piece) => { said.stdout += text(piece); } },
      stderr: { write: (piece) => { said.stderr += text(piece); } },
      signal: new AbortController().signal, takeInterrupts() {}, report: { asJson: false }, color: false,
    };
    let status;
    try {
      status = await (await modules[command]!()).run(args, context);
    } catch (error) {
      status = reportError(error, context);
    }
    return { status, ...said };
  }

  /** Runs C++ Nix's command. */
  theirs(command: string, args: readonly string[]): Said {
    const { status, stdout, stderr } = spawnSync(command, args, {
      cwd: this.folder, env: this.environment, encoding: 'utf8',
    });
    return { status: status ?? -1, stdout, stderr };
  }

  remove(): void {
    deleteTree(this.folder);
  }
}
