/**
 * The way out for a builder that may use the network: a namespace of its own, and slirp4netns, which
 * takes the packets of a device in it and opens ordinary sockets out here in their place.
 *
 * So nobody reaches the builder, and its abstract Unix sockets are its own. What slirp4netns would
 * reach as this machine is refused by rules of the namespace, which a builder cannot change: its
 * loopback device, all its other addresses, and the addresses that slirp4netns itself gives a
 * meaning to. A program that binds a socket to the device goes around rules, and its packets then
 * look for a neighbour: there is none but the gateway, and nobody is asked for others.
 * docs/decisions/network-of-downloads.md has more.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { programMissing } from './errors.ts';
import { findProgram } from './find-program.ts';
import { isLocal, localAddresses, type LocalAddresses } from './local-addresses.ts';

/** What fixed and impure outputs have: a network of their own that leads out, or this machine's. */
export type NetworkMode = 'isolated' | 'host';

/** How a namespace is connected. */
export interface Outside {
  readonly slirp: string;
  readonly ip: string;
  /** What `ip` is told in the namespace once the device is there, and `ip -6`. */
  readonly rules: { readonly four: string; readonly six: string };
  readonly hasSix: boolean;
  /** For the builder's `/etc/resolv.conf`. */
  readonly resolvers: string | undefined;
}

/** Finds the programs, and looks at the machine as it is now. Fails with what to install. */
export function outsideNetwork(searchPath: string): Outside {
  const slirp = findProgram('slirp4netns', searchPath);
  // That of busybox does not know rules like ours.
  const ip = findProgram('ip', searchPath, (path) => basename(realpathSync(path)) !== 'busybox');
  if (slirp === undefined) throw programMissing('slirp4netns', 'slirp4netns');
  if (ip === undefined) throw programMissing('ip', 'iproute2');
  return planNetwork({ slirp, ip }, localAddresses(), hostResolvers());
}

/** The part of `outsideNetwork` that asks nobody. */
export function planNetwork(
  programs: { slirp: string; ip: string }, machine: LocalAddresses, resolvers: string | undefined,
): Outside {
  const forwarded = { four: false, six: false };
  const text = resolvers?.replace(/^(\s*nameserver\s+)(\S+)/gm, (line, before: string, address: string) => {
    if (!isLocal(address, machine)) return line;
    const family = address.includes(':') && machine.six !== undefined ? 'six' : 'four';
    forwarded[family] = true;
    return before + forwarders[family];
  });
  return {
    ...programs,
    rules: { four: rulesOfFour(machine, forwarded.four), six: rulesOfSix(machine, forwarded.six) },
    hasSix: machine.six !== undefined,
    resolvers: text,
  };
}

/** The device in the namespace. */
export const device = 'tap0';

/** The network on it, which slirp4netns takes the rest from: hosts of this range are out of reach. */
export const network = '10.213.87.0/24';
const gateway = '10.213.87.2';
/** slirp4netns hands what it gets there to the first resolver of the machine. */
const forwarders = { four: '10.213.87.3', six: 'fd00::3' };
const sixNetwork = 'fd00::/64';
const [sixAddress, sixGateway] = ['fd00::100', 'fd00::2'];

const lines = (...all: readonly string[]): string => all.map((line) => `${line}\n`).join('');

/** Resolvers of the machine, and nothing else there: whatever its port, the machine would answer. */
const letNamesThrough = (forwarder: string): string[] => ['udp', 'tcp']
  .map((protocol) => `rule add pref 1 to ${forwarder} ipproto ${protocol} dport 53 table main`);

const refuse = (ranges: readonly string[]): string[] => [...new Set(ranges)]
  .map((range) => `rule add pref 2 to ${range} prohibit`);

function rulesOfFour({ four }: LocalAddresses, isForwarded: boolean): string {
  return lines(
    // Nobody is asked who has an address: the gateway is known, and takes packets for all. Commands
    // put in place what may stand there already: slirp4netns is at work.
    `ntable change name arp_cache dev ${device} mcast_probes 0 ucast_probes 0 app_probes 0`,
    `neigh replace ${gateway} lladdr 52:55:0a:d5:57:02 dev ${device} nud permanent`,
    ...(isForwarded ? [`route replace ${forwarders.four} via ${gateway} dev ${device}`, ...letNamesThrough(forwarders.four)] : []),
    ...refuse([network, '0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/4', ...four]),
  );
}

function rulesOfSix({ six, sixLeadsOut }: LocalAddresses, isForwarded: boolean): string {
  if (six === undefined) return '';
  return lines(
    // It would take a second until slirp4netns has told the kernel an address; it may have by now.
    `addr replace ${sixAddress}/64 dev ${device} nodad`,
    ...(sixLeadsOut ? [`route replace default via ${sixGateway} dev ${device}`] : []),
    ...(isForwarded ? letNamesThrough(forwarders.six) : []),
    ...refuse([sixNetwork, '::/96', '::ffff:0:0/96', 'fe80::/10', 'ff00::/8', ...six]),
  );
}

function hostResolvers(): string | undefined {
  try {
    return readFileSync('/etc/resolv.conf', 'latin1');
  } catch {
    // A machine without one has none to give.
    return undefined;
  }
}

/** Which of the variables name a proxy that is not to be reached: one on this machine. */
export function proxiesOutOfReach(variables: ReadonlyMap<string, string>): string[] {
  return [...variables].filter(([name, value]) => (
    /_proxy$/i.test(name) && /^([a-z0-9+]+:\/\/)?([^@/]*@)?(localhost|127\.[0-9.]+|\[::1\])(:|\/|$)/i.test(value)
  )).map(([name]) => name);
}
