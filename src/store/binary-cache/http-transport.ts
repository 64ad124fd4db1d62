/**
 * Reads and writes a binary cache over HTTP, S3's among them.
 *
 * Proxies come from the environment, TLS is always verified, and a redirection never leaves it.
 * Passwords are looked up for each host anew, so that a redirection takes none with it. What may
 * pass (no connection, a server's own trouble, an end too early) is tried again with growing pauses
 * and some chance in them (`retry-pause.ts`); a stream goes on at the byte where it broke off, if the
 * server says that the file is still the same.
 */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvHttpProxyAgent, request, type Dispatcher } from 'undici';
import { UserError } from '#base';
import {
  badNarInfoUrl, cacheFileChanged, cacheFileMissing, cacheFileTooLarge, cacheFileTruncated, cacheStatus, cacheUnreachable,
  uploadFailed,
} from './errors.ts';
import { findAwsCredentials, type AwsCredentials } from './aws-credentials.ts';
import { awsSignature, emptyBodyHash } from './aws-signature.ts';
import { readNetrc, type CredentialsOf } from './netrc.ts';
import { pauseBefore, retryAfterOf, type Trouble } from './retry-pause.ts';
import type { S3Location } from './s3-location.ts';
import { tlsOptions } from './tls-options.ts';
import type { ReadOptions, TransportSettings, WritableTransport, WrittenFile } from './transport.ts';

export class HttpTransport implements WritableTransport {
  readonly #base: URL;
  readonly #settings: TransportSettings;
  readonly #credentialsOf: CredentialsOf;
  readonly #agent: Dispatcher;
  readonly #s3: { readonly region: string; readonly credentials: AwsCredentials } | undefined;
  #staging: Promise<string> | undefined;
  /** A server that was there may be so again. */
  #answered = false;

