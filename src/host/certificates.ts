/** The file of certificates that servers must have theirs from, as C++ Nix finds it. */

import { existsSync } from 'node:fs';
import type { Environment, NixSettings } from './settings.ts';

/** Undefined where the machine has none, or the setting is empty: Node's own are believed then. */
export function certificatesFile(settings: NixSettings, environment: Environment): string | undefined {
  const named = settings.text('ssl-cert-file');
  if (named !== undefined) return named || undefined;
  return environment['NIX_SSL_CERT_FILE'] || environment['SSL_CERT_FILE']
    || usualFiles.find((file) => existsSync(file));
}

const usualFiles: readonly string[] = [
  '/etc/ssl/certs/ca-certificates.crt', '/nix/var/nix/profiles/default/etc/ssl/certs/ca-bundle.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
];
