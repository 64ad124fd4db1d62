/**
 * `--debugger` on a pipe: sessions as data. It stops at errors and at `builtins.break`, shows the
 * steps and their variables, evaluates in their scopes, and goes on.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firn, folderWith } from '../support/firn.ts';

const folder = folderWith({
  'fails.nix': `let
  f = { a, b ? 2 }: rec { c = a + b; d = throw "no \${toString c}"; };
in with { hidden = 7; }; (f { a = hidden; }).d
`,
});
const env = { HOME: folder, XDG_DATA_HOME: '', XDG_CACHE_HOME: '', FIRN_ROOT: `${folder}/root`, NO_COLOR: '1' };

interface Session {
  readonly name: string;
  readonly args: readonly string[];
  readonly input: string;
  /** In this order, among others. */
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  readonly status: number;
}

const sessions: readonly Session[] = [
  {
    name: 'it stops at an error, shows steps and variables, and evaluates where one is chosen',
    args: ['eval', '--file', 'fails.nix'],
    input: ':bt\n:env\na + b\nhidden\n:st 3\nhidden\na\n:st 9\n:q\n',
    stdout: [
      `0: error: no 9\n${folder}/fails.nix:2:42\n\n     1| let\n     2|   f = `, '\n      |                                          ^\n',
      '\n1: while calling a function\n', `\n2: while evaluating the attribute 'd'\n${folder}/fails.nix:3:26\n`,
      "\n3: while evaluating a 'let' expression\n\n4: while evaluating the file '",
      'Env level 0\nstatic: c d \n\nEnv level 1\nstatic: a b \n\nEnv level 2\nstatic: f \n\nEnv level 3\nabort baseNameOf ',
      '\n9\n', "\n3: while evaluating a 'let' expression\n\nEnv level 0\nstatic: f \n",
    ],
    stderr: [
      'error: no 9\n', ' debugger\n', "undefined variable 'hidden'", "undefined variable 'hidden'", "undefined variable 'a'",
      'there is no trace 9; they are 0 to 4', 'error: no 9\n',
    ],
    status: 1,
  },
  {
    name: 'builtins.break stops, :c goes on, names of a known with are variables',
    args: ['eval', '--expr', 'with { x = 2; }; let y = x + builtins.break 3; in y'],
    input: 'x\ny\n:env\n:c\n',
    stdout: ['2\n', 'Env level 0\nstatic: y \n\nEnv level 1\nstatic: \nwith: x \n\nEnv level 2\n', '\n5\n'],
    stderr: ['info: breakpoint reached\n', 'infinite recursion'],
    status: 0,
  },
  {
    name: ':s stops at the next step, :q ends what has not failed',
    args: ['eval', '--expr', 'builtins.break ((x: x) 1)'],
    input: ':bt\n:s\n:bt\n:q\n:bt\n',
    stdout: ['0: error: breakpoint reached\n', '\n1: while calling a function\n', '\n0: while calling a function\n', '\n1: while calling a function\n'],
    stderr: ['breakpoint reached', 'error: evaluation was ended in the debugger\n'],
    status: 0,
  },
  {
    name: 'what tryEval tries is stopped at unless --ignore-try is given',
    args: ['eval', '--expr', '(builtins.tryEval (throw "tried")).success'],
    input: ':c\n',
    stdout: ['false\n'],
    stderr: ['error: tried\n', "This exception occurred in a 'tryEval' call"],
    status: 0,
  },
  {
    name: 'with --ignore-try nothing stops',
    args: ['eval', '--ignore-try', '--expr', '(builtins.tryEval (throw "tried")).success'],
    input: 'throw "never read"\n',
    stdout: ['false\n'],
    stderr: [],
    status: 0,
  },
  {
    name: 'a warning stops if that is wanted; other commands have a debugger too',
    args: ['build', '--dry-run', '--debugger-on-warn', '--expr', 'let v = 7; in builtins.warn "w" (throw "end")'],
    input: ':p v\n:c\n:c\n',
    stdout: ['7\n'],
    stderr: ['evaluation warning: w\n', 'error: end\n'],
    status: 1,
  },
];

for (const { name, args, input, stdout, stderr, status } of sessions) {
  test(name, () => {
    const heard = firn(['nix', ...args, '--debugger', '--extra-experimental-features', 'nix-command'], { cwd: folder, env, input });
    assertInOrder(heard.stdout, stdout);
    assertInOrder(heard.stderr, stderr);
    assert.doesNotMatch(heard.stderr, /never read/);
    assert.equal(heard.status, status, heard.stderr);
  });
}

function assertInOrder(text: string, parts: readonly string[]): void {
  let from = 0;
  for (const part of parts) {
    const at = text.indexOf(part, from);
    assert.ok(at >= 0, `${part}\nis not, at its place, in\n${text}`);
    from = at + part.length;
  }
}
