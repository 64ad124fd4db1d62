/**
 * What is known of the builds of a run: which there are, which wait for which, how each fares, and
 * what each said last. The terminal's tree is drawn from it.
 */

import { plainLine } from './text-width.ts';

export interface BuildNode {
  readonly drvPath: string;
  readonly name: string;
  state: 'planned' | 'running' | 'done' | 'failed';
  /** Milliseconds of the clock that the graph's user reads. */
  startedAt: number;
  endedAt: number;
  /** What the builder is doing, as far as it says so. */
  phase: string;
  lastLine: string;
  /** Builds that this one waits for. */
  inputs: readonly string[];
}

export interface BuildCounts {
  readonly planned: number;
  readonly running: number;
  readonly done: number;
  readonly failed: number;
}

export class BuildGraph {
  readonly nodes = new Map<string, BuildNode>();

  /** Adds planned builds; what is known already keeps its state. */
  plan(inputs: ReadonlyMap<string, readonly string[]>): void {
    for (const [drvPath, needed] of inputs) this.#node(drvPath).inputs = needed;
  }

  start(drvPath: string, now: number): BuildNode {
    const node = this.#node(drvPath);
    node.state = 'running';
    node.startedAt = now;
    return node;
  }

  end(node: BuildNode, outcome: 'done' | 'failed', now: number): void {
    node.state = outcome;
    node.endedAt = now;
  }

  /** Takes a line of a builder's output; stdenv tells its phases by lines of a fixed form, too. */
  line(node: BuildNode, line: string): void {
    const phase = /^Running phase: ([A-Za-z]+)/.exec(line)?.[1];
    if (phase !== undefined) node.phase = phase;
    const text = plainLine(line).trim();
    if (text !== '') node.lastLine = text;
  }

  counts(): BuildCounts {
    const counts = { planned: 0, running: 0, done: 0, failed: 0 };
    for (const { state } of this.nodes.values()) counts[state] += 1;
    return counts;
  }

  clear(): void {
    this.nodes.clear();
  }

  #node(drvPath: string): BuildNode {
    let node = this.nodes.get(drvPath);
    if (node === undefined) {
      node = {
        drvPath, name: buildName(drvPath), state: 'planned', startedAt: 0, endedAt: 0, phase: '', lastLine: '', inputs: [],
      };
      this.nodes.set(drvPath, node);
    }
    return node;
  }
}

/** `hello-2.12` of `/nix/store/…-hello-2.12.drv`. */
export function buildName(drvPath: string): string {
  return drvPath.slice(drvPath.lastIndexOf('/') + 1).replace(/^[0-9a-z]{32}-/, '').replace(/\.drv$/, '');
}
