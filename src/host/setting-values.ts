/**
 * Values of settings: what a text means for a setting of its kind, in the one form in which it is
 * kept, shown and compared; refused in C++ Nix's words.
 */

import { invalidSetting } from './errors.ts';
import { experimentalFeatures, type SettingForm } from './setting-table.ts';

/** The value in its usual form: truth values and sizes spelled out, sets sorted. */
export function usualValue(form: SettingForm, text: string, warn: (text: string) => void): string {
  const { kind, name } = form;
  switch (kind) {
    case 'boolean':
      if (/^(?:true|yes|1)$/.test(text)) return 'true';
      if (/^(?:false|no|0)$/.test(text)) return 'false';
      throw invalidSetting(`Boolean setting '${name}' has invalid value '${text}'`);
    case 'number': return usualNumber(name, text);
    case 'jobs':
      if (text === 'auto' || /^[0-9]+$/.test(text)) return text;
      throw invalidSetting(`configuration setting '${name}' should be 'auto' or an integer`);
    case 'sandbox':
      if (/^(?:true|relaxed|false)$/.test(text)) return text;
      throw invalidSetting(`option '${name}' has invalid value '${text}'`);
    case 'diagnosis':
      if (/^(?:ignore|warn|fatal)$/.test(text)) return text;
      throw invalidSetting(
        `option '${name}' has invalid value '${text}' (expected 'ignore', 'warn', or 'fatal')`);
    case 'profiler':
      if (/^(?:disabled|flamegraph)$/.test(text)) return text;
      throw invalidSetting(`option '${name}' has invalid value '${text}'`);
    case 'path':
      if (text !== '') return text;
      throw invalidSetting(`setting '${name}' is a path and paths cannot be empty`);
    case 'features': return usualFeatures(text, warn);
    case 'list': case 'map': return words(text).join(' ');
    case 'set': return sortedWords(words(text));
    case 'text': return text;
  }
}

/** What was there and what is added. */
export function addedValue(form: SettingForm, before: string, added: string): string {
  const all = words(`${before} ${added}`);
  return form.kind === 'list' || form.kind === 'map' ? all.join(' ') : sortedWords(all);
}

const units: Readonly<Record<string, bigint>> = { '': 1n, k: 1n << 10n, m: 1n << 20n, g: 1n << 30n, t: 1n << 40n };
const largest = (1n << 64n) - 1n;

/** A number of bytes, seconds, …; it may end in a unit: `64K`, `2G`. */
function usualNumber(name: string, text: string): string {
  const [, digits, unit = ''] = /^([0-9]+)([kmgt]?)$/i.exec(text) ?? [];
  const value = digits === undefined ? -1n : BigInt(digits) * units[unit.toLowerCase()]!;
  if (value >= 0n && value <= largest) return String(value);
  throw invalidSetting(`setting '${name}' has invalid value '${text}'`);
}

/** Flakes are nothing without `fetchTree`. */
function usualFeatures(text: string, warn: (text: string) => void): string {
  const known = words(text).filter((feature) => {
    if (experimentalFeatures.has(feature)) return true;
    warn(feature === 'no-url-literals'
      ? `experimental feature '${feature}' has been stabilized and renamed; use 'lint-url-literals = fatal' setting instead`
      : `unknown experimental feature '${feature}'`);
    return false;
  });
  return sortedWords(known.includes('flakes') ? [...known, 'fetch-tree'] : known);
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

function sortedWords(all: readonly string[]): string {
  return [...new Set(all)].sort().join(' ');
}
