/**
 * HTTP downloads: to memory with a bound, or to a file that resumes, verified by SHA-256.
 *
 * Proxies come from the environment (`http_proxy`, `https_proxy`, `no_proxy`); TLS is always
 * verified, also when a hash follows. What is worth a second try (no connection, a server's own
 * trouble, an end too early) is tried again with growing pauses; the rest fails at once. A partial
 * file stays where it is: the next run asks for the rest of it only. *Invariant:* nothing reaches
 * the caller whose hash was not the one wanted, and nothing longer than announced is kept.
 */
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import type { Dispatcher } from 'undici';
import { UserError, type Activity } from '#base';
import {
  cacheNotWritable,
  certificatesUnreadable,
  downloadHashMismatch,
  downloadTooLarge,
  downloadTruncated,
  httpStatus,
  mirrorUnreachable,
} from './errors.ts';
import { copyLocalFile } from './local-file.ts';

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Advanced by the bytes that arrive. */
  readonly activity?: Activity | undefined;
  /** How often to try again after trouble that may pass. Default: 3. */
  readonly retries?: number | undefined;
  /** The first pause before trying again, doubled each time. Default: 300 ms. */
  readonly retryDelayMs?: number | undefined;
  /** How long to wait for the next byte. Default: 60 s. */
  readonly timeoutMs?: number | undefined;
  /** Sent to the host that is asked, not to those it leads to. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Certificates of the authorities that are trusted, instead of Node's own. */
  readonly certificatesFile?: string | undefined;
}

/** Sees every byte of the file in order; from the beginning again after each `restart`. */
export interface ByteObserver {
  restart(): void;
  update(bytes: Uint8Array): void;
}

/** What a file must be: checked before anybody sees it. */
export interface ExpectedFile {
  /** In hexadecimal; undefined when the caller checks in another way. */
  readonly sha256?: string | undefined;
  readonly sizeBytes?: number | undefined;
  /** Told the content on the way, so that it need not be read again. */
  readonly observer?: ByteObserver | undefined;
}

/** The whole body at `url`. Throws `UserError`; HTTP_STATUS for anything but 200. */
export async function downloadBytes(
  url: string,
  limitBytes: number,
  options: DownloadOptions = {},
): Promise<Uint8Array> {
  return withRetries(url, options, async () => {
    const response = await open200(url, {}, options);
    return readAll(url, response, limitBytes, options);
  });
}

async function readAll(
  url: string,
  response: Dispatcher.ResponseData,
  limitBytes: number,
  options: DownloadOptions,
): Promise<Uint8Array> {
  const wanted = contentLength(response);
  if (wanted !== undefined && wanted > limitBytes) {
    response.body.destroy();
    throw downloadTooLarge(url, limitBytes);
  }
  const chunks: Uint8Array[] = [];
  let received = 0;
  for await (const chunk of bodyChunks(url, response, options)) {
    received += chunk.length;
    if (received > limitBytes) throw downloadTooLarge(url, limitBytes);
    options.activity?.advance(chunk.length);
    chunks.push(chunk);
  }
  if (wanted !== undefined && received < wanted) throw downloadTruncated(url, wanted, received);
  return Buffer.concat(chunks);
}

/** What a server sent, or that what is known is still current. */
export interface Page {
  /** Undefined if the entity tag that was given still holds. */
  readonly bytes: Uint8Array | undefined;
  /** Empty if the server names none. */
  readonly entityTag: string;
  /** The addresses that led to it, from the one that was asked for to the one that answered. */
  readonly urls: readonly string[];
  /** Values of the header `link`. */
  readonly links: readonly string[];
}

export interface PageRequest {
  readonly headers?: Readonly<Record<string, string>>;
  /** Of what is known already. */
  readonly entityTag?: string | undefined;
  /** Is sent: the page is the answer to it. */
  readonly body?: Uint8Array | undefined;
}

/** The body at `url` with what the server says of it. Credentials stay with the host they are for. */
export async function downloadPage(
  url: string,
  limitBytes: number,
  page: PageRequest,
  options: DownloadOptions = {},
): Promise<Page> {
  return withRetries(url, options, async () => {
    const known = page.entityTag === undefined || page.entityTag === '' ? {} : { 'if-none-match': page.entityTag };
    const urls: string[] = [];
    const response = await open200(url, { ...page.headers, ...known }, options, urls, page.body);
    const { etag = '', link = [] } = response.headers;
    const about = {
      entityTag: String(etag), urls, links: typeof link === 'string' ? [link] : link,
    };
    if (response.statusCode === 304) {
      response.body.on('error', () => {});
      response.body.destroy();
      return { bytes: undefined, ...about };
    }
    return { bytes: await readAll(url, response, limitBytes, options), ...about };
  });
}

/**
 * Downloads `url` to the file `partial`, going on where an earlier try stopped. When it returns, the
 * file is complete, synced, and has the hash and size expected. Throws `UserError`: HASH_MISMATCH
 * (the file is removed), DOWNLOAD_TRUNCATED (it stays), MIRROR_UNREACHABLE, HTTP_STATUS.
 */
