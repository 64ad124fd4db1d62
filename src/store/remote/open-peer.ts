/** Opens the store that a name means, as a peer. Connections are made at the first question. */

import type { Progress } from '#base';
import { defaultStoreDirectory } from '#formats';
import { DaemonPeer } from './daemon-peer.ts';
import { openSocket } from './channel.ts';
import { badStoreUrl } from './errors.ts';
import type { BuildPeer } from './peer.ts';
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
}

const defaultSocket = '/nix/var/nix/daemon-socket/socket';

/** A daemon, or a store behind ssh. Throws BAD_STORE_URL for other kinds. */
export function openBuildPeer(text: string, options: PeerOptions): BuildPeer {
  const reference = parseStoreReference(text);
  if (reference.kind === 'ssh') return servePeer(reference, options);
  if (reference.kind === 'daemon' || reference.kind === 'ssh-ng') return openDaemonPeer(text, options);
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
      const command = programOf(parameters, 'nix-daemon');
      return openSsh(name, reference.host, [...command, '--stdio', ...remoteStore(parameters)], parameters, environment);
    },
    ...(options.options === undefined ? {} : { options: options.options }),
    ...(options.progress === undefined ? {} : { progress: options.progress }),
    ...(options.handshakeSeconds === undefined ? {} : { handshakeSeconds: options.handshakeSeconds }),
  });
}

function servePeer(
  { host, name, parameters }: Extract<StoreReference, { kind: 'ssh' | 'ssh-ng' }>, options: PeerOptions,
): ServePeer {
  const command = programOf(parameters, 'nix-store');
  const { keepFailed, maxSilentSeconds } = options.options ?? {};
  return new ServePeer({
    name, storeDirectory: parameters.get('store') ?? options.storeDirectory ?? defaultStoreDirectory,
    connect: async () => openSsh(
      name, host, [...command, '--serve', '--write', ...remoteStore(parameters)], parameters, options.environment),
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
