/** The process that `nix-shell` becomes: variables, files in its folder, and the shell's command line. */

import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { decodeUtf8 } from '#base';
import { shellEnvironment } from '#build';
import { resolveDerivation, type StorePath } from '#formats';
import type { LocalStore } from '#store';
import type { Program } from './shell-process.ts';
import { shellRc } from './shell-rc.ts';

export interface ShellPreparation {
  readonly store: LocalStore;
  readonly drvPath: StorePath;
  /** Private, empty; to be removed when the shell has ended. */
  readonly folder: string;
  readonly shell: string;
  readonly pure: boolean;
  /** Variables that a pure shell keeps besides the usual ones. */
  readonly kept: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** 0 for as many as there are. */
  readonly cores: number;
  /** Run in the end; empty for none. */
  readonly command: string;
  readonly interactive: boolean;
}

export function prepareShell(preparation: ShellPreparation): Program {
  const { store, drvPath, folder, shell, pure, command, interactive, environment } = preparation;
  const derivation = store.readDerivation(drvPath);
  const built = new Map([...derivation.inputDerivations.keys()].map((path) => [path, store.queryDerivationOutputs(path)]));
  // Where an input's path follows from its content, only its build has told the path.
  const resolved = resolveDerivation(derivation, built, { directory: store.storeDirectory });
  const { variables, files, declarations } = shellEnvironment(store, resolved, folder);
  for (const [name, text] of files) writeFileSync(join(folder, name), text, 'latin1');
  const rc = join(folder, 'rc');
  writeFileSync(rc, shellRc({
    shell, pure, declarations: decodeUtf8(declarations), timeZone: environment['TZ'],
    isRoot: process.geteuid?.() === 0, command,
  }));
  const all: Record<string, string> = { ...ownVariables(preparation) };
  for (const name of ['NIX_BUILD_TOP', 'TMPDIR', 'TEMPDIR', 'TMP', 'TEMP']) all[name] = folder;
  all['NIX_STORE'] = store.storeDirectory;
  all['NIX_BUILD_CORES'] = String(preparation.cores || availableParallelism());
  for (const [name, value] of variables) all[name] = decodeUtf8(value);
  return { file: shell, args: interactive ? ['bash', '--rcfile', rc] : ['bash', rc], environment: all };
}

/** What of the user's environment the shell gets. */
function ownVariables({ environment, pure, kept }: ShellPreparation): Record<string, string> {
  const names = new Set([...usuallyKept, ...kept]);
  const own: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    // How we ourselves were started is nobody else's business.
    if (value === undefined || name === 'FIRN_COMMAND_NAME') continue;
    if (!pure || names.has(name)) own[name] = value;
  }
  // Some systems' /etc/bashrc would set up the user's environment again.
  if (pure) own['__ETC_PROFILE_SOURCED'] = '1';
  return own;
}

const usuallyKept: readonly string[] = [
  'HOME', 'XDG_RUNTIME_DIR', 'USER', 'LOGNAME', 'DISPLAY', 'WAYLAND_DISPLAY', 'WAYLAND_SOCKET', 'PATH', 'TERM',
  'IN_NIX_SHELL', 'NIX_SHELL_PRESERVE_PROMPT', 'TZ', 'PAGER', 'NIX_BUILD_SHELL', 'SHLVL',
  'http_proxy', 'https_proxy', 'ftp_proxy', 'all_proxy', 'no_proxy',
  'HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'ALL_PROXY', 'NO_PROXY',
];
