/**
 * Reads a binary cache over HTTP.
 *
 * Proxies come from the environment, TLS is always verified, and a redirection never leaves it.
 * Passwords are looked up for each host anew, so that a redirection takes none with it. What may
 * pass (no connection, a server's own trouble, an end too early) is tried again with growing pauses
 * and some chance in them; a stream goes on at the byte where it broke off, if the server says that
 * the file is still the same.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { EnvHttpProxyAgent, request, type Dispatcher } from 'undici';
import { UserError } from '#base';
import {
  badNarInfoUrl, cacheFileChanged, cacheFileMissing, cacheFileTooLarge, cacheFileTruncated, cacheStatus, cacheUnreachable,
} from './errors.ts';
import { readNetrc, type CredentialsOf } from './netrc.ts';
import type { CacheTransport, ReadOptions, TransportSettings } from './transport.ts';

export class HttpTransport implements CacheTransport {
  readonly #base: URL;
  readonly #settings: TransportSettings;
  readonly #credentialsOf: CredentialsOf;
  readonly #agent: Dispatcher;

  constructor(base: URL, settings: TransportSettings) {
    this.#base = base;
    this.#settings = settings;
    this.#credentialsOf = readNetrc(settings.netrcFile);
    this.#agent = new EnvHttpProxyAgent({
      connections: settings.connections ?? 25, connect: { timeout: settings.connectTimeoutMilliseconds ?? 15_000 },
    });
  }

  async read(name: string, limitBytes: number, options: ReadOptions = {}): Promise<Uint8Array | undefined> {
    const pieces: Uint8Array[] = [];
    try {
      for await (const piece of this.stream(name, limitBytes, options)) pieces.push(piece);
    } catch (error) {
      if (error instanceof UserError && error.code === 'CACHE_FILE_MISSING') return undefined;
      throw error;
    }
    return Buffer.concat(pieces);
  }

  async *stream(name: string, limitBytes: number, options: ReadOptions = {}): AsyncGenerator<Uint8Array, void, void> {
    const url = this.#urlOf(name);
    const place: Place = { received: 0, total: undefined, tag: undefined };
    for (let failures = 0; ;) {
      const before = place.received;
      try {
        const { response, skip } = await this.#open(url, place, limitBytes, options);
        for await (const piece of bodyOf(url.href, response, skip, options)) {
          place.received += piece.length;
          if (place.received > limitBytes) throw cacheFileTooLarge(shown(url), limitBytes);
          yield piece;
        }
        if (place.total !== undefined && place.received < place.total) {
          throw passing(cacheFileTruncated(shown(url), place.total, place.received));
        }
        return;
      } catch (error) {
        options.signal?.throwIfAborted();
        if (!mayPass.has(error as Error)) throw error;
        // A try that brought something counts as the first.
        failures = place.received > before ? 1 : failures + 1;
        if (failures >= (this.#settings.attempts ?? 5)) throw error;
        const pause = (this.#settings.retryDelayMilliseconds ?? 250) * 2 ** (failures - 1);
        await sleep(pause * (0.75 + Math.random() / 2), undefined, options.signal ? { signal: options.signal } : {});
      }
    }
  }

  /** A narinfo file names files of its cache, or of another HTTP server. */
  #urlOf(name: string): URL {
    const absolute = /^https?:\/\//.test(name);
    if (!absolute && (/^\/|\0|:\/\//.test(name) || name.split(/[/?#]/).includes('..'))) throw badNarInfoUrl(name);
    const url = new URL(absolute ? name : `${this.#base.href.replace(/\/+$/, '')}/${name}`);
    if (this.#base.protocol === 'https:' && url.protocol !== 'https:') throw badNarInfoUrl(name);
    return url;
  }

  /** The answer, and how many of its bytes the reader has already. */
  async #open(
    url: URL, place: Place, limitBytes: number, options: ReadOptions,
  ): Promise<{ response: Dispatcher.ResponseData; skip: number }> {
    const resuming = place.received > 0;
    const response = await this.#request(url, {
      ...(resuming ? { range: `bytes=${place.received}-` } : {}),
      ...(resuming && place.tag !== undefined ? { 'if-range': place.tag } : {}),
    }, options);
    const status = response.statusCode;
    const fail = (error: UserError): never => {
      discard(response);
      throw error;
    };
    // Storage services say 403 of what is not there.
    if ([403, 404, 410].includes(status)) fail(cacheFileMissing(shown(url)));
    if (status !== 200 && !(status === 206 && resuming)) {
      const error = cacheStatus(shown(url), status);
      fail(status >= 500 || status === 429 || status === 408 ? passing(error) : error);
    }
    const length = numberOf(response.headers['content-length']);
    if (!resuming) {
      place.tag = strongTag(response);
      place.total = length;
    } else if (strongTag(response) !== place.tag || (status === 206 && rangeStart(response) !== place.received)) {
      // What has been handed on cannot be taken back.
      fail(cacheFileChanged(shown(url)));
    }
    if (place.total !== undefined && place.total > limitBytes) fail(cacheFileTooLarge(shown(url), limitBytes));
    // A server that does not resume sends everything again.
    return { response, skip: resuming && status === 200 ? place.received : 0 };
  }

  async #request(
    start: URL, headers: Record<string, string>, options: ReadOptions,
  ): Promise<Dispatcher.ResponseData> {
    let url = start;
    for (let redirects = 0; ; redirects++) {
      const { stallTimeoutMilliseconds: stall = 300_000 } = this.#settings;
      const response = await request(withoutPassword(url), {
        headers: { 'user-agent': 'firn', 'accept-encoding': 'identity', ...this.#authorization(url), ...headers },
        dispatcher: this.#agent, headersTimeout: stall, bodyTimeout: stall, highWaterMark: aheadBytes,
        ...(options.signal ? { signal: options.signal } : {}),
      }).catch((error: unknown) => {
        options.signal?.throwIfAborted();
        throw unreachable(url.href, error);
      });
      const location = response.headers['location'];
      if (response.statusCode < 300 || response.statusCode >= 400 || typeof location !== 'string') return response;
      discard(response);
      const next = new URL(location, url);
      if (!/^https?:$/.test(next.protocol) || (url.protocol === 'https:' && next.protocol !== 'https:')) {
        throw cacheUnreachable(shown(url), `it redirects to ${shown(next)}, away from TLS`);
      }
      if (redirects >= maximumRedirects) throw cacheUnreachable(shown(url), 'it redirects too often');
      url = next;
    }
  }

  #authorization(url: URL): Record<string, string> {
    const own = url.username !== '' ? url : url.host === this.#base.host ? this.#base : undefined;
    const found = own !== undefined && own.username !== ''
      ? { login: decodeURIComponent(own.username), password: decodeURIComponent(own.password) }
      : this.#credentialsOf(url.hostname);
    if (found === undefined) return {};
    return { authorization: `Basic ${Buffer.from(`${found.login}:${found.password}`).toString('base64')}` };
  }
}

