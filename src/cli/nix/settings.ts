/** The settings in force for a command: its flags before the environment and nix.conf. */

import { readSettings, type NixSettings } from '#host';
import type { CommandContext } from '../context.ts';
import type { ParsedFlags } from './flags.ts';

export function settingsOf(flags: ParsedFlags, context: Pick<CommandContext, 'env'>): NixSettings {
  return readSettings({ environment: context.env, overrides: settingOverrides(flags) });
}

/** Settings from flags; the flags that are settings in other words among them. */
export function settingOverrides(flags: ParsedFlags): (readonly [string, string])[] {
  const overrides: (readonly [string, string])[] = [...flags.settings];
  const features = /[?&]system-features=([^&]*)/.exec(flags.last('--store') ?? '')?.[1];
  if (features !== undefined) overrides.push(['system-features', decodeURIComponent(features)]);
  if (flags.has('--show-trace')) overrides.push(['show-trace', 'true']);
  if (flags.has('--fallback')) overrides.push(['fallback', 'true']);
  if (flags.has('--impure')) overrides.push(['pure-eval', 'false']);
  if (flags.has('--keep-failed')) overrides.push(['keep-failed', 'true']);
  if (flags.has('--refresh')) {
    for (const name of ['tarball-ttl', ...['positive', 'negative', 'meta'].map((kind) => `narinfo-cache-${kind}-ttl`)]) {
      overrides.push([name, '0']);
    }
  }
  // What was downloaded before is believed for ever.
  if (flags.has('--offline')) {
    overrides.push(['tarball-ttl', '4294967295']);
    if (!flags.settings.some(([name]) => name === 'substitute')) overrides.push(['substitute', 'false']);
  }
  return overrides;
}
