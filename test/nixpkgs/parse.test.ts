/**
 * `--parse` of nixpkgs' files prints what C++ Nix prints: the same text where the installed Nix
 * prints in the order of names, as the newest release and Firn do. Older ones print in the order in
 * which their process met the names, spell `inherit (a) b` out and escape more; their text and ours
 * are read again then and must be the same tree, bindings in the order of names.
 *
 * A sample by default; FIRN_TEST_NIXPKGS_PARSE=all takes every file. Many files go through one
 * process, which prints a line for each; a batch that fails is halved, down to the files at fault.
 */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, showExpr, type AttrsExpr, type ConcatExpr, type Expr } from '#lang';
import { nixpkgs, oracle, own, withTreeAndNix } from './support.ts';

const batchSize = 400;
/** Prime, so that the sample does not follow the layout of folders. */
const sampleStep = 47;

function nixFiles(): string[] {
  const all = readdirSync(nixpkgs, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.nix'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return process.env['FIRN_TEST_NIXPKGS_PARSE'] === 'all' ? all : all.filter((_, index) => index % sampleStep === 0);
}

/** Since this release syntax is printed in the order of names. */
const ordered: readonly [number, number] = [2, 24];

function printsInOrder(): boolean {
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(oracle(['--version']).stdout) ?? []).slice(1).map(Number);
  return major > ordered[0] || (major === ordered[0] && minor >= ordered[1]);
}

/** A line for each file; `refused` where it does not parse. */
function parsed(side: typeof own, files: readonly string[]): string[] {
  const { status, stdout } = side(['--parse', ...files]);
  const lines = stdout.split('\n').slice(0, -1);
  if (status === 0) {
    assert.equal(lines.length, files.length);
    return lines;
  }
  if (files.length === 1) return ['refused'];
  const middle = files.length >> 1;
  return [...parsed(side, files.slice(0, middle)), ...parsed(side, files.slice(middle))];
}

/**
 * Whether two printed lines mean the same tree. Where one cannot be read again (old releases quote no
 * keywords that are names, none parenthesises `assert`), their words are compared.
 */
function meanTheSame(theirs: string, ours: string): boolean {
  const [one, other] = [theirs, ours].map((line) => parse(line, { base: 0, directory: '/', home: '/', pipes: false }).tree);
  if (one === undefined || other === undefined) return words(theirs) === words(ours);
  return showExpr(plain(one)) === showExpr(plain(other));
}

/** With `a = (source).a` in place of `inherit (source) a`. */
function withoutSources(expr: AttrsExpr): AttrsExpr {
  const sources = expr.sources.map(plain);
  const attrs = [...expr.attrs].map(([name, binding]) => {
    const { value } = binding;
    const selected = value.kind === 'select' && value.subject.kind === 'inheritFrom'
      ? { ...value, subject: sources[value.subject.index]! } : plain(value);
    return [name, { ...binding, kind: binding.kind === 'inheritedFrom' ? 'plain' : binding.kind, value: selected }] as const;
  });
  return { ...expr, attrs: new Map(attrs), dynamic: plain(expr.dynamic), sources: [] };
}

/** Without the empty strings that older releases put before a text's first interpolation. */
function withoutEmptyParts(expr: ConcatExpr): Expr {
  const parts = plain(expr.parts).flatMap((part) => (part.value.kind === 'concat' ? part.value.parts : [part]))
    .filter(({ value }) => value.kind !== 'string' || value.value !== '');
  return parts.length === 1 ? parts[0]!.value : { ...expr, parts };
}

/** Any part of a tree in the form in which all releases agree. */
function plain<T>(part: T): T {
  if (Array.isArray(part)) return part.map(plain) as T;
  if (typeof part !== 'object' || part === null || part instanceof Map) return part;
  const node = part as unknown as Expr;
  if (node.kind === 'attrs') return withoutSources(node) as T;
  if (node.kind === 'concat') return withoutEmptyParts(node) as T;
  return Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, plain(inner)])) as T;
}

/** Names, numbers and words of strings, each once, without what depends on the release. */
function words(line: string): string {
  const all = line.replaceAll('\\$', '$').match(/[\w'-]+|[^\w\s"(){};,=+]/g) ?? [];
  return [...new Set(all)].filter((word) => word !== 'inherit' && word !== '.').sort().join(' ');
}

test('nixpkgs’ files parse as in C++ Nix', withTreeAndNix, () => {
  const files = nixFiles();
  assert.ok(files.length > 100, `only ${files.length} files`);
  const same = printsInOrder() ? (theirs: string, ours: string) => theirs === ours : meanTheSame;
  const different: string[] = [];
  for (let start = 0; start < files.length; start += batchSize) {
    const batch = files.slice(start, start + batchSize);
    const theirs = parsed(oracle, batch);
    const ours = parsed(own, batch);
    different.push(...batch.filter((_, index) => !same(theirs[index] as string, ours[index] as string)));
  }
  assert.deepEqual(different, []);
});
