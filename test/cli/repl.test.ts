/**
 * `firn repl` on a pipe: sessions as data, what is typed and what is printed. A REPL that died at an
 * error would leave the rest of its session unanswered.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { firn, folderWith, root } from '../support/firn.ts';
import { needs } from '../support/foreign.ts';

const folder = folderWith({
  'set.nix': '{ n ? 1 }: { inherit n; nested.inner = 2; deep = [ n { inner.most = 2; } ]; text = "a\\nb"; bad = throw "bad\\n"; }\n',
  'broken.nix': '{ a = 1;\n',
  'documented.nix': [
    '{', '  /**', '    Twice as much.', '', '      double 2', '  */', '  double = x: y: x * 2;',
    '  /** Not this. */', '  inner = a:', '    /** But this. */', '    # And not this.', '    { b, ... }: a;',
    '  /** What everything is. */', '  answer = 42;', '  bare = x: x;',
    '  /** Called. */', '  called.__functor = self: x: x;', '}\n',
  ].join('\n'),
  'flake/flake.nix': '{ outputs = { self }: { answer = 42; inner.most = 2; }; }\n',
  'many.nix': 'builtins.listToAttrs (builtins.genList (i: { name = "v${toString (100 + i)}"; value = i; }) 25)\n',
});
const env = { HOME: folder, XDG_DATA_HOME: '', XDG_CACHE_HOME: '', FIRN_ROOT: join(folder, 'root'), NO_COLOR: '1', EDITOR: 'echo editor emacs' };

