/**
 * Where an S3 bucket is reached: `s3://BUCKET/PREFIX?region=…&endpoint=…` as an address of HTTP.
 *
 * Amazon's own buckets are host names, but for those with a dot, which no certificate covers; those
 * of other services are the first part of the path. `addressing-style` chooses otherwise.
 */

import { badCacheUrl } from './errors.ts';

export interface S3Location {
  readonly base: URL;
  readonly region: string;
  /** Of ~/.aws/credentials; undefined means the environment's, or `default`. */
  readonly profile: string | undefined;
}

const defaultRegion = 'us-east-1';

/** Throws BAD_CACHE_URL. */
export function parseS3Location(text: string, plain: string, parameters: URLSearchParams): S3Location {
  const match = /^s3:\/\/([a-z0-9][a-z0-9._-]{1,62})(\/[^?#]*)?$/.exec(plain);
  if (match === null) throw badCacheUrl(text, 'a bucket has 3 to 63 small letters, digits, dots and dashes');
  const [, bucket = '', prefix = ''] = match;
  const region = parameters.get('region') || defaultRegion;
  if (!/^[A-Za-z0-9-]+$/.test(region)) throw badCacheUrl(text, `'${region}' is not a region`);
  const scheme = parameters.get('scheme') || 'https';
  if (scheme !== 'https' && scheme !== 'http') throw badCacheUrl(text, `the scheme '${scheme}' is neither https nor http`);
  const style = parameters.get('addressing-style') || 'auto';
  if (!['auto', 'path', 'virtual'].includes(style)) throw badCacheUrl(text, `the addressing style '${style}' is not known`);
  const endpoint = parameters.get('endpoint') || '';
  let base: URL;
  try {
    base = new URL(endpoint === '' ? `${scheme}://s3.${region}.amazonaws.com`
      : endpoint.includes('://') ? endpoint : `${scheme}://${endpoint}`);
  } catch {
    throw badCacheUrl(text, `the endpoint '${endpoint}' is not an address`);
  }
  const asHost = style === 'virtual' || (style === 'auto' && endpoint === '' && !bucket.includes('.'));
  if (asHost) base.hostname = `${bucket}.${base.hostname}`;
  base.pathname = `${base.pathname.replace(/\/+$/, '')}${asHost ? '' : `/${bucket}`}${prefix.replace(/\/+$/, '')}/`;
  return { base, region, profile: parameters.get('profile') || undefined };
}