export async function downloadFile(
  url: string,
  partial: string,
  expected: ExpectedFile,
  options: DownloadOptions = {},
): Promise<void> {
  try {
    await mkdir(dirname(partial), { recursive: true });
  } catch (error) {
    throw cacheNotWritable(dirname(partial), error);
  }
  if (url.startsWith('file:')) return copyLocalFile(url, partial, expected);
  const resumed = (await fileSize(partial)) > 0;
  try {
    await withRetries(url, options, () => downloadOnce(url, partial, expected, options));
  } catch (error) {
    // A stale partial file spoils a good download: once more, from nothing.
    if (!resumed || !(error instanceof UserError) || error.code !== 'HASH_MISMATCH') throw error;
    await withRetries(url, options, () => downloadOnce(url, partial, expected, options));
  }
}

async function downloadOnce(
  url: string,
  partial: string,
  expected: ExpectedFile,
  options: DownloadOptions,
): Promise<void> {
  let have = await fileSize(partial);
  const wholeSize = expected.sizeBytes;
  if (wholeSize !== undefined && have > wholeSize) have = 0;
  const { observer } = expected;
  let hash = createHash('sha256');
  const observe = (bytes: Uint8Array): void => {
    hash.update(bytes);
    observer?.update(bytes);
  };
  observer?.restart();
  if (have > 0) await readStart(partial, have, observe);
  if (wholeSize === undefined || have < wholeSize || have === 0) {
    const response = await open200(url, have > 0 ? { range: `bytes=${have}-` } : {}, options);
    const start = response.statusCode === 206 ? rangeStart(response) : 0;
    if (start !== have) {
      // The server does not resume: it sends everything.
      have = 0;
      hash = createHash('sha256');
      observer?.restart();
      if (start !== 0) {
        response.body.destroy();
        throw mirrorUnreachable(url, `the server sent bytes from ${start} on, which were not asked for`);
      }
    }
    const length = contentLength(response);
    const wanted = wholeSize ?? (length === undefined ? undefined : have + length);
    const received = await appendBody(url, partial, have, response, observe, wanted, options);
    if (wanted !== undefined && received < wanted) throw downloadTruncated(url, wanted, received);
  }
  if (expected.sha256 === undefined) return;
  const found = hash.digest('hex');
  if (found !== expected.sha256) {
    await rm(partial, { force: true });
    throw downloadHashMismatch(url, expected.sha256, found);
  }
}

async function appendBody(
  url: string,
  partial: string,
  start: number,
  response: Dispatcher.ResponseData,
  observe: (bytes: Uint8Array) => void,
  limitBytes: number | undefined,
  options: DownloadOptions,
): Promise<number> {
  let position = start;
  const file = await open(partial, start > 0 ? 'r+' : 'w', 0o600).catch((error: unknown) => {
    response.body.destroy();
    throw cacheNotWritable(partial, error);
  });
  try {
    if (start > 0) options.activity?.advance(start);
    for await (const chunk of bodyChunks(url, response, options)) {
      if (limitBytes !== undefined && position + chunk.length > limitBytes) {
        throw downloadTooLarge(url, limitBytes);
      }
      observe(chunk);
      await file.write(chunk, 0, chunk.length, position).catch((error: unknown) => {
        throw cacheNotWritable(partial, error);
      });
      position += chunk.length;
      options.activity?.advance(chunk.length);
    }
    await file.truncate(position);
  } finally {
    await file.close();
  }
  return position;
}

async function* bodyChunks(
  url: string,
  response: Dispatcher.ResponseData,
  options: DownloadOptions,
): AsyncGenerator<Uint8Array> {
  const iterator = response.body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await iterator.next().catch((error: unknown) => {
        options.signal?.throwIfAborted();
        throw transient(mirrorUnreachable(url, describe(error), error));
      });
      if (next.done) return;
      yield next.value as Uint8Array;
    }
  } finally {
    response.body.destroy();
  }
}

