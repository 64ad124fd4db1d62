/** How builds are shown: the tree on a terminal, lines in a log, JSON for programs. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Activity } from '#base';
import { BuildGraph } from '../../src/cli/progress/build-graph.ts';
import { buildTree } from '../../src/cli/progress/build-tree.ts';
import { JsonProgress } from '../../src/cli/progress/json-progress.ts';
import { RawProgress } from '../../src/cli/progress/raw-progress.ts';
import { TerminalProgress } from '../../src/cli/progress/terminal-progress.ts';
import { clip, displayWidth, plainLine } from '../../src/cli/progress/text-width.ts';
import { Screen } from '../support/screen.ts';

const drv = (name: string) => `/nix/store/${'0'.repeat(32)}-${name}.drv`;
const inputs = new Map([
  [drv('top'), [drv('tool'), drv('lib')]], [drv('tool'), [drv('lib'), drv('base')]], [drv('lib'), [drv('base')]],
  [drv('base'), []], [drv('other'), []],
]);

function treeOf(change: (graph: BuildGraph) => void, style: { columns?: number; lines?: number } = {}): string[] {
  const graph = new BuildGraph();
  graph.plan(inputs);
  change(graph);
  return buildTree(graph, {
    columns: 60, lines: 20, now: 3000, spinner: '*', paint: (_style, text) => text, ...style,
  });
}

test('the tree leads from what was asked for to what runs', () => {
  assert.deepEqual(treeOf(() => {}), []);
  assert.deepEqual(treeOf((graph) => {
    const base = graph.start(drv('base'), 1000);
    graph.line(base, 'Running phase: buildPhase');
    graph.line(base, '\x1b[31mcc -c\ta.c\x1b[0m');
  }), [
    '· top', '├─ · tool', '│  └─ * base 2.0 s buildPhase: cc -c a.c', '└─ · lib',
  ]);
  assert.deepEqual(treeOf((graph) => {
    graph.end(graph.start(drv('base'), 0), 'done', 500);
    graph.start(drv('lib'), 500);
    graph.end(graph.start(drv('other'), 0), 'failed', 1500);
  }), ['· top', '├─ · tool', '└─ * lib 2.5 s', '✗ other 1.5 s failed']);
});

test('the tree gives way where there is little room', () => {
  const start = (graph: BuildGraph): void => {
    graph.start(drv('base'), 1000);
    graph.start(drv('other'), 0);
  };
  assert.deepEqual(treeOf(start, { lines: 2 }), ['* other 3.0 s', '* base 2.0 s']);
  assert.deepEqual(treeOf(start, { lines: 1 }), ['  … and 2 more']);
  assert.deepEqual(treeOf(start, { lines: 0 }), []);
  for (const line of treeOf(start, { columns: 20 })) assert.ok(displayWidth(line) <= 20, line);
});

test('text is measured and cut by columns, and cannot move the cursor', () => {
  assert.equal(displayWidth('a漢é'), 4);
  assert.equal(clip('漢字漢字', 5), '漢字…');
  assert.equal(clip('short', 5), 'short');
  assert.equal(plainLine('10 %\r20 %\x1b[2K\x07 done\x1b]0;title\x07'), '20 % done');
});

test('a terminal keeps messages above the block, and nothing of the block at the end', (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  let now = 0;
  const screen = new Screen(40, 12);
  const progress = new TerminalProgress(screen, { verbosity: 3, showLogs: false, color: false }, () => now);
  const all = progress.start('build', 'derivations', { total: 5, subject: { kind: 'plan', inputs } });
  const base = progress.start('build', 'base', { parent: all, subject: { kind: 'derivation', drvPath: drv('base') } });
  now = 1000;
  context.mock.timers.tick(120);
  assert.deepEqual(screen.shown(), [
    '· top', '├─ · tool', '│  └─ ⠙ base 1.0 s', '└─ · lib', '⠙ built 0 of 5, 1 running, 4 waiting, …',
  ]);
  progress.message('warning', 'mind the gap');
  progress.message('debug', 'not for everybody');
  base.log?.('a line that is longer than what the terminal is wide');
  now = 2000;
  context.mock.timers.tick(120);
  const lines = screen.shown();
  assert.deepEqual(lines.slice(0, 3), ['warning: mind the gap', '· top', '├─ · tool']);
  assert.equal(lines.filter((line) => line.includes('base')).length, 1);
  // A terminal that becomes narrow gets a block that fits it.
  screen.resize(24);
  context.mock.timers.tick(120);
  for (const line of progress.frame()) assert.ok(displayWidth(line) < 24, line);
  assert.deepEqual(screen.shown(), ['warning: mind the gap', ...progress.frame()]);
  screen.resize(40);
  base.finish();
  all.finish();
  progress.close();
  assert.deepEqual(screen.shown().filter((line) => /^[·├│└⠙]/u.test(line)), []);
  assert.equal(screen.shown().at(-1), '✓ built 2 items in 2.0 s');
});

test('a log has what begins and what builders print', () => {
  const written = (options: { verbosity: number; showLogs: boolean }, namesBuilds: boolean): string => {
    let text = '';
    const progress = new RawProgress({ write: (piece) => { text += piece; } }, { color: false, ...options }, { namesBuilds });
    const build: Activity = progress.start('build', 'base', { subject: { kind: 'derivation', drvPath: drv('base') } });
    build.log?.('hello');
    progress.start('download', 'x', { subject: { kind: 'path', path: '/nix/store/x', source: 'https://cache.test' } });
    progress.message('notice', 'noted');
    progress.close();
    return text;
  };
  const copying = "copying path '/nix/store/x' from 'https://cache.test'...\n";
  assert.equal(written({ verbosity: 3, showLogs: true }, false), `building '${drv('base')}'...\nhello\n${copying}noted\n`);
  assert.equal(written({ verbosity: 2, showLogs: true }, true), 'base> hello\nnoted\n');
  assert.equal(written({ verbosity: 1, showLogs: false }, true), '');
});

test('programs are told in the numbers of C++ Nix', () => {
  let text = '';
  const progress = new JsonProgress({ write: (piece) => { text += piece; } }, 1);
  progress.start('build', 'derivations', { subject: { kind: 'plan', inputs } });
  const build = progress.start('build', 'base', { subject: { kind: 'derivation', drvPath: drv('base') } });
  build.log?.('Running phase: buildPhase');
  build.finish('failed');
  const copy = progress.start('download', 'x', {
    total: 10, unit: 'bytes', subject: { kind: 'path', path: '/nix/store/x', source: 'https://cache.test' },
  });
  copy.advance(10);
  copy.finish();
  progress.message('chatty', 'more than is asked for');
  progress.message('warning', 'odd');
  progress.close();
  const id = (count: number) => 2 ** 32 + count;
  const lines = text.trimEnd().split('\n');
  assert.deepEqual(lines.filter((line) => !line.startsWith('@nix ')), []);
  assert.equal(lines[0], `@nix {"action":"start","id":${id(0)},"level":6,"parent":0,"text":"","type":102}`);
  assert.deepEqual(lines.slice(1).map((line) => JSON.parse(line.slice(5)) as unknown), [
    { action: 'start', id: id(1), level: 6, parent: 0, text: '', type: 104 },
    { action: 'result', fields: [0, 5, 0, 0], id: id(1), type: 105 },
    { action: 'result', fields: [0, 5, 1, 0], id: id(1), type: 105 },
    { action: 'start', fields: [drv('base'), '', 1, 1], id: id(2), level: 3, parent: 0, text: `building '${drv('base')}'`, type: 105 },
    { action: 'result', fields: ['buildPhase'], id: id(2), type: 104 },
    { action: 'result', fields: ['Running phase: buildPhase'], id: id(2), type: 101 },
    { action: 'stop', id: id(2) },
    { action: 'result', fields: [0, 5, 0, 1], id: id(1), type: 105 },
    { action: 'start', id: id(3), level: 6, parent: 0, text: '', type: 103 },
    { action: 'result', fields: [0, 1, 1, 0], id: id(3), type: 105 },
    { action: 'start', fields: ['/nix/store/x', 'https://cache.test'], id: id(4), level: 3, parent: id(3), text: '', type: 108 },
    { action: 'start', fields: ['/nix/store/x', 'https://cache.test', 'local'], id: id(5), level: 3, parent: id(4),
      text: "copying path '/nix/store/x' from 'https://cache.test'", type: 100 },
    { action: 'start', fields: ['https://cache.test'], id: id(6), level: 4, parent: id(5),
      text: "downloading 'https://cache.test'", type: 101 },
    { action: 'result', fields: [10, 10, 0, 0], id: id(6), type: 105 },
    { action: 'stop', id: id(6) }, { action: 'stop', id: id(5) }, { action: 'stop', id: id(4) },
    { action: 'result', fields: [1, 1, 0, 0], id: id(3), type: 105 },
    { action: 'msg', level: 1, msg: 'warning: odd' },
    { action: 'stop', id: id(3) }, { action: 'stop', id: id(1) }, { action: 'stop', id: id(0) },
  ]);
});

