/**
 * Which settings of a flake's `nixConfig` are to hold: harmless ones always, all with
 * `accept-flake-config`, and else those that the user says may, now or once for all.
 *
 * What was said once for all is kept as C++ Nix keeps it, in `trusted-settings.json` below the user's
 * data folder. Only at a terminal is anything asked; an end of input is a no.
 */

import { mkdirSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isatty } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';
import type { Progress } from '#base';
import type { NixSettings } from '#host';
import type { CommandContext } from '../context.ts';

/** These concern nothing but how flakes are found and how a shell greets. */
const harmless = /^(?:extra-)?(?:bash-prompt(?:-prefix|-suffix)?|flake-registry|commit-lock-?file-summary)$/;

/** By name and value: whether it is trusted. */
type TrustedList = Record<string, Record<string, boolean>>;

export function trustedSettings(
  config: ReadonlyMap<string, string>, settings: NixSettings, context: CommandContext, progress: Progress,
): ReadonlyMap<string, string> {
  const acceptsAll = settings.flag('accept-flake-config', false);
  return new Map([...config].filter(([name, value]) =>
    harmless.test(name) || acceptsAll || isTrusted(name, value, context, progress)));
}

function isTrusted(name: string, value: string, context: CommandContext, progress: Progress): boolean {
  const file = trustedListFile(context);
  const list = readTrustedList(file);
  const saved = list[name]?.[value];
  if (saved !== undefined) {
    progress.message('info', `Using saved setting for '${name} = ${value}' from ~/.local/share/nix/trusted-settings.json.`);
    return saved;
  }
  // What a stranger wrote must not draw on the user's screen.
  const shown = stripVTControlCharacters(value).replace(/[\x00-\x1f\x7f]/g, ' ');
  const trusted = ask(`do you want to allow configuration setting '${name}' to be set to '${shown}' (y/N)?`, context);
  if (ask(`do you want to permanently mark this value as ${trusted ? 'trusted' : 'untrusted'} (y/N)?`, context)) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify({ ...list, [name]: { ...list[name], [value]: trusted } }));
  }
  return trusted;
}

function trustedListFile({ env }: CommandContext): string {
  const data = env['XDG_DATA_HOME'] || join(env['HOME'] ?? '/', '.local/share');
  return join(env['NIX_DATA_HOME'] || join(data, 'nix'), 'trusted-settings.json');
}

function readTrustedList(file: string): TrustedList {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as TrustedList;
  } catch {
    return {};
  }
}

/** True for an answer that begins with a y. */
function ask(question: string, context: CommandContext): boolean {
  if (context.stderr.isTTY !== true || !isatty(0)) return false;
  context.stderr.write(`\r\x1b[K${question} `);
  return readLine().toLowerCase().startsWith('y');
}

function readLine(): string {
  const byte = Buffer.alloc(1);
  let line = '';
  while (readSync(0, byte, 0, 1, null) === 1 && byte[0] !== 10) line += byte.toString('latin1');
  return line.trim();
}
