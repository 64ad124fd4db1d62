/** What is known of a flake and its inputs: `nix flake metadata`. */

import { decodeUtf8, sha256Hex } from '#base';
import { isFollows, printInputPath, printLockFile, type LockedFlake, type LockNode } from '#eval';
import {
  countedInput, inputSettings, isLocked, narHashOf, printReference, referenceAttributes,
  revisionOf, withAttributes, type EvalServices, type FlakeReference, type Input,
} from '#runtime';

export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** As `nix flake metadata --json` has it; ordinary strings. */
export interface FlakeMetadata {
  readonly description?: string;
  readonly originalUrl: string;
  readonly original: Attributes;
  readonly resolvedUrl: string;
  readonly resolved: Attributes;
  readonly url: string;
  readonly locked: Attributes;
  readonly revision?: string;
  readonly dirtyRevision?: string;
  readonly revCount?: number;
  readonly lastModified?: number;
  readonly path: string;
  readonly locks: unknown;
  readonly fingerprint?: string;
}

export interface FlakeReport {
  readonly metadata: FlakeMetadata;
  readonly isLocked: boolean;
  /** The inputs as a tree, line by line. */
  readonly inputs: readonly string[];
}

export function flakeReport(services: EvalServices, locked: LockedFlake): FlakeReport {
  const { flake, root } = locked;
  const input = countedInput(services, flake.locked.input);
  const reference = { ...flake.locked, input };
  const revision = revisionOf(input);
  const { dirtyRev, revCount, lastModified } = Object.fromEntries(input);
  const locks = printLockFile(root).text;
  const fingerprint = fingerprintOf(reference, locks);
  const folder = flake.folder;
  const slash = folder.indexOf('/', services.host.storeDirectory.length + 1);
  const metadata: FlakeMetadata = {
    ...(flake.description === undefined ? {} : { description: decodeUtf8(flake.description) }),
    originalUrl: decodeUtf8(printReference(flake.original)),
    original: attributesOf(flake.original),
    resolvedUrl: decodeUtf8(printReference(flake.resolved)),
    resolved: attributesOf(flake.resolved),
    url: decodeUtf8(printReference(reference)),
    locked: attributesOf(reference),
    ...(revision === undefined ? {} : { revision }),
    ...(dirtyRev === undefined ? {} : { dirtyRevision: String(dirtyRev) }),
    ...(typeof revCount === 'number' ? { revCount } : {}),
    ...(typeof lastModified === 'number' ? { lastModified } : {}),
    path: slash < 0 ? folder : folder.slice(0, slash),
    locks: JSON.parse(decodeUtf8(locks)),
    ...(fingerprint === undefined ? {} : { fingerprint }),
  };
  return { metadata, isLocked: isLocked(input, inputSettings(services)), inputs: inputTree(root).map(decodeUtf8) };
}

export function attributesOf(reference: FlakeReference): Attributes {
  const plain = withAttributes(referenceAttributes(reference), { revCountIn: undefined });
  return Object.fromEntries([...plain].map(([name, value]) => [
    decodeUtf8(name), typeof value === 'string' ? decodeUtf8(value) : value,
  ]));
}

/** The same for the same tree and the same inputs; none where the tree has no hash. */
function fingerprintOf({ input, directory }: FlakeReference, locks: string): string | undefined {
  const tree = narHashOf(input);
  if (tree === undefined) return undefined;
  const known: Input = withAttributes(input, { revCountIn: undefined, __final: undefined });
  const counts = ['revCount', 'lastModified'].map((name) => String(known.get(name) ?? ''));
  return sha256Hex([String(input.get('type')), revisionOf(input) ?? tree, directory, locks, ...counts].join(';'));
}

function inputTree(root: LockNode): string[] {
  const lines: string[] = [];
  const visited = new Set<LockNode>([root]);
  const visit = (node: LockNode, prefix: string): void => {
    const inputs = node.sortedInputs();
    inputs.forEach(([name, edge], index) => {
      const isLast = index === inputs.length - 1;
      const head = prefix + (isLast ? branches.last : branches.middle);
      if (isFollows(edge)) {
        lines.push(`${head}${name} follows input '${printInputPath(edge)}'`);
        return;
      }
      lines.push(`${head}${name}: ${printReference(edge.lock!.locked)}${dateOf(edge.lock!.locked.input)}`);
      if (visited.has(edge)) return;
      visited.add(edge);
      visit(edge, prefix + (isLast ? branches.blank : branches.line));
    });
  };
  visit(root, '');
  return lines;
}

function dateOf(input: Input): string {
  const time = input.get('lastModified');
  return typeof time === 'number' ? ` (${new Date(time * 1000).toISOString().slice(0, 19).replace('T', ' ')})` : '';
}

/** Byte strings, as everything that is printed by the evaluator's thread. */
export const branches = {
  middle: '\u00e2\u0094\u009c\u00e2\u0094\u0080\u00e2\u0094\u0080\u00e2\u0094\u0080',
  last: '\u00e2\u0094\u0094\u00e2\u0094\u0080\u00e2\u0094\u0080\u00e2\u0094\u0080',
  line: '\u00e2\u0094\u0082   ',
  blank: '    ',
} as const;
