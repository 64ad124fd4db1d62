/**
 * docs/commands.md, made of what the commands say by `--help`. Run as a program, it writes the page:
 *
 *   node test/cli/commands-page.ts
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandContext, CommandModule } from '../../src/cli/context.ts';
import { buildFlags, commonFlags, evaluationFlags } from '../../src/cli/nix/evaluation-flags.ts';
import { flakeFlags } from '../../src/cli/nix/flake-flags.ts';
import { describeFlags, type Flag } from '../../src/cli/nix/flags.ts';
import { commands } from '../../src/cli/nix/nix.ts';
import { root } from '../support/firn.ts';

export const pagePath = join(root, 'docs/commands.md');

const elder = [
  'nix-build', 'nix-channel', 'nix-collect-garbage', 'nix-copy-closure', 'nix-daemon', 'nix-env', 'nix-hash',
  'nix-instantiate', 'nix-prefetch-url', 'nix-shell', 'nix-store',
];

interface FlagRow {
  readonly head: string;
  readonly text: string;
}

const groups: readonly (readonly [title: string, flags: readonly Flag[]])[] = [
  ['Flags of all commands', commonFlags],
  ['Flags of commands that evaluate', evaluationFlags],
  ['Flags of commands that build', buildFlags],
  ['Flags of commands that take flakes', flakeFlags],
];

export async function commandsPage(): Promise<string> {
  const shared = groups.map(([title, flags]) => ({ title, rows: flagRows(describeFlags('', '', flags)) }));
  const sections = [
    ...await Promise.all(elder.map((name) => section(name, async () => import(`../../src/cli/nix/${name}.ts`), shared))),
    ...await Promise.all(Object.entries(commands).map(([name, load]) => section(`nix ${name}`, load, shared))),
  ];
  return `# The commands of Nix

Firn answers to the names of C++ Nix's commands, through links to its launcher or as \`firn nix-build\`, \`firn nix build\` and so on. Flags and output are those of C++ Nix's newest release; [deviations](deviations.md) tells where they are not. Every setting of nix.conf is a flag too: \`--NAME VALUE\`, for a truth value \`--NAME\` and \`--no-NAME\`, and \`--option NAME VALUE\`.

This page is made from what the commands say by \`--help\` (\`node test/cli/commands-page.ts\`).

${shared.map(({ title, rows }) => `## ${title}\n\n${list(rows)}`).join('\n')}
${sections.join('\n')}`;
}

async function section(
  name: string, load: () => Promise<CommandModule>, shared: readonly { readonly title: string; readonly rows: readonly FlagRow[] }[],
): Promise<string> {
  const help = await helpOf(await load());
  const usage = /^usage: (.*)$/m.exec(help)?.[1] ?? name;
  const summary = help.split('\n\n')[1]?.trim() ?? '';
  const rows = flagRows(help);
  const heads = new Set(rows.map((row) => row.head));
  const used = shared.filter((group) => group.rows.filter((row) => heads.has(row.head)).length * 2 > group.rows.length);
  const known = new Set(used.flatMap((group) => group.rows.map((row) => row.head)));
  const own = rows.filter((row) => !known.has(row.head));
  const more = used.slice(1).map((group) => group.title.replace('Flags of commands that ', '')).join(', ');
  return `## ${name}\n\n\`${usage}\`\n\n${summary}\n${own.length > 0 ? `\n${list(own)}` : ''}`
    + `${more === '' ? '' : `\nAnd the flags of commands that ${more}.\n`}`;
}

async function helpOf(command: CommandModule): Promise<string> {
  let text = '';
  const context: CommandContext = {
    programName: 'nix', cwd: '/', env: {}, stdout: { write: (piece) => { text += String(piece); } },
    stderr: { write() {} }, signal: new AbortController().signal, takeInterrupts() {}, color: false, report: { asJson: false },
  };
  await command.run(['--help'], context);
  return text;
}

/** The flags in a help text: a head, and its text behind it or on the next line. */
function flagRows(help: string): FlagRow[] {
  return [...help.matchAll(/^ {2}(-\S.*?)(?: {2,}|\n {4,})(\S.*)$/gm)]
    .map(([, head = '', text = '']) => ({ head, text }));
}

function list(rows: readonly FlagRow[]): string {
  return rows.map(({ head, text }) => `- \`${head}\`: ${text}\n`).join('');
}

if (process.argv[1] === import.meta.filename) writeFileSync(pagePath, await commandsPage());
