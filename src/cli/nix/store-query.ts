/** `nix-store --query` in its forms. */

import { formatPrefixedHash, reachable } from '#base';
import { derivationExtension, isDerivationPath, type StorePath } from '#formats';
import { findRoots, type Store } from '#store';
import { noSuchVariable, outputPathUnknown, unknownDeriver } from '../errors.ts';
import { printGraph, printGraphMl } from './store-graphs.ts';
import {
  followToStorePath, outputsOf, topologicalOrder, validPath, type StoreCommand,
} from './store-command.ts';

type Query = (command: StoreCommand) => void | Promise<void>;

const queries: readonly (readonly [flag: string, query: Query])[] = [
  ['--requisites', (command) => printSorted(command, (store, path) => requisites(command, store, path))],
  ['--references', (command) => printSorted(command, (store, path) => [...store.queryPathInfo(path)!.references])],
  ['--referrers', (command) => printSorted(command, (store, path) => store.queryReferrers(path))],
  ['--referrers-closure', (command) => printSorted(command, referrersClosure)],
  ['--deriver', (command) => eachOperand(command, (path) => command.store.queryPathInfo(path)!.deriver ?? 'unknown-deriver')],
  ['--valid-derivers', (command) => printSorted(command, (store, path) => store.queryDerivers(path))],
  ['--binding', printBinding],
  ['--hash', (command) => eachOutput(command, (path) => formatPrefixedHash(command.store.queryPathInfo(path)!.narHash, 'nix32'))],
  ['--size', (command) => eachOutput(command, (path) => String(command.store.queryPathInfo(path)!.narSizeBytes))],
  ['--tree', printTree],
  ['--graph', (command) => printGraph(command, operandPaths(command))],
  ['--graphml', (command) => printGraphMl(command, operandPaths(command))],
  ['--resolve', (command) => command.flags.operands.forEach((operand) => command.print(followToStorePath(command, operand)))],
  ['--roots', printRoots],
  ['--outputs', printOutputs],
];

export async function query(command: StoreCommand): Promise<number> {
  if (command.flags.has('--force-realise')) {
    const { makeOperandsValid } = await import('./store-realise.ts');
    await makeOperandsValid(command);
  }
  const chosen = queries.find(([flag]) => command.flags.has(flag))?.[1] ?? printOutputs;
  await chosen(command);
  return 0;
}

function printOutputs(command: StoreCommand): void {
  for (const operand of command.flags.operands) {
    for (const path of allOutputs(command.store, validPath(command, operand))) command.print(path);
  }
}

/** The operands' paths: with --use-output, the outputs of derivations. */
function operandPaths(command: StoreCommand): StorePath[] {
  const { flags, store } = command;
  const useOutput = flags.has('--use-output') || flags.has('--force-realise');
  return flags.operands.flatMap((operand) => {
    const path = validPath(command, operand);
    return useOutput ? allOutputs(store, path) : [path];
  });
}

/** The outputs of a derivation, or the path itself. Throws where only a build tells an output's path. */
function allOutputs(store: Store, path: StorePath): StorePath[] {
  const known = outputsOf(store, path);
  if (isDerivationPath(path) && known.length < store.readDerivation(path).outputs.size) throw outputPathUnknown();
  return known;
}

function printSorted(command: StoreCommand, find: (store: Store, path: StorePath) => StorePath[]): void {
  const all = new Set<StorePath>();
  for (const path of operandPaths(command)) for (const one of find(command.store, path)) all.add(one);
  for (const path of topologicalOrder(command.store, all)) command.print(path);
}

function eachOperand(command: StoreCommand, show: (path: StorePath) => string): void {
  for (const operand of command.flags.operands) command.print(show(validPath(command, operand)));
}

function eachOutput(command: StoreCommand, show: (path: StorePath) => string): void {
  for (const path of operandPaths(command)) command.print(show(path));
}

function requisites(command: StoreCommand, store: Store, path: StorePath): StorePath[] {
  const closure = store.closureOf([path]);
  if (!command.flags.has('--include-outputs')) return closure;
  const outputs = closure.filter(isDerivationPath).flatMap((drv) => outputsOf(store, drv))
    .filter((output) => store.isValidPath(output));
  return store.closureOf([...closure, ...outputs]);
}

function referrersClosure(store: Store, path: StorePath): StorePath[] {
  return [...reachable([path], (one) => store.queryReferrers(one))];
}

function printBinding(command: StoreCommand): void {
  const name = command.flags.last('--binding') as string;
  for (const operand of command.flags.operands) {
    const path = validPath(command, operand);
    const drvPath = path.endsWith(derivationExtension) ? path : command.store.queryPathInfo(path)?.deriver;
    if (drvPath === undefined) throw unknownDeriver(path);
    const value = command.store.readDerivation(drvPath).env.get(name);
    if (value === undefined) throw noSuchVariable(drvPath, name);
    command.context.stdout.write(Buffer.from(`${value}\n`, 'latin1'));
  }
}

function printRoots(command: StoreCommand): void {
  const wanted = new Set(operandPaths(command).flatMap((path) => referrersClosure(command.store, path)));
  for (const [link, path] of findRoots(command.localStore)) {
    if (wanted.has(path)) command.print(`${link} -> ${path}`);
  }
}

function printTree(command: StoreCommand): void {
  const done = new Set<StorePath>();
  const visit = (path: StorePath, first: string, rest: string): void => {
    if (done.has(path)) {
      command.print(`${first}${path} [...]`);
      return;
    }
    done.add(path);
    command.print(first + path);
    // What others need stands first, which keeps the tree flat.
    const references = topologicalOrder(command.store, command.store.queryPathInfo(path)!.references);
    references.forEach((reference, index) => {
      const last = index === references.length - 1;
      visit(reference, `${rest}${last ? '└───' : '├───'}`, `${rest}${last ? '    ' : '│   '}`);
    });
  };
  for (const operand of command.flags.operands) visit(validPath(command, operand), '', '');
}
