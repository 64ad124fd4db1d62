/** Opens the store that a name means, as a peer. Connections are made at the first question. */

import type { Progress } from '#base';
import { defaultStoreDirectory } from '#formats';
import { DaemonPeer } from './daemon-peer.ts';
import { openProcess, openSocket, type ByteChannel } from './channel.ts';
import { badStoreUrl } from './errors.ts';
import { CachePeer } from '../binary-cache/cache-peer.ts';
import { readSecretKeys } from '../binary-cache/cache-writer.ts';
import { LookupMemory, type LookupTimes } from '../binary-cache/lookup-memory.ts';
import type { TransportSettings } from '../binary-cache/transport.ts';
import type { AblePeer, BuildPeer } from './peer.ts';
import { ServePeer } from './serve-peer.ts';
import { openSsh, shellWords, type SshEnvironment } from './ssh.ts';
import { parseStoreReference, type StoreReference } from './store-reference.ts';
import type { WorkerOptions } from './worker-operations.ts';

export interface PeerOptions {
  readonly environment: SshEnvironment;
  readonly storeDirectory?: string;
  readonly options?: WorkerOptions;
  readonly progress?: Progress;
  readonly handshakeSeconds?: number;
  readonly timeoutSeconds?: number;
  /** What starts this program again: it then serves stores of this machine. */
  readonly program?: readonly string[];
}

/** All that a peer is opened with, as plain values: they go to other threads. */
export interface PeerRequest {
  /** The store's name, with its parameters. */
  readonly name: string;
  readonly storeDirectory: string;
  readonly environment: SshEnvironment;
  readonly options?: WorkerOptions;
  readonly timeoutSeconds?: number;
  /** Of binary caches. */
  readonly transport?: TransportSettings;
  readonly secretKeyFiles?: readonly string[];
  /** Where what caches said is remembered, and how long. */
  readonly memory?: { readonly file: string } & LookupTimes;
}

