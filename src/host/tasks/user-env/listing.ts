/** Packages in the three forms in which `nix-env --query` lists them: a table, XML and JSON. */

import {
  Attrs, compareVersions, ContextCollector, force, formatAttributes, formatFloatShort, NixFloat, parseDrvName,
  quoteJson, valueToJson, type EvalServices, type Value,
} from '#runtime';
import { textOf, type PackageInfo } from './package-info.ts';
import type { ShownColumns } from './query.ts';

export interface ListingContext {
  readonly shown: ShownColumns;
  /** What versions are compared with: the installed ones for available ones, and the reverse. */
  readonly others: readonly PackageInfo[];
  /** Output paths. */
  readonly installed: ReadonlySet<string>;
  readonly valid: ReadonlySet<string>;
  readonly substitutable: ReadonlySet<string>;
  readonly color: boolean;
  /** Says that a part of a package cannot be shown. */
  complain(text: string): void;
}

export function packageColumns(info: PackageInfo, context: ListingContext): string[] {
  const { shown } = context;
  const columns: string[] = [];
  if (shown.status) {
    const { installed, valid, substitutable } = statusOf(info, context);
    columns.push((installed ? 'I' : '-') + (valid ? 'P' : '-') + (substitutable ? 'S' : '-'));
  }
  if (shown.attributePath) columns.push(info.attributePath);
  if (shown.name) columns.push(info.name);
  if (shown.compareVersions) {
    const { sign, version } = compareWithOthers(info, context.others);
    const text = `${sign} ${version}`;
    columns.push(sign === '<' && context.color ? `\x1b[31;1m${text}\x1b[0m` : text);
  }
  if (shown.system) columns.push(info.system);
  if (shown.drvPath) columns.push(info.drvPath ?? '-');
  if (shown.outPath) {
    const outputs = [...info.outputs(true)];
    columns.push(outputs.map(([name, path = '']) => (name === 'out' ? path : `${name}=${path}`)).join(';'));
  }
  if (shown.description) columns.push(info.metaText('description'));
  return columns;
}

/** Columns as wide as their widest text, two spaces apart. */
export function writeTable(rows: readonly (readonly string[])[]): string {
  const count = rows[0]?.length ?? 0;
  const widths = Array.from({ length: count }, (_, at) => Math.max(...rows.map((row) => (row[at] as string).length)));
  return rows.map((row) => `${row.map((text, at) => {
    const line = text.replaceAll('\n', ' ');
    return at === count - 1 ? line : line.padEnd((widths[at] as number) + 2);
  }).join('')}\n`).join('');
}

export function xmlOfPackage(info: PackageInfo, context: ListingContext): string {
  const { shown } = context;
  const parts = parseDrvName(info.name);
  const attributes: Record<string, string> = {
    attrPath: info.attributePath, name: info.name, pname: parts.name, version: parts.version,
    outputName: info.outputName,
  };
  if (shown.status) {
    for (const [name, holds] of Object.entries(statusOf(info, context))) attributes[name] = holds ? '1' : '0';
  }
  if (shown.compareVersions) {
    const { sign, version } = compareWithOthers(info, context.others);
    if (sign !== '-') Object.assign(attributes, { versionDiff: sign, maxComparedVersion: version });
  }
  if (info.system !== '') attributes['system'] = info.system;
  const drvPath = shown.drvPath ? info.drvPath : undefined;
  if (drvPath !== undefined) attributes['drvPath'] = drvPath;
  const description = shown.description ? info.metaText('description') : '';
  if (description !== '') attributes['description'] = description;
  let text = `  <item${formatAttributes(attributes)}>\n`;
  for (const [name, path] of info.outputs(shown.outPath)) {
    text += `    <output${formatAttributes({ name, ...(path === undefined ? {} : { path }) })} />\n`;
  }
  if (shown.meta) for (const name of info.metaNames()) text += xmlOfMeta(name, info, context);
  return `${text}  </item>\n`;
}

