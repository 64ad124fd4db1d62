/**
 * The file that the shell of `nix-shell` reads first.
 *
 * It sets up the derivation's environment (`$stdenv/setup`), runs its shellHook, and then the command
 * that was asked for, if any. The user's PATH comes after the derivation's own, unless the shell is
 * pure. What is set, and in which order, is C++ Nix's: hooks depend on it.
 */

import { dirname } from 'node:path';
import { quoteForShell } from './shell-words.ts';

export interface ShellSetup {
  /** The bash that is to run. */
  readonly shell: string;
  readonly pure: boolean;
  /** Shell code; empty without structured attributes. */
  readonly declarations: string;
  readonly timeZone: string | undefined;
  readonly isRoot: boolean;
  /** Run in the end; empty for an interactive shell. */
  readonly command: string;
}

export function shellRc(setup: ShellSetup): string {
  const { shell, pure, declarations, timeZone, isRoot, command } = setup;
  const quotedShell = quoteForShell(shell);
  const lines = [
    pure ? '' : '[ -n "$PS1" ] && [ -e ~/.bashrc ] && source ~/.bashrc',
    pure ? '' : 'p=$PATH',
    'unset PATH',
    'dontAddDisableDepTrack=1',
    declarations,
    '[ -e $stdenv/setup ] && source $stdenv/setup',
    pure ? '' : 'PATH=$PATH:$p; unset p',
    `PATH=${quoteForShell(dirname(shell))}:"$PATH"`,
    `SHELL=${quotedShell}`,
    `BASH=${quotedShell}`,
    'set +e',
    `[ -n "$PS1" -a -z "$NIX_SHELL_PRESERVE_PROMPT" ] && PS1=${promptOf(isRoot)}`,
    'if [ "$(type -t runHook)" = function ]; then runHook shellHook; fi',
    'unset NIX_ENFORCE_PURITY',
    'shopt -u nullglob',
    'unset TZ',
    timeZone === undefined ? '' : `export TZ=${quoteForShell(timeZone)}`,
    'shopt -s execfail',
    command,
  ];
  return `${lines.filter((line) => line !== '').join('\n')}\n`;
}

/** Red for root. */
function promptOf(isRoot: boolean): string {
  return quoteForShell(`\\n\\[\\033[1;${isRoot ? 31 : 32}m\\][nix-shell:\\w]\\$\\[\\033[0m\\] `);
}