function session(input: string, args: readonly string[] = []) {
  const { stdout, stderr, status } = spawnSync(join(root, 'firn'), ['repl', ...args], {
    cwd: folder, input, encoding: 'utf8', env: { ...process.env, ...env }, timeout: 60_000, killSignal: 'SIGKILL',
  });
  // An empty line follows what each line prints; it says nothing here.
  return { stdout: stdout.replace(/\n\n+/g, '\n').replace(/^\n/, '').replace(/\S+\/firn-repl-\w+\//, '/copy/'), stderr, status };
}

interface Session {
  readonly name: string;
  readonly args?: readonly string[];
  readonly input: string;
  readonly stdout: string;
  /** In this order, among others. */
  readonly stderr?: readonly string[];
}

const sessions: readonly Session[] = [
  {
    name: ':e opens the place of a function or a path in the editor, and loads files again',
    args: ['set.nix'],
    input: `:e x: x
:e ./set.nix
:e (import ./documented.nix).bare
:e <nix/fetchurl.nix>
:e 1
n
`,
    stdout: `editor emacs ${folder}/set.nix
editor emacs +15 ${folder}/documented.nix
editor emacs /copy/fetchurl.nix
1
`,
    stderr: ["'«string»:1:1' cannot be shown in an editor", 'Loading "set.nix"', 'no source location information'],
  },
  {
    name: ':lf loads a flake, again with :r',
    args: ['--extra-experimental-features', 'flakes'],
    input: `:lf path:./flake
answer
:r
answer
:lf
`,
    stdout: '42\n42\n',
    stderr: ['answer, inner, inputs', "Loading flake 'path:./flake'...", 'without a path specified'],
  },
  {
    name: ':doc shows the comments of functions, of what is called like one, and of attributes',
    args: ['documented.nix'],
    input: `:doc double
:doc double 1
:doc inner 1
:doc bare
:doc called
:doc (import ./documented.nix).answer
:doc answer
`,
    stdout: `Function \`double\`
  … defined at ${folder}/documented.nix:7:12
Twice as much.
  double 2
Function \`double\`
  … defined at ${folder}/documented.nix:7:15
Twice as much.
  double 2
Function \`inner\`
  … defined at ${folder}/documented.nix:12:5
But this.
Function \`bare\`
  … defined at ${folder}/documented.nix:15:10
Function \`__functor\`
  … defined at ${folder}/documented.nix:17:28
Called.
Attribute \`answer\`
  … defined at ${folder}/documented.nix:14:3
What everything is.
`,
    stderr: ['value does not have documentation'],
  },
  {
    name: 'values are printed to their first level, by :p to their last',
    input: `1 + 1
{ a = 1; b = [ 1 { c = 2; } ]; f = x: x; }
[ { } ]
:p { a = 1; b = [ 1 { c = 2; } ]; }
:p "two\\nlines"
"two\\nlines"
rec { loop = { inherit loop; }; }
{ broken = throw "inside"; ok = 1; }
map
derivation { name = "d"; system = "s"; builder = "/b"; }
`,
    stdout: `2
{
  a = 1;
  b = [ ... ];
  f = «lambda f @ «string»:1:36»;
}
[
  { ... }
]
{
  a = 1;
  b = [
    1
    { c = 2; }
  ];
}
two
lines
"two\\nlines"
{
  loop = { ... };
}
{
  broken = «error: inside»;
  ok = 1;
}
«primop map»
«derivation /nix/store/yf1v969kmjv8i97b9ccj3yn3jq16dl1n-d.drv»
`,
  },
  {
    name: 'bindings stay, see what was bound before, and are not recursive',
    input: `x = 3; y = 4
x + y
x = x + 1
x
a.b.c = 1
a
inherit (builtins) add
add x 1
inherit (a) b;
b.c
f = n: if n == 0 then 0 else 1 + f2 (n - 1)
x
let x = 10; in x
map = 1
map
`,
    stdout: `7
4
{
  b = { ... };
}
5
1
4
10
1
`,
    stderr: ["undefined variable 'f2'"],
  },
  {
    name: 'unfinished text goes on in the next line',
    input: `let
  a = 1;

in
a
t = ''
  one
  two
''
t
s = {
  k = 1;
}
s
:p [
  1 ]
`,
    stdout: '1\n"one\\ntwo\\n"\n{ k = 1; }\n[ 1 ]\n',
  },
  {
    name: 'errors are reported and leave it alive',
    input: `throw "no"
nope
1 )
:l missing.nix
import ./broken.nix
let f = n: f (n + 1) + 1; in f 0
:frobnicate
:lf .
:e map
:te maybe
:b 1
1 + 1
(`,
    stdout: '2\n',
    stderr: [
      'error: no', "undefined variable 'nope'", "unexpected ')'", `path '${folder}/missing.nix' does not exist`,
      'broken.nix:2:1', 'stack overflow', "unknown command ':frobnicate'", "experimental Nix feature 'flakes' is disabled",
      "package 'map' has no source location information", "unexpected argument 'maybe' to :te", "so I can't build it", 'unexpected end of file',
    ],
  },
  {
    name: 'files and sets are added to the scope, and read again by :r',
    args: ['set.nix', '--arg', 'n', '7'],
    input: `n
deep
:a { n = 8; more = 9; }
n + more
:l many.nix
v124
:ll
:r
n
more
text
:q
1
`,
    stdout: `7
[
  7
  { ... }
]
17
24
${Array.from({ length: 25 }, (_, i) => `v${100 + i}\n`).join('')}7
"a\\nb"
`,
    stderr: [
      'Loading "set.nix"...\nAdded 5 variables.\nbad, deep, n, nested, text\n', 'Added 2 variables.\nmore, n\n',
      'Added 25 variables.\nv100, v101, ', 'v119\n... and 5 more; view with :ll\n', 'Loading "set.nix"...',
      'Loading "many.nix"...', "undefined variable 'more'",
    ],
  },
  {
    name: 'operands are attributes of flakes, and :r evaluates them again',
    args: ['./flake', './flake#inner', '--extra-experimental-features', 'flakes'],
    input: `answer + most
most = 1
most
:r
most
`,
    stdout: '44\n1\n2\n',
    stderr: [
      "Loading installable './flake'...\nAdded 2 variables.\nanswer, inner\nLoading installable './flake#inner'...",
      "Loading installable './flake'...",
    ],
  },
  {
    name: 'operands are attributes of a file, which is called, or of an expression, which is not',
    args: ['--file', 'set.nix', '--argstr', 'n', 'given', '.', 'nested'],
    input: 'n\ninner\n',
    stdout: '"given"\n2\n',
  },
  {
    name: 'an expression that is no set is told of',
    args: ['--expr', 'x: x'],
    input: '1\n',
    stdout: '1\n',
    stderr: ['while evaluating an attribute set to be merged in the global scope'],
  },
  {
    name: 'types, documentation, traces, help',
    args: ['--expr', '{ given = 1.5; }'],
    input: `:t given
:t x: x
:t "\${derivation { name = "d"; system = "s"; builder = "/b"; }}"
:doc builtins.isInt
:te
:te false
:?
`,
    stdout: `a float
a function
a string with context
Synopsis: builtins.isInt e
${readFileSync(join(root, 'docs/builtins/isInt.md'), 'utf8').split('\n')[4]}
showing error traces
not showing error traces
`,
  },
];

for (const { name, args, input, stdout, stderr = [] } of sessions) {
  test(name, () => {
    const heard = session(input, args);
    // The list of commands is prose: it must be there, not be the same.
    assert.equal(heard.stdout.replace(/^Commands:[^]*:bl EXPRESSION[^]*$/m, ''), stdout, heard.stderr);
    let from = 0;
    for (const part of stderr) {
      const at = heard.stderr.indexOf(part, from);
      assert.ok(at >= 0, `${part}\nis not, at its place, in\n${heard.stderr}`);
      from = at + part.length;
    }
    assert.equal(heard.status, 0);
  });
}

test('an operand that means nothing ends it', () => {
  const { stderr, status } = session('1\n', ['./flake#missing', '--extra-experimental-features', 'flakes']);
  assert.match(stderr, /does not provide attribute .*'missing'/);
  assert.equal(status, 1);
});

test(':b builds, :bl links, :log says what there is', () => {
  const built = session(`d = derivation { name = "o"; system = "builtin"; builder = "builtin:write-file"; __structuredAttrs = true; text = "hello"; }
:b d
:bl d
builtins.readFile d
:log d
`);
  const paths = [...built.stdout.matchAll(/^ {2}(\S+) -> (\/nix\/store\/\S+-o)$/gm)];
  assert.deepEqual(paths.map(([, name]) => name), ['out', './repl-result-out'], built.stderr);
  assert.equal(readFileSync(readlinkSync(join(folder, 'repl-result-out')), 'utf8'), 'hello');
  assert.match(built.stdout, /^"hello"$/m);
  assert.match(built.stderr, /build log of derivation '.*-o\.drv' is not available/);
});

test('Ctrl-C stops the running evaluation; what was bound stays', { timeout: 60_000 }, async () => {
  const child = spawn(join(root, 'firn'), ['repl', 'set.nix'], { cwd: folder, env: { ...process.env, ...env } });
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (bytes: Buffer) => { stderr += bytes; });
  const heard = (wanted: string) => new Promise<void>((resolve) => {
    child.stdout.on('data', (bytes: Buffer) => {
      stdout += bytes;
      if (stdout.includes(wanted)) resolve();
    });
  });
  const begun = heard('started');
  child.stdin.write('x = n + 40\n:p "started"\n');
  await begun;
  child.stdin.write('let f = n: if n == 0 then 0 else f (n - 1) + f (n - 1); in f 60\n');
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(child.kill('SIGINT'), true);
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  child.stdin.end('x + 1\n');
  assert.equal(await ended, 0, stderr);
  assert.match(stderr, /error: interrupted by the user/);
  assert.match(stdout, /started\n+42\n/);
});

test('a terminal has completion, history and continuation', { ...needs('script'), timeout: 60_000 }, async () => {
  // `script` gives the REPL a terminal and passes on what is typed.
  const child = spawn('script', ['-qec', `${join(root, 'firn')} repl`, '/dev/null'], {
    cwd: folder, env: { ...process.env, ...env, TERM: 'xterm' },
  });
  const steps: readonly (readonly [awaited: RegExp, keys: string])[] = [
    [/firn-repl> /, 'v = { abc = 1; abd = 2; }\r'],
    [/firn-repl> /, 'v.abc\t'],
    [/v\.abc/, ' + 41\r'],
    [/42[^]*firn-repl> /, '[ 1\r'],
    [/ {9}> /, '2 ]\r'],
    [/firn-repl> /, 'abandoned\x03'],
    [/firn-repl> /, 'builtins.genericC\t'],
    [/genericClosure/, '\r'],
    [/primop genericClosure[^]*firn-repl> /, '\x04'],
  ];
  let step = 0;
  let seen = '';
  child.stdout.on('data', (bytes: Buffer) => {
    seen += bytes;
    const [awaited, keys] = steps[step] ?? [];
    if (awaited === undefined || !awaited.test(seen)) return;
    seen = '';
    step += 1;
    child.stdin.write(keys as string);
  });
  assert.equal(await new Promise((resolve) => child.on('close', resolve)), 0, seen);
  assert.equal(step, steps.length, seen);
  const history = readFileSync(join(folder, '.local/share/firn/repl-history'), 'utf8');
  assert.equal(history, 'v = { abc = 1; abd = 2; }\nv.abc + 41\n[ 1\n2 ]\nbuiltins.genericClosure\n');
});

test('the REPL of `nix` is the same', () => {
  const { stdout, status } = firn(['nix', 'repl', '--help'], { cwd: folder, env });
  assert.equal(status, 0);
  assert.match(stdout, /usage: firn repl/);
});