/** `urls` gets each address that is asked. */
async function open200(
  url: string,
  headers: Record<string, string>,
  options: DownloadOptions,
  urls: string[] = [],
  body?: Uint8Array,
): Promise<Dispatcher.ResponseData> {
  // Loaded by the first download: most runs do without.
  const { request, EnvHttpProxyAgent } = await import('undici');
  let target = url;
  for (let redirects = 0; ; redirects++) {
    urls.push(target);
    const isSameHost = new URL(target).origin === new URL(url).origin;
    const response = await request(target, {
      ...(body === undefined ? {} : { method: 'POST', body }),
      headers: {
        'user-agent': 'firn', 'accept-encoding': 'identity',
        ...(isSameHost ? { ...options.headers, ...headers } : withoutCredentials({ ...options.headers, ...headers })),
      },
      dispatcher: agent(EnvHttpProxyAgent, options.certificatesFile),
      headersTimeout: options.timeoutMs ?? 60_000,
      bodyTimeout: options.timeoutMs ?? 60_000,
      highWaterMark: aheadBytes,
      ...(options.signal ? { signal: options.signal } : {}),
    }).catch((error: unknown) => {
      options.signal?.throwIfAborted();
      throw transient(mirrorUnreachable(target, describe(error), error));
    });
    const status = response.statusCode;
    if (status === 200 || (status === 206 && headers['range'] !== undefined)) return response;
    if (status === 304 && headers['if-none-match'] !== undefined) return response;
    response.body.on('error', () => {});
    response.body.destroy();
    const location = response.headers['location'];
    if (status >= 300 && status < 400 && typeof location === 'string' && redirects < 8) {
      const next = new URL(location, target);
      if (target.startsWith('https:') && next.protocol !== 'https:') {
        throw mirrorUnreachable(target, `it redirects to ${next.href}, away from TLS`);
      }
      target = next.href;
      continue;
    }
    // 416: the partial file is as long as the whole, or longer; it starts over.
    if (status === 416 && headers['range'] !== undefined) return open200(url, {}, options);
    const error = httpStatus(target, status);
    throw status >= 500 || status === 429 || status === 408 ? transient(error) : error;
  }
}

function withoutCredentials(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(?:authorization|private-token)$/i.test(name)));
}

// Errors that may pass are marked here rather than by code: HTTP_STATUS is only sometimes one.
const transientErrors = new WeakSet<Error>();

function transient<E extends Error>(error: E): E {
  transientErrors.add(error);
  return error;
}

async function withRetries<T>(
  url: string,
  options: DownloadOptions,
  attempt: () => Promise<T>,
): Promise<T> {
  const retries = options.retries ?? 3;
  for (let tries = 0; ; tries++) {
    options.signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      options.signal?.throwIfAborted();
      const mayPass =
        error instanceof UserError &&
        (transientErrors.has(error) || error.code === 'DOWNLOAD_TRUNCATED');
      if (!mayPass || tries >= retries || isHopeless(error)) throw error;
      await sleep((options.retryDelayMs ?? 300) * 2 ** tries, undefined, {
        ...(options.signal ? { signal: options.signal } : {}),
      });
    }
  }
}

/** Whether trying again at once is pointless: nobody listens there, or the name does not exist. */
function isHopeless(error: UserError): boolean {
  const code = (error.cause as { code?: string } | undefined)?.code;
  return code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'CERT_HAS_EXPIRED';
}

/**
 * How much of an answer may be ahead of its reader. The library fails an assertion when a server
 * closes the connection just as it has stopped reading, which servers of HTTP/1.0 do at the end of
 * each answer: so it is rarely made to stop.
 */
const aheadBytes = 1 << 26;
/** By the file of certificates. */
const agents = new Map<string | undefined, Dispatcher>();

function agent(
  Agent: typeof import('undici').EnvHttpProxyAgent, certificatesFile: string | undefined,
): Dispatcher {
  let found = agents.get(certificatesFile);
  if (found === undefined) {
    const trusted = certificatesFile === undefined ? {} : { secureContext: trustedBy(certificatesFile) };
    const connect = { timeout: 15_000, ...trusted };
    found = new Agent({ connections: 8, connect, requestTls: connect, proxyTls: connect });
    agents.set(certificatesFile, found);
  }
  return found;
}

function trustedBy(file: string): SecureContext {
  try {
    // What Node was told to trust beside (`NODE_EXTRA_CA_CERTS`) stays trusted.
    return createSecureContext({ ca: [readFileSync(file), ...getCACertificates('extra')] });
  } catch (error) {
    throw certificatesUnreadable(file, error);
  }
}

function contentLength(response: Dispatcher.ResponseData): number | undefined {
  const text = response.headers['content-length'];
  return typeof text === 'string' && /^\d+$/.test(text) ? Number(text) : undefined;
}

function rangeStart(response: Dispatcher.ResponseData): number {
  const text = response.headers['content-range'];
  const match = typeof text === 'string' ? /^bytes (\d+)-/.exec(text) : null;
  return match ? Number(match[1]) : -1;
}

async function readStart(
  path: string,
  length: number,
  observe: (bytes: Uint8Array) => void,
): Promise<void> {
  for await (const chunk of createReadStream(path, { end: length - 1, highWaterMark: 1 << 20 })) {
    observe(chunk as Uint8Array);
  }
}

async function fileSize(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}

const networkReasons: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the host name does not exist',
  EAI_AGAIN: 'the host name could not be looked up',
  ECONNRESET: 'the server closed the connection',
  UND_ERR_SOCKET: 'the server closed the connection',
  UND_ERR_CONNECT_TIMEOUT: 'no connection within 15 seconds',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_BODY_TIMEOUT: 'the download stalled',
};

function describe(error: unknown): string {
  const code = (error as { code?: string } | undefined)?.code;
  if (code !== undefined && networkReasons[code] !== undefined) return networkReasons[code];
  return error instanceof Error ? error.message : String(error);
}
