/**
 * The graph of references as `nix-store --query --graph` (for Graphviz) and `--graphml` print it.
 *
 * Order and colours are C++ Nix's: of what is known and not printed yet, the first by name.
 */

import { baseNameOf, isDerivationPath, nameOf, type StorePath } from '#formats';
import type { ValidPathInfo } from '#store';
import type { StoreCommand } from './store-command.ts';

/** For Graphviz: an arrow leads from what is needed to what needs it. */
export function printGraph(command: StoreCommand, roots: readonly StorePath[]): void {
  command.print('digraph G {');
  let edges = 0;
  for (const { path, references } of nodesOf(command, roots)) {
    command.print(`"${baseNameOf(path)}" [label = "${nameOf(path)}", shape = box, style = filled, fillcolor = "#ff0000"];`);
    for (const reference of references) {
      if (reference === path) continue;
      command.print(`"${baseNameOf(reference)}" -> "${baseNameOf(path)}" [color = "${colours[edges % colours.length]}"];`);
      edges += 1;
    }
  }
  command.print('}');
}

/** GraphML: an edge leads from what needs something to what it needs. */
export function printGraphMl(command: StoreCommand, roots: readonly StorePath[]): void {
  command.print("<?xml version='1.0' encoding='utf-8'?>\n"
    + "<graphml xmlns='http://graphml.graphdrawing.org/xmlns'\n"
    + "    xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'\n"
    + "    xsi:schemaLocation='http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd'>\n"
    + "<key id='narSize' for='node' attr.name='narSize' attr.type='long'/>"
    + "<key id='name' for='node' attr.name='name' attr.type='string'/>"
    + "<key id='type' for='node' attr.name='type' attr.type='string'/>"
    + "<graph id='G' edgedefault='directed'>");
  for (const { path, narSizeBytes, references } of nodesOf(command, roots)) {
    const name = nameOf(path);
    command.print(`  <node id="${baseNameOf(path)}">\n`
      + `    <data key="narSize">${narSizeBytes}</data>\n`
      + `    <data key="name">${name.slice(0, name.indexOf('-') + 1)}</data>\n`
      + `    <data key="type">${isDerivationPath(path) ? 'derivation' : 'output-path'}</data>\n`
      + '  </node>');
    for (const reference of references) {
      if (reference !== path) {
        command.print(`  <edge source="${baseNameOf(path)}" target="${baseNameOf(reference)}"/>`);
      }
    }
  }
  command.print('</graph>\n</graphml>');
}

const colours = ['black', 'red', 'green', 'blue', 'magenta', 'burlywood'];

function* nodesOf({ store }: StoreCommand, roots: readonly StorePath[]): Generator<ValidPathInfo, void, void> {
  const waiting = new Set(roots);
  const done = new Set<StorePath>();
  while (waiting.size > 0) {
    let path: StorePath | undefined;
    for (const one of waiting) if (path === undefined || one < path) path = one;
    waiting.delete(path as StorePath);
    done.add(path as StorePath);
    const info = store.queryPathInfo(path as StorePath);
    // The closure of what was checked is valid, unless it is collected this moment.
    if (info === undefined) continue;
    for (const reference of info.references) if (!done.has(reference)) waiting.add(reference);
    yield info;
  }
}
