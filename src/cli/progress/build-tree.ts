/**
 * The tree of builds as lines of text: what runs and what failed, below the builds that wait for
 * them, down from the builds that were asked for.
 *
 * Builds that are done, and those that nothing running or failed leads to, are counted, not shown.
 * A build that several wait for stands below the first of them. Where the room does not suffice for
 * the whole tree, only running and failed builds stay, and at last the longest running ones.
 */

import { reachable } from '#base';
import type { BuildGraph, BuildNode } from './build-graph.ts';
import { formatDuration } from './describe.ts';
import { clip } from './text-width.ts';

export interface TreeStyle {
  readonly columns: number;
  /** How many lines there is room for. */
  readonly lines: number;
  readonly now: number;
  /** The moving sign of what runs. */
  readonly spinner: string;
  paint(style: 'running' | 'failed' | 'faint', text: string): string;
}

/** At most `style.lines` lines, none wider than the terminal. */
export function buildTree(graph: BuildGraph, style: TreeStyle): string[] {
  if (style.lines <= 0) return [];
  const active = [...graph.nodes.values()].filter(isActive);
  if (active.length === 0) return [];
  const tree = treeLines(graph, style);
  if (tree.length <= style.lines) return tree;
  // What failed is worth more than what runs, and what runs long more than what has just begun.
  const order = active.sort((a, b) => Number(b.state === 'failed') - Number(a.state === 'failed') || a.startedAt - b.startedAt);
  const shown = order.length <= style.lines ? order : order.slice(0, style.lines - 1);
  const lines = shown.map((node) => nodeLine(node, '', style));
  const hidden = order.length - shown.length;
  return hidden === 0 ? lines : [...lines, style.paint('faint', clip(`  … and ${hidden} more`, style.columns))];
}

function isActive(node: BuildNode): boolean {
  return node.state === 'running' || node.state === 'failed';
}

function treeLines(graph: BuildGraph, style: TreeStyle): string[] {
  const leads = leadingToActive(graph);
  const isInput = new Set([...graph.nodes.values()].flatMap((node) => node.inputs));
  const lines: string[] = [];
  const seen = new Set<string>();
  const visit = (drvPath: string, first: string, rest: string): void => {
    const node = graph.nodes.get(drvPath) as BuildNode;
    seen.add(drvPath);
    lines.push(nodeLine(node, first, style));
    // A build that runs has all its inputs.
    const inputs = node.state === 'planned' ? node.inputs.filter((input) => leads.has(input) && !seen.has(input)) : [];
    for (const input of inputs) seen.add(input);
    inputs.forEach((input, index) => {
      const last = index === inputs.length - 1;
      visit(input, `${rest}${last ? '└─ ' : '├─ '}`, `${rest}${last ? '   ' : '│  '}`);
    });
  };
  for (const drvPath of graph.nodes.keys()) if (leads.has(drvPath) && !isInput.has(drvPath)) visit(drvPath, '', '');
  return lines;
}

/** Active builds and all that wait for one of them. */
function leadingToActive(graph: BuildGraph): Set<string> {
  const waiting = new Map<string, string[]>();
  for (const node of graph.nodes.values()) {
    for (const input of node.inputs) {
      const list = waiting.get(input);
      if (list === undefined) waiting.set(input, [node.drvPath]);
      else list.push(node.drvPath);
    }
  }
  const active = [...graph.nodes.values()].filter(isActive).map((node) => node.drvPath);
  return reachable(active, (drvPath) => waiting.get(drvPath) ?? []);
}

function nodeLine(node: BuildNode, branch: string, style: TreeStyle): string {
  if (node.state === 'planned') return style.paint('faint', clip(`${branch}· ${node.name}`, style.columns));
  const isRunning = node.state === 'running';
  const sign = isRunning ? style.spinner : '✗';
  const time = formatDuration((isRunning ? style.now : node.endedAt) - node.startedAt);
  const head = clip(`${branch}${sign} ${node.name} `, Math.max(8, style.columns - time.length - 1));
  const told = [node.phase, isRunning ? node.lastLine : 'failed'].filter(Boolean).join(': ');
  const room = style.columns - head.length - time.length - 3;
  const tail = told !== '' && room > 8 ? ` ${clip(told, room)}` : '';
  const painted = head.replace(sign, style.paint(isRunning ? 'running' : 'failed', sign));
  return `${painted}${style.paint('faint', `${time}${tail}`)}`;
}