/** What is not a plain value. */
export interface PeerExtras {
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** Opens any store but one of ours. Throws BAD_STORE_URL. */
export function openPeer(request: PeerRequest, { progress, signal }: PeerExtras = {}): AblePeer & (BuildPeer | CachePeer) {
  const { name, storeDirectory, transport, memory } = request;
  if (parseStoreReference(name).kind !== 'cache') {
    return openBuildPeer(name, { ...request, ...(progress === undefined ? {} : { progress }) });
  }
  return new CachePeer(name, {
    storeDirectory, secretKeys: readSecretKeys(request.secretKeyFiles ?? []),
    ...(transport === undefined ? {} : { transport }), ...(signal === undefined ? {} : { signal }),
    ...(memory === undefined ? {} : { memory: new LookupMemory(memory.file, memory) }),
  });
}

const defaultSocket = '/nix/var/nix/daemon-socket/socket';

/** A daemon, a store behind ssh, or one of this machine. Throws BAD_STORE_URL for other kinds. */
export function openBuildPeer(text: string, options: PeerOptions): BuildPeer {
  const reference = parseStoreReference(text);
  if (reference.kind === 'ssh') return servePeer(reference, options);
  if (reference.kind === 'daemon' || reference.kind === 'ssh-ng') return openDaemonPeer(text, options);
  if (reference.kind === 'local' && options.program !== undefined) return servedPeer(text, options.program, options);
  throw badStoreUrl(text, 'it is not a store behind a connection');
}

/** A daemon of this machine or behind ssh. */
export function openDaemonPeer(text: string, options: PeerOptions): DaemonPeer {
  const reference = parseStoreReference(text);
  if (reference.kind !== 'daemon' && reference.kind !== 'ssh-ng') throw badStoreUrl(text, 'it has no daemon');
  const { environment } = options;
  const { name, parameters } = reference;
  return new DaemonPeer({
    name, storeDirectory: parameters.get('store') ?? options.storeDirectory ?? defaultStoreDirectory,
    connections: Number(parameters.get('max-connections')) || 4,
    connect: async () => {
      if (reference.kind === 'daemon') return openSocket(name, reference.socket ?? socketOf(environment));
      return openSsh(name, reference.host, commandOf(reference), parameters, environment);
    },
    ...(options.options === undefined ? {} : { options: options.options }),
    ...(options.progress === undefined ? {} : { progress: options.progress }),
    ...(options.handshakeSeconds === undefined ? {} : { handshakeSeconds: options.handshakeSeconds }),
  });
}

/**
 * The other end itself, for whoever speaks the same protocol already: `serve` is that of `ssh`
 * stores, `worker` that of daemons. Throws BAD_STORE_URL where the store speaks another.
 */
export async function openRelay(
  text: string, protocol: 'serve' | 'worker', environment: SshEnvironment,
): Promise<ByteChannel> {
  const reference = parseStoreReference(text);
  const { name } = reference;
  if (protocol === 'worker' && reference.kind === 'daemon') {
    return openSocket(name, reference.socket ?? socketOf(environment));
  }
  if ((reference.kind === 'ssh' && protocol === 'serve') || (reference.kind === 'ssh-ng' && protocol === 'worker')) {
    return openSsh(name, reference.host, commandOf(reference), reference.parameters, environment);
  }
  throw badStoreUrl(text, 'it cannot be passed on by this protocol');
}

/** What is started at the other end. */
function commandOf({ kind, parameters }: Extract<StoreReference, { kind: 'ssh' | 'ssh-ng' }>): string[] {
  return kind === 'ssh' ? [...programOf(parameters, 'nix-store'), '--serve', '--write', ...remoteStore(parameters)]
    : [...programOf(parameters, 'nix-daemon'), '--stdio', ...remoteStore(parameters)];
}

/** A store of this machine, served by a process of its own: it builds there as it would anywhere. */
function servedPeer(text: string, program: readonly string[], options: PeerOptions): DaemonPeer {
  const { environment, storeDirectory = defaultStoreDirectory, progress } = options;
  const name = text.replace(/\?.*/, '');
  return new DaemonPeer({
    name, storeDirectory,
    connect: async () => openProcess(name, [...program, 'nix-daemon', '--stdio', '--store', text], environment),
    ...(options.options === undefined ? {} : { options: options.options }),
    ...(progress === undefined ? {} : { progress }),
  });
}

function servePeer(
  reference: Extract<StoreReference, { kind: 'ssh' | 'ssh-ng' }>, options: PeerOptions,
): ServePeer {
  const { host, name, parameters } = reference;
  const { keepFailed, maxSilentSeconds } = options.options ?? {};
  return new ServePeer({
    name, storeDirectory: parameters.get('store') ?? options.storeDirectory ?? defaultStoreDirectory,
    connect: async () => openSsh(name, host, commandOf(reference), parameters, options.environment),
    ...(options.handshakeSeconds === undefined ? {} : { handshakeSeconds: options.handshakeSeconds }),
    ...(options.timeoutSeconds === undefined ? {} : { timeoutSeconds: options.timeoutSeconds }),
    ...(maxSilentSeconds === undefined ? {} : { maxSilentSeconds }),
    ...(keepFailed === undefined ? {} : { keepFailed }),
  });
}

function socketOf(environment: SshEnvironment): string {
  const state = environment['NIX_STATE_DIR'];
  return environment['NIX_DAEMON_SOCKET_PATH'] ?? (state === undefined ? defaultSocket : `${state}/daemon-socket/socket`);
}

/** The program at the other end, with its first arguments if it has some. */
function programOf(parameters: ReadonlyMap<string, string>, otherwise: string): string[] {
  return shellWords(parameters.get('remote-program') ?? otherwise);
}

function remoteStore(parameters: ReadonlyMap<string, string>): string[] {
  const store = parameters.get('remote-store') ?? '';
  return store === '' ? [] : ['--store', store];
}
