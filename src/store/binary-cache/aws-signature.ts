/**
 * Signs requests to S3: "Signature Version 4" of Amazon's documentation.
 *
 * What is signed is the request in a form that both ends write alike: method, path, query, headers
 * by name, and the hash of the body. The key is derived from the day, the region and the service.
 */

import { createHash, createHmac } from 'node:crypto';
import type { AwsCredentials } from './aws-credentials.ts';

export interface SignedRequest {
  readonly method: string;
  readonly url: URL;
  /** SHA-256 of the body, in hexadecimal. */
  readonly bodyHash: string;
}

/** The SHA-256 of no bytes. */
export const emptyBodyHash = createHash('sha256').digest('hex');

/** The headers that make the request ours. */
export function awsSignature(
  { method, url, bodyHash }: SignedRequest, region: string, credentials: AwsCredentials, now: Date = new Date(),
): Record<string, string> {
  const time = now.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const day = time.slice(0, 8);
  const headers: Record<string, string> = {
    host: url.host, 'x-amz-content-sha256': bodyHash, 'x-amz-date': time,
    ...(credentials.sessionToken === undefined ? {} : { 'x-amz-security-token': credentials.sessionToken }),
  };
  const names = Object.keys(headers).sort();
  const canonical = [
    method, canonicalPath(url.pathname), canonicalQuery(url.searchParams),
    ...names.map((name) => `${name}:${headers[name]}`), '', names.join(';'), bodyHash,
  ].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
  let key = Buffer.from(`AWS4${credentials.secretKey}`);
  for (const part of [day, region, 's3', 'aws4_request']) key = createHmac('sha256', key).update(part).digest();
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  const { host: _, ...sent } = headers;
  return {
    ...sent,
    authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKey}/${scope}, `
      + `SignedHeaders=${names.join(';')}, Signature=${signature}`,
  };
}

/** Each part of the path encoded once, the slashes kept. */
function canonicalPath(path: string): string {
  return path.split('/').map((part) => encode(decodeURIComponent(part))).join('/');
}

function canonicalQuery(parameters: URLSearchParams): string {
  return [...parameters].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort().join('&');
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`);
}