  constructor(base: URL, settings: TransportSettings, s3?: S3Location) {
    this.#base = base;
    const credentials = s3 === undefined ? undefined : findAwsCredentials(settings.environment ?? {}, s3.profile);
    this.#s3 = s3 === undefined || credentials === undefined ? undefined : { region: s3.region, credentials };
    this.#settings = settings;
    this.#credentialsOf = readNetrc(settings.netrcFile);
    const tls = tlsOptions(settings.certificatesFile);
    const connect = { timeout: settings.connectTimeoutMilliseconds ?? 15_000, ...tls };
    this.#agent = new EnvHttpProxyAgent({
      connections: settings.connections ?? 25, connect, requestTls: connect, proxyTls: connect,
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
        for await (const piece of this.#bodyOf(url.href, response, skip, options)) {
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
        await this.#pauseAfter(failures, error as UserError, options);
      }
    }
  }

  stagingFolder(): Promise<string> {
    return this.#staging ??= mkdtemp(join(tmpdir(), 'firn-upload-'));
  }

  async exists(name: string, options: ReadOptions = {}): Promise<boolean> {
    const url = this.#urlOf(name);
    return this.#retrying(options, async () => {
      const response = await this.#request(url, {}, options, { method: 'HEAD' });
      discard(response);
      if (response.statusCode >= 200 && response.statusCode < 300) return true;
      if ([403, 404, 410].includes(response.statusCode)) return false;
      throw statusError(cacheStatus(shown(url), response.statusCode), response);
    });
  }

  async write({ name, type, content }: WrittenFile, options: ReadOptions = {}): Promise<void> {
    const url = this.#urlOf(name);
    try {
      await this.#retrying(options, async () => {
        const upload = await this.#uploadOf(content);
        const response = await this.#request(url, {
          'content-type': type, 'content-length': String(upload.sizeBytes),
        }, options, { method: 'PUT', ...upload });
        const { statusCode } = response;
        discard(response);
        if (statusCode >= 200 && statusCode < 300) return;
        throw statusError(uploadFailed(shown(url), `HTTP error ${statusCode}`), response);
      });
    } finally {
      if ('staged' in content) await rm(content.staged, { force: true });
    }
  }

  async close(): Promise<void> {
    if (this.#staging !== undefined) await rm(await this.#staging, { recursive: true, force: true });
  }

  /** The body anew for each try. */
  async #uploadOf(content: WrittenFile['content']): Promise<Upload & { readonly sizeBytes: number }> {
    const signed = this.#s3 !== undefined;
    if (!('staged' in content)) {
      return {
        body: Buffer.from(content), sizeBytes: content.length,
        ...(signed ? { bodyHash: createHash('sha256').update(content).digest('hex') } : {}),
      };
    }
    const { staged } = content;
    let bodyHash: string | undefined;
    if (signed) {
      const hash = createHash('sha256');
      for await (const piece of createReadStream(staged)) hash.update(piece as Uint8Array);
      bodyHash = hash.digest('hex');
    }
    return {
      body: createReadStream(staged), sizeBytes: (await stat(staged)).size,
      ...(bodyHash === undefined ? {} : { bodyHash }),
    };
  }

  /** Tries again what may pass. */
  async #retrying<T>(options: ReadOptions, action: () => Promise<T>): Promise<T> {
    for (let failures = 1; ; failures++) {
      try {
        return await action();
      } catch (error) {
        options.signal?.throwIfAborted();
        if (!mayPass.has(error as Error)) throw error;
        await this.#pauseAfter(failures, error as UserError, options);
      }
    }
  }

  /** Waits before the next try; throws the error again if there is none. */
  async #pauseAfter(failures: number, error: UserError, { signal }: ReadOptions): Promise<void> {
    const { attempts = 5, tell } = this.#settings;
    const pause = failures >= attempts ? undefined : pauseBefore(failures, mayPass.get(error) ?? {}, this.#settings);
    if (pause === undefined) throw error;
    tell?.(`${error.message}; retrying in ${pause} ms (attempt ${failures}/${attempts})`);
    await sleep(pause, undefined, signal ? { signal } : {});
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
      fail(statusError(cacheStatus(shown(url), status), response));
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
    start: URL, headers: Record<string, string>, options: ReadOptions, upload: Upload = {},
  ): Promise<Dispatcher.ResponseData> {
    const { method = 'GET', body, bodyHash = emptyBodyHash } = upload;
    let url = start;
    for (let redirects = 0; ; redirects++) {
      const { stallTimeoutMilliseconds: stall = 300_000 } = this.#settings;
      const response = await request(withoutPassword(url), {
        method, body: body ?? null,
        headers: {
          'user-agent': 'firn', 'accept-encoding': 'identity', ...this.#authorization(url, method, bodyHash), ...headers,
        },
        dispatcher: this.#agent, headersTimeout: stall, bodyTimeout: stall, highWaterMark: aheadBytes,
        ...(options.signal ? { signal: options.signal } : {}),
      }).catch((error: unknown) => {
        options.signal?.throwIfAborted();
        throw this.#unreachable(url.href, error);
      });
      this.#answered = true;
      // A body is not sent a second time to a place that nobody named.
      if (body !== undefined) return response;
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

  async *#bodyOf(
    url: string, response: Dispatcher.ResponseData, skip: number, options: ReadOptions,
  ): AsyncGenerator<Uint8Array, void, void> {
    let left = skip;
    const pieces = response.body[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await pieces.next().catch((error: unknown) => {
          options.signal?.throwIfAborted();
          throw this.#unreachable(url, error);
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

  #unreachable(url: string, error: unknown): UserError {
    const code = (error as { code?: string } | undefined)?.code ?? '';
    const reason = reasons[code] ?? (error instanceof Error ? error.message : String(error));
    const failure = cacheUnreachable(shown(new URL(url)), reason, error);
    return hopeless.has(code) || (code === 'ECONNREFUSED' && !this.#answered) ? failure : passing(failure);
  }

  #authorization(url: URL, method: string, bodyHash: string): Record<string, string> {
    if (this.#s3 !== undefined && url.host === this.#base.host) {
      return awsSignature({ method, url: withoutPassword(url), bodyHash }, this.#s3.region, this.#s3.credentials);
    }
    const own = url.username !== '' ? url : url.host === this.#base.host ? this.#base : undefined;
    const found = own !== undefined && own.username !== ''
      ? { login: decodeURIComponent(own.username), password: decodeURIComponent(own.password) }
      : this.#credentialsOf(url.hostname);
    if (found === undefined) return {};
    return { authorization: `Basic ${Buffer.from(`${found.login}:${found.password}`).toString('base64')}` };
  }
}

/** A request that is more than a question. */
interface Upload {
  readonly method?: 'GET' | 'HEAD' | 'PUT';
  readonly body?: NonNullable<Dispatcher.RequestOptions['body']>;
  /** SHA-256 in hexadecimal, where it is to be signed. */
  readonly bodyHash?: string;
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
const mayPass = new WeakMap<Error, Trouble>();

function statusError<E extends Error>(error: E, { statusCode: status, headers }: Dispatcher.ResponseData): E {
  if (status < 500 && status !== 429 && status !== 408) return error;
  return passing(error, {
    busy: status === 429 || status === 503, retryAfterMilliseconds: retryAfterOf(headers['retry-after'], Date.now()),
  });
}

function passing<E extends Error>(error: E, trouble: Trouble = {}): E {
  mayPass.set(error, trouble);
  return error;
}

function discard(response: Dispatcher.ResponseData): void {
  response.body.on('error', () => {});
  response.body.destroy();
}

/** What does not pass in a second: no such name, no certificate to believe. */
const hopeless: ReadonlySet<string> = new Set([
  'ENOTFOUND', 'CERT_HAS_EXPIRED', 'SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_GET_ISSUER_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

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
