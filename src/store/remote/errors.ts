/** Errors of stores at the other end of a connection: each names the store, and what may help. */

import { UserError } from '#base';

/** A message of C++ Nix, which colours it for any reader. */
export function withoutColors(text: string): string {
  return text.replace(/\x1b\[[0-9;]*m/g, '');
}

export function badStoreUrl(url: string, reason: string): UserError {
  return new UserError('BAD_STORE_URL', `don't know how to open Nix store '${url}': ${reason}`, {
    hint: 'Stores are named by a folder, daemon, unix://SOCKET, ssh://HOST, ssh-ng://HOST, '
      + 'or the URL of a binary cache',
  });
}

export function cannotConnect(store: string, reason: string, cause?: unknown): UserError {
  const socket = store.startsWith('unix:') || store === 'daemon';
  return new UserError('STORE_UNREACHABLE', `cannot open connection to remote store '${store}': ${reason}`, {
    hint: socket ? 'Is the daemon running, and may you use its socket?'
      : 'Try the same host with ssh by hand: it must log in without a question and have Nix on its PATH',
    cause,
  });
}

export function protocolMismatch(store: string, wanted: string, got: string): UserError {
  const shown = got.trim();
  return new UserError(
    'PROTOCOL_MISMATCH',
    `'${wanted}' protocol mismatch from '${store}'${shown === '' ? '' : `, got '${shown}'`}`, {
      hint: `There must be ${wanted} at the other end, and nothing that prints before it, `
        + 'such as a greeting in .bashrc',
    });
}

export function peerTooOld(store: string, found: string, wanted: string): UserError {
  return new UserError(
    'PEER_TOO_OLD', `the Nix at '${store}' is too old: it speaks version ${found} of the protocol, not ${wanted}`, {
      hint: 'Upgrade the Nix at the other end of the connection',
    });
}

export function peerTooNew(store: string, found: string): UserError {
  return new UserError(
    'PEER_UNSUPPORTED', `the Nix at '${store}' speaks version ${found} of the protocol, which is not known`, {
      hint: 'Upgrade Firn, or use an older Nix at the other end of the connection',
    });
}

/** What arrives is not what the protocol says. */
export function connectionBroken(store: string, reason: string, said: string, cause?: unknown): UserError {
  const last = said.trim();
  return new UserError(
    'CONNECTION_BROKEN', `the connection to store '${store}' failed: ${reason}${last === '' ? '' : `\n${last}`}`, {
      hint: 'What was finished is kept: run the same command again; '
        + 'if it fails each time, look at the log of the other end',
      cause,
    });
}

export function handshakeTimedOut(store: string, seconds: number): UserError {
  return new UserError('STORE_UNREACHABLE', `store '${store}' did not answer within ${seconds} seconds`, {
    hint: 'Something takes connections there, but does not speak: is the daemon hung?',
  });
}

/** What the other end refused, in its own words. */
export function refusedByPeer(store: string, message: string, traces: readonly string[]): UserError {
  const text = withoutColors(message).replace(/^error:\s*/, '');
  const trace = traces.map((line) => `\n… ${withoutColors(line)}`).join('');
  return new UserError('REMOTE_ERROR', `${text}${trace}\n(said by store '${store}')`);
}

export function featureMissing(store: string, feature: string, purpose: string): UserError {
  return new UserError(
    'PEER_LACKS_FEATURE', `the Nix at '${store}' lacks the protocol feature '${feature}', which ${purpose} needs`, {
      hint: 'Upgrade the Nix at the other end of the connection',
    });
}

export function operationUnsupported(store: string, operation: string): UserError {
  return new UserError('UNSUPPORTED_BY_STORE', `operation '${operation}' is not supported by store '${store}'`);
}

export function remoteBuildFailed(store: string, path: string, status: string, message: string): UserError {
  return new UserError('REMOTE_BUILD_FAILED', `build of '${path}' on '${store}' failed: ${message || status}`);
}

export function pathNotAtPeer(store: string, path: string): UserError {
  return new UserError('PATH_NOT_VALID', `path '${path}' is not valid in store '${store}'`);
}

export function unsafeSshWord(what: string, word: string): UserError {
  return new UserError('BAD_STORE_URL', `the ${what} '${word}' of an ssh store may neither be empty nor begin with a dash`);
}

export function cannotListenOn(socket: string, cause: unknown): UserError {
  return new UserError('CANNOT_LISTEN', `cannot listen on '${socket}': ${(cause as Error).message}`, {
    hint: 'Is another daemon listening there, or the folder not yours?', cause,
  });
}

export function writingNotAllowed(action: string): UserError {
  return new UserError('WRITING_NOT_ALLOWED', `${action} is not allowed`, {
    hint: 'Serve the store with nix-store --serve --write',
  });
}

export function notPrivileged(action: string): UserError {
  return new UserError('NOT_PRIVILEGED', `you are not privileged to ${action}`);
}

export function lacksTrustedSignature(path: string): UserError {
  return new UserError(
    'LACKS_SIGNATURE', `cannot add path '${path}' because it lacks a signature by a trusted key`, {
      hint: "Add the signer's public key to trusted-public-keys, or copy with --no-check-sigs",
    });
}

export function malformedRealisation(text: string): UserError {
  return new UserError('CONNECTION_BROKEN', `the other end describes an output in an unknown form: ${text}`);
}

/** What a builder adds by `recursive-nix` would refer to a path that it does not see. */
export function referenceNotSeen(path: string): UserError {
  return new UserError('NOT_IN_INPUTS', `cannot add a reference to unknown path '${path}' in recursive Nix`, {
    hint: 'a builder sees its inputs, what it has added and what it has had built',
  });
}