function xmlOfMeta(name: string, info: PackageInfo, context: ListingContext): string {
  const value = info.meta(name);
  if (value === undefined) {
    context.complain(`derivation '${info.name}' has invalid meta attribute '${name}'`);
    return '';
  }
  const scalar = scalarOf(value);
  if (scalar !== undefined) return `    <meta${formatAttributes({ name, ...scalar })} />\n`;
  const strings = Array.isArray(value)
    ? value.map((slot) => ({ value: textOf(force(slot)) }))
    : value instanceof Attrs ? value.names().map((type) => ({ type, value: textOf(force(value.get(type)!)) })) : [];
  const items = strings.map(({ value: item, ...rest }) =>
    (item === undefined ? '' : `      <string${formatAttributes({ ...rest, value: item })} />\n`));
  return `    <meta${formatAttributes({ name, type: 'strings' })}>\n${items.join('')}    </meta>\n`;
}

function scalarOf(value: Value): { type: string; value: string } | undefined {
  const text = textOf(value);
  if (text !== undefined) return { type: 'string', value: text };
  if (typeof value === 'number' || typeof value === 'bigint') return { type: 'int', value: String(value) };
  if (typeof value === 'boolean') return { type: 'bool', value: String(value) };
  return value instanceof NixFloat ? { type: 'float', value: formatFloatShort(value.value) } : undefined;
}

/** In one line. */
export function jsonOfPackage(info: PackageInfo, context: ListingContext, services: EvalServices): string {
  const { shown } = context;
  const parts = parseDrvName(info.name);
  const outputs = [...info.outputs(shown.outPath)]
    .map(([name, path]): [string, string] => [name, path === undefined ? 'null' : quoteJson(path)]);
  const members = new Map<string, string>([
    ['name', quoteJson(info.name)], ['pname', quoteJson(parts.name)], ['version', quoteJson(parts.version)],
    ['system', quoteJson(info.system)], ['outputName', quoteJson(info.outputName)],
    ['outputs', jsonObject(new Map(outputs))],
  ]);
  const drvPath = shown.drvPath ? info.drvPath : undefined;
  if (drvPath !== undefined) members.set('drvPath', quoteJson(drvPath));
  if (shown.meta) {
    members.set('meta', jsonObject(new Map(info.metaNames().map((name): [string, string] => {
      const value = info.meta(name);
      if (value !== undefined) return [name, valueToJson(value, services, new ContextCollector())];
      context.complain(`derivation '${info.name}' has invalid meta attribute '${name}'`);
      return [name, 'null'];
    }))));
  }
  return jsonObject(members);
}

/** Members by name, sorted, each given as JSON. */
export function jsonObject(members: ReadonlyMap<string, string>): string {
  const sorted = [...members].sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([name, text]) => `${quoteJson(name)}:${text}`).join(',')}}`;
}

function statusOf(info: PackageInfo, context: ListingContext) {
  const path = info.outPath;
  return {
    installed: context.installed.has(path),
    valid: context.valid.has(path),
    substitutable: context.substitutable.has(path),
  };
}

/** `<`: there is a newer one; `=`: an equal one is the newest; `>`: all are older; `-`: there is none. */
function compareWithOthers(info: PackageInfo, others: readonly PackageInfo[]): { sign: string; version: string } {
  const own = parseDrvName(info.name);
  let sign = '-';
  let newest = '?';
  for (const other of others) {
    const { name, version } = parseDrvName(other.name);
    if (name !== own.name) continue;
    const order = compareVersions(own.version, version);
    if (order < 0) {
      sign = '<';
      newest = version;
    } else if (order === 0 && sign !== '<') {
      sign = '=';
      newest = version;
    } else if (order > 0 && sign !== '<' && sign !== '=') {
      if (sign === '-' || compareVersions(newest, version) < 0) newest = version;
      sign = '>';
    }
  }
  return { sign, version: newest };
}
