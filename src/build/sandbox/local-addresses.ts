/**
 * The addresses by which this machine means itself, as its kernel's routing tables have them.
 *
 * They are more than those of interfaces that are up: one that has no link answers too, and whole
 * ranges can be routed to the machine. So the tables are read, not the list of interfaces.
 */
import { readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';

export interface LocalAddresses {
  /** `ADDRESS/LENGTH` each. */
  readonly four: readonly string[];
  /** As `four`; undefined where the kernel has no IPv6. */
  readonly six: readonly string[] | undefined;
  /** Whether anything of IPv6 leads out of the machine. */
  readonly sixLeadsOut: boolean;
}

/** Throws if the kernel does not say. */
export function localAddresses(): LocalAddresses {
  return parseLocalAddresses(readFileSync('/proc/self/net/fib_trie', 'latin1'), sixTable());
}

/** Of the texts of `/proc/net/fib_trie` and `/proc/net/ipv6_route`. */
export function parseLocalAddresses(trie: string, table: string | undefined): LocalAddresses {
  const four = new Set<string>();
  let leaf = '';
  for (const line of trie.split('\n')) {
    leaf = /^\s*\|-- ([0-9.]+)$/.exec(line)?.[1] ?? leaf;
    const length = /^\s*\/([0-9]+) host LOCAL\b/.exec(line)?.[1];
    if (length !== undefined) four.add(`${leaf}/${length}`);
  }
  const routes = (table ?? '').split('\n').map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields.length >= 10)
    .map(([to = '', length = '', , , , , , , flags = '', device]) => (
      { to, length: parseInt(length, 16), flags: parseInt(flags, 16), device }));
  return {
    four: [...four],
    six: table === undefined ? undefined : routes.filter(({ flags }) => (flags & localRoute) !== 0)
      .map(({ to, length }) => `${to.replace(/.{4}(?=.)/g, '$&:')}/${length}`),
    sixLeadsOut: routes.some(({ to, length, flags, device }) => (
      length === 0 && /^0+$/.test(to) && (flags & rejectRoute) === 0 && device !== 'lo')),
  };
}

/** RTF_LOCAL and RTF_REJECT. */
const localRoute = 0x8000_0000;
const rejectRoute = 0x0200;

function sixTable(): string | undefined {
  try {
    return readFileSync('/proc/self/net/ipv6_route', 'latin1');
  } catch {
    // A kernel that was told to have none.
    return undefined;
  }
}

/** Whether an address, as `resolv.conf` may have it, is this machine's. */
export function isLocal(address: string, { four, six = [] }: LocalAddresses): boolean {
  // With a zone it is a neighbour's on an interface of this machine's: nobody else can name it.
  if (address.includes('%')) return true;
  const ranges = new BlockList();
  for (const [group, family] of [[four, 'ipv4'], [six, 'ipv6']] as const) {
    for (const range of group) {
      const [start = '', length] = range.split('/');
      ranges.addSubnet(start, Number(length), family);
    }
  }
  const family = isIP(address);
  return family !== 0 && ranges.check(address, family === 4 ? 'ipv4' : 'ipv6');
}