/** How far a stream has come, over all its connections. */
interface Place {
  received: number;
  total: number | undefined;
  tag: string | undefined;
}

const maximumRedirects = 8;
/**
 * How much of an answer may be ahead of its reader. The library fails an assertion when a server
 * closes the connection just as it has stopped reading, which servers of HTTP/1.0 do at the end of
 * each answer: so it is rarely made to stop.
 */
const aheadBytes = 1 << 27;

// Marked here rather than by code: a status is only sometimes worth another try.
const mayPass = new WeakSet<Error>();

function passing<E extends Error>(error: E): E {
  mayPass.add(error);
  return error;
}

async function* bodyOf(
  url: string, response: Dispatcher.ResponseData, skip: number, options: ReadOptions,
): AsyncGenerator<Uint8Array, void, void> {
  let left = skip;
  const pieces = response.body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await pieces.next().catch((error: unknown) => {
        options.signal?.throwIfAborted();
        throw unreachable(url, error);
      });
      if (next.done === true) return;
      const piece = next.value as Uint8Array;
      if (piece.length > left) yield piece.subarray(left);
      left = Math.max(0, left - piece.length);
    }
  } finally {
    discard(response);
  }
}

function discard(response: Dispatcher.ResponseData): void {
  response.body.on('error', () => {});
  response.body.destroy();
}

function unreachable(url: string, error: unknown): UserError {
  const code = (error as { code?: string } | undefined)?.code ?? '';
  const reason = reasons[code] ?? (error instanceof Error ? error.message : String(error));
  const failure = cacheUnreachable(shown(new URL(url)), reason, error);
  // Nobody listens there, or the name does not exist: that does not pass in a second.
  return ['ECONNREFUSED', 'ENOTFOUND', 'CERT_HAS_EXPIRED'].includes(code) ? failure : passing(failure);
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the host name does not exist',
  EAI_AGAIN: 'the host name could not be looked up',
  ECONNRESET: 'the server closed the connection',
  UND_ERR_SOCKET: 'the server closed the connection',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_BODY_TIMEOUT: 'the download stalled',
};

function strongTag(response: Dispatcher.ResponseData): string | undefined {
  const tag = response.headers['etag'];
  return typeof tag === 'string' && tag.startsWith('"') ? tag : undefined;
}

function numberOf(text: string | string[] | undefined): number | undefined {
  return typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function rangeStart(response: Dispatcher.ResponseData): number {
  const text = response.headers['content-range'];
  const match = typeof text === 'string' ? /^bytes (\d+)-/.exec(text) : null;
  return match === null ? -1 : Number(match[1]);
}

function withoutPassword(url: URL): URL {
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  return plain;
}

/** For messages. */
function shown(url: URL): string {
  return withoutPassword(url).href;
}
