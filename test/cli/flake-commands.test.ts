/** Commands on flakes: check, search, format, templates, sources, names, trust, scripts and completion. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { splitWords } from '../../src/cli/nix/script-arguments.ts';
import { splitLine } from '../../src/cli/nix/completion/split-line.ts';
import { programDigest } from '../../src/host/results/question.ts';
import { firn, folderWith, root } from '../support/firn.ts';
import { needs } from '../support/foreign.ts';

const system = 'x86_64-linux';
const writeFile = (name: string, text: string) => `derivation {
  name = "${name}"; system = "builtin"; builder = "builtin:write-file"; __structuredAttrs = true; text = "${text}";
}`;

const flake = `{
  inputs.dep.url = "path:./dep";
  nixConfig.extra-substituters = [ "https://cache.example" ];
  outputs = { self, dep }: let hello = ${writeFile('hello-1.2', 'hello')}; in {
    packages.${system} = {
      default = hello // { meta.description = "greets the world"; meta.position = "\${self}/flake.nix:7"; };
      other = ${writeFile('other', 'x')};
    };
    checks.${system}.greets = hello;
    checks.riscv-linux.never = throw "not looked at";
    formatter.${system} = derivation {
      name = "format"; system = "builtin"; builder = "builtin:write-tree"; __structuredAttrs = true;
      entries = [ { path = "bin/format"; type = "file"; mode = "0755"; text = "#!/bin/sh\\necho \\"$PRJ_ROOT: $*\\"\\n"; } ];
    };
    bundlers.${system}.default = package: package;
    templates.default = { path = ./template; description = "a start"; welcomeText = "Welcome!"; };
    answer = dep.answer;
  };
}`;

const folder = folderWith({
  'own/flake.nix': flake,
  'own/dep/flake.nix': '{ outputs = _: { answer = 42; }; }',
  'own/template/flake.nix': '{ outputs = _: { }; }',
  'own/template/sub/file': 'text',
  'bad/flake.nix': `{ outputs = _: { overlays.one = prev: prev; packages.${system}.two = "no derivation"; }; }`,
  'conf/nix.conf': 'experimental-features = nix-command flakes\n',
});
const env = {
  HOME: join(folder, 'home'), FIRN_ROOT: join(folder, 'root'), NIX_CONF_DIR: join(folder, 'conf'),
  XDG_CACHE_HOME: join(folder, 'cache'), XDG_DATA_HOME: join(folder, 'data'), XDG_CONFIG_HOME: join(folder, 'config'),
};
const own = join(folder, 'own');

function nix(args: readonly string[], options: { cwd?: string; env?: Record<string, string>; fails?: boolean } = {}) {
  const outcome = firn(['nix', ...args], { cwd: options.cwd ?? folder, env: { ...env, ...options.env } });
  assert.equal(outcome.status !== 0, options.fails ?? false, outcome.stderr);
  return outcome;
}

test('a reference lock file may stand anywhere, unless dirty trees are not allowed', () => {
  nix(['flake', 'lock', own, '--output-lock-file', join(folder, 'elsewhere.lock')]);
  const lock = ['--no-write-lock-file', '--reference-lock-file', join(folder, 'elsewhere.lock')];
  assert.equal(nix(['eval', '--raw', '--apply', 'toString', `${own}#answer`, ...lock]).stdout, '42');
  // Nothing has to be added to what it has.
  assert.equal(nix(['flake', 'metadata', own, ...lock, '--no-update-lock-file', '--json']).stderr, '');
  const refused = nix(['flake', 'metadata', own, ...lock, '--no-allow-dirty'], { fails: true });
  assert.match(refused.stderr, /reference lock file was provided, but the `allow-dirty` setting is set to false/);
});

test('flake check builds the checks of this system', () => {
  const { stdout, stderr } = nix(['flake', 'check', own, '--print-out-paths']);
  assert.match(stdout, /^\/nix\/store\/[a-z0-9]{32}-hello-1\.2\n$/);
  assert.match(stderr, /running 1 flake check/);
  assert.match(stderr, /omitted these incompatible systems: riscv-linux/);
});

test('flake check with --keep-going reports all that is wrong', () => {
  const { stderr } = nix(['flake', 'check', join(folder, 'bad'), '--keep-going'], { fails: true });
  assert.match(stderr, /overlay does not take an argument named 'final'/);
  assert.match(stderr, /'packages\.x86_64-linux\.two' is not a derivation/);
  assert.match(stderr, /some errors were encountered/);
});

test('search finds by description, and says so in colours only where they are wanted', () => {
  const { stdout } = nix(['search', own, 'GREETS', '^packages']);
  assert.equal(stdout, `* packages.${system}.default (1.2)\n  greets the world\n`);
  assert.deepEqual(JSON.parse(nix(['search', own, '^', '--exclude', 'greets', '--json']).stdout), {
    [`packages.${system}.other`]: { pname: 'other', version: '', description: '' },
  });
});

test('fmt runs the formatter with the folder of the flake', () => {
  assert.equal(nix(['fmt', 'a', 'b'], { cwd: own }).stdout, `${own}: a b\n`);
});

test('edit opens the file that the user works on', () => {
  const { stdout } = nix(['edit', own], { env: { EDITOR: 'echo' } });
  assert.equal(stdout, `${join(own, 'flake.nix')}\n`);
});

test('bundle links to what the bundler makes', () => {
  nix(['bundle', '--bundler', own, own, '-o', join(folder, 'bundle')]);
  assert.equal(readFileSync(join(folder, 'bundle'), 'utf8'), 'hello');
});

test('new copies a template, and never over other files', () => {
  const { stderr } = nix(['flake', 'new', '-t', own, join(folder, 'fresh')]);
  assert.match(stderr, /wrote: ".*fresh\/sub\/file"[^]*Welcome!/);
  writeFileSync(join(folder, 'fresh/sub/file'), 'changed');
  const again = nix(['flake', 'new', '-t', own, join(folder, 'fresh')], { fails: true });
  assert.match(again.stderr, /skipping identical file[^]*refusing to overwrite existing file ".*sub\/file"/);
  assert.equal(readFileSync(join(folder, 'fresh/sub/file'), 'utf8'), 'changed');
});

test('archive, prefetch and clone give sources', () => {
  const archived = JSON.parse(nix(['flake', 'archive', own, '--json']).stdout) as { path: string; inputs: object };
  assert.deepEqual(archived.inputs, { dep: { inputs: {} } }, 'a relative input lies in the tree of the flake');
  const fetched = JSON.parse(nix(['flake', 'prefetch', own, '--json', '-o', join(folder, 'source')]).stdout) as Record<string, string>;
  assert.equal(fetched['storePath'], archived.path);
  assert.ok(existsSync(join(folder, 'source/template/sub/file')));
  assert.match(fetched['hash']!, /^sha256-/);
  nix(['flake', 'clone', own, '--dest', join(folder, 'clone')]);
  writeFileSync(join(folder, 'clone/flake.nix'), 'can be changed');
  assert.match(nix(['flake', 'clone', own, '--dest', join(folder, 'clone')], { fails: true }).stderr, /existing path/);
});

test('names stand for what the command line says', () => {
  assert.equal(nix(['eval', '--override-flake', 'mine', own, 'mine#answer']).stdout, '42\n');
  assert.equal(nix(['eval', '--inputs-from', own, 'dep#answer'], { fails: true }).stdout, '', 'relative inputs have no address');
});

test("a flake's settings hold where they are trusted, once for all too", () => {
  assert.match(nix(['eval', `${own}#answer`]).stderr, /ignoring untrusted flake configuration setting 'extra-substituters'/);
  assert.doesNotMatch(nix(['eval', '--accept-flake-config', `${own}#answer`]).stderr, /untrusted/);
  const list = join(folder, 'data/nix/trusted-settings.json');
  mkdirSync(join(folder, 'data/nix'), { recursive: true });
  writeFileSync(list, '{"extra-substituters":{"https://cache.example":true}}');
  assert.doesNotMatch(nix(['eval', `${own}#answer`]).stderr, /untrusted/);
});

test('an input without a name is refused', () => {
  assert.match(nix(['flake', 'lock', own, '--override-input', '', '.'], { fails: true }).stderr, /zero-length input path/);
  const passing = nix(['flake', 'metadata', own, '--json', '--eval-store', 'dummy://?read-only=false']);
  assert.deepEqual(JSON.parse(passing.stdout), JSON.parse(nix(['flake', 'metadata', own, '--json']).stdout));
  assert.match(nix(['flake', 'update', '', '--flake', own], { fails: true }).stderr, /input path to be updated cannot be zero-length/);
});

test('the search path and the elder commands take names of flakes, as NixOS sets NIX_PATH', () => {
  const source = join(folder, 'named');
  mkdirSync(source);
  writeFileSync(join(source, 'default.nix'), '{ x = 123; }');
  const registry = join(folder, 'named.json');
  writeFileSync(registry, JSON.stringify({ version: 2, flakes: [
    { from: { type: 'indirect', id: 'named' }, to: { type: 'path', path: source } }] }));
  const evaluate = (args: readonly string[], more: Record<string, string> = {}) =>
    firn(['nix-instantiate', '--option', 'flake-registry', registry, '--eval', ...args, '-A', 'x'], { cwd: folder, env: { ...env, ...more } });
  assert.equal(evaluate(['<pkgs>'], { NIX_PATH: 'pkgs=flake:named' }).stdout, '123\n');
  assert.equal(evaluate(['flake:named']).stdout, '123\n');
  writeFileSync(join(source, 'default.nix'), '{ x = 124; }');
  assert.equal(evaluate(['<pkgs>'], { NIX_PATH: 'pkgs=flake:named' }).stdout, '124\n');
  assert.match(evaluate(['flake:named'], { NIX_CONF_DIR: '/none' }).stderr, /experimental Nix feature 'flakes' is disabled/);
});

test('json-log-path keeps what was done as JSON, an object a line', () => {
  const file = join(folder, 'log.json');
  nix(['build', '--no-link', `${own}#other`, '--json-log-path', file]);
  const entries = readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.ok(entries.some(({ action, text }) => action === 'start' && /^building '.*-other\.drv'/.test(String(text))));
});

test('a file that Git does not know of is named as the user knows it', needs('git'), () => {
  const repository = join(folder, 'repository');
  mkdirSync(repository);
  writeFileSync(join(repository, 'flake.nix'), '{ outputs = _: { a = import ./new.nix; b = throw "here"; }; }');
  const git = (...args: string[]) => spawnSync('git', ['-C', repository, ...args]);
  git('init');
  git('add', 'flake.nix');
  writeFileSync(join(repository, 'new.nix'), '1');
  assert.match(nix(['eval', `${repository}#a`], { fails: true }).stderr, /Path 'new\.nix' in the repository ".*" is not tracked by Git\.[^]*git -C ".*" add "new\.nix"/);
  assert.ok(nix(['eval', `${repository}#b`], { fails: true }).stderr.includes(`at ${repository}/flake.nix:1:`));
});

test('a script may name nix as its interpreter', needs('bash'), () => {
  const program = join(folder, 'nix');
  symlinkSync(join(root, 'firn'), program);
  const script = join(folder, 'script');
  writeFileSync(script, `#! ${program}
# a comment
#! nix shell --impure --expr \`\`
#! nix   { outPath = "unused" ; } // derivation { name = "t"; system = "builtin"; builder = "builtin:write-tree";
#! nix   __structuredAttrs = true; entries = [ { path = "bin/from-store"; type = "file"; mode = "0755"; text = "#!/bin/sh\\necho found\\n"; } ]; }
#! nix \`\` --command bash
from-store; echo "$@"
`);
  chmodSync(script, 0o755);
  const { stdout, stderr } = spawnSync(script, ['one', 'two words'], { encoding: 'utf8', env: { ...process.env, ...env } });
  assert.equal(stdout, 'found\none two words\n', stderr);
});

test('words of a script: quotes are two backticks, what a shell would take is refused', () => {
  assert.deepEqual(splitWords('shell  a#b\n``c  d``\n``e ```` f `` --x\n'), ['shell', 'a#b', 'c  d', 'e ``` f', '--x']);
  assert.throws(() => splitWords('shell *'), /unsupported unquoted character in nix shebang: \*/);
  assert.throws(() => splitWords('``open'), /unterminated/);
  assert.throws(() => splitWords('#x'), /cannot start with #/);
});

