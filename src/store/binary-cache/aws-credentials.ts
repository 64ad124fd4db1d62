/**
 * Who we are for S3: keys from the environment, or a profile of ~/.aws/credentials.
 *
 * A profile that the cache's URL names comes first; then the environment; then the profile that
 * AWS_PROFILE names, or `default`. With none of them requests go unsigned, which public buckets
 * answer.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from './transport.ts';

export interface AwsCredentials {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Of temporary keys. */
  readonly sessionToken?: string;
}

export function findAwsCredentials(environment: Environment, profile: string | undefined): AwsCredentials | undefined {
  const { AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey, AWS_SESSION_TOKEN: token } = environment;
  if (profile === undefined && accessKey && secretKey) {
    return { accessKey, secretKey, ...(token ? { sessionToken: token } : {}) };
  }
  const file = environment['AWS_SHARED_CREDENTIALS_FILE'] || join(environment['HOME'] || '/', '.aws/credentials');
  return readProfile(file, profile ?? (environment['AWS_PROFILE'] || 'default'));
}

function readProfile(file: string, profile: string): AwsCredentials | undefined {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const values = new Map<string, string>();
  let section = '';
  for (const line of text.split('\n')) {
    const content = line.replace(/^\s*[#;].*/, '').trim();
    const head = /^\[\s*(.*?)\s*\]$/.exec(content);
    if (head !== null) section = head[1] as string;
    const entry = /^([^=\s]+)\s*=\s*(.*)$/.exec(content);
    if (entry !== null && section === profile) values.set((entry[1] as string).toLowerCase(), entry[2] as string);
  }
  const accessKey = values.get('aws_access_key_id');
  const secretKey = values.get('aws_secret_access_key');
  const sessionToken = values.get('aws_session_token');
  if (!accessKey || !secretKey) return undefined;
  return { accessKey, secretKey, ...(sessionToken ? { sessionToken } : {}) };
}