test('a line that is typed is split by the table of flags', () => {
  const table = [
    { names: ['--override-input'], operands: ['INPUT', 'FLAKE'], description: '' }, { names: ['--json'], description: '' },
  ] as const;
  const line = (at: number, ...words: string[]) => splitLine(table, words, at);
  assert.deepEqual(line(1, '--override-input', '', '', './foo').target, { kind: 'flagOperand', flag: table[0], index: 0 });
  assert.deepEqual(line(1, '--override-input', '', '', './foo').operands, ['./foo']);
  assert.deepEqual(line(2, '--json', 'a', 'b').target, { kind: 'operand', index: 1 });
  assert.deepEqual(line(0, '--js').target, { kind: 'flag' });
});

const completions: readonly (readonly [at: number, words: readonly string[], expected: string])[] = [
  [1, ['buil'], 'normal\nbuild\t\n'],
  [2, ['flake', 'metad'], 'normal\nmetadata\t\n'],
  [2, ['build', './ow'], 'filenames\n./own\t\n'],
  [2, ['build', './nothing'], 'filenames\n'],
  [4, ['build', './own', '--override-input', ''], 'normal\ndep\t\n'],
  [2, ['eval', './own#ans'], 'attrs\n./own#answer\t\n'],
  [2, ['build', './own#oth'], 'attrs\n./own#other\t\n'],
  [4, ['eval', '--file', './own/dep/flake.nix', 'outp'], 'attrs\noutputs\t\n'],
];
for (const [at, words, expected] of completions) {
  test(`completes nix ${words.join(' ')}`, () => {
    assert.equal(nix(words, { env: { NIX_GET_COMPLETIONS: String(at) } }).stdout, expected);
  });
}

test('the code for bash asks the program', needs('bash'), () => {
  const script = firn(['completion', 'bash']).stdout;
  const program = join(folder, 'bin');
  mkdirSync(program);
  symlinkSync(join(root, 'firn'), join(program, 'nix'));
  const { stdout } = spawnSync('bash', ['-c', `${script}
    COMP_WORDS=(nix flake metad) COMP_CWORD=2; _firn_complete_nix nix metad flake; echo "\${COMPREPLY[@]}"`], {
    encoding: 'utf8', env: { ...process.env, ...env, PATH: `${program}:${process.env['PATH']}` },
  });
  assert.equal(stdout, 'metadata\n');
});

test('programs of a flake are kept, its values are not', (context) => {
  if (programDigest() === undefined) return context.skip('keeps programs only when its own sources have rested');
  const place = join(folder, 'kept');
  mkdirSync(place);
  writeFileSync(join(place, 'value.nix'), '{ a = { b = 1; }; }.a.b');
  for (const answer of [2, 3, 4]) {
    writeFileSync(join(place, 'flake.nix'), `{ outputs = _: { answer = ${answer} - import ./value.nix; }; }`);
    assert.equal(nix(['eval', `${place}#answer`]).stdout, `${answer - 1}\n`);
  }
  assert.notDeepEqual(readdirSync(join(folder, 'cache/firn/programs')), []);
});
