/**
 * From a builtin's argument to a path that can be read: contexts are realised, links followed
 * within the logical store, and access is checked.
 *
 * Links are followed here and not by the host alone, because a link in the store points to a
 * logical path, which may stand elsewhere on the disk.
 */

import { ContextCollector } from '../context.ts';
import { coerceToPath } from '../coerce.ts';
import { nixError } from '../errors.ts';
import { canonicalPath, parentPath } from '../path-text.ts';
import type { EvalServices } from '../services.ts';
import type { Slot } from '../values.ts';
import { fileNotFound, withTrace } from './errors.ts';

/** Which links are followed: all, all but the last part's, or none. */
export type LinkMode = 'full' | 'ancestors' | 'none';

/** The path that an argument stands for, ready to be read. */
export function realisePath(services: EvalServices, slot: Slot, links: LinkMode = 'full'): string {
  const collector = new ContextCollector();
  const path = coerceToPath(
    slot,
    services,
    collector,
    0,
    'while realising the context of a path',
  );
  return withTrace(
    () => `while realising the context of path '${path}'`,
    () => {
      const real = realiseText(services, path, collector);
      services.checkVisible(real);
      if (links === 'none') return real;
      const resolved = resolveLinks(services, real, links);
      if (resolved !== real) services.checkVisible(resolved);
      return resolved;
    },
  );
}

/** A text with its context built and placeholders replaced by what they stand for. */
export function realiseText(
  services: EvalServices,
  text: string,
  collector: ContextCollector,
): string {
  if (collector.context.length === 0) return text;
  let result = text;
  for (const [placeholder, path] of services.realiseContext(collector.context, 0)) {
    result = result.replaceAll(placeholder, path);
  }
  return result;
}

/** The content of a file, as bytes. */
export function readBytes(services: EvalServices, path: string): string {
  const status = services.host.lstat(path);
  if (status === null) throw fileNotFound(path);
  if (status.type === 'directory') throw nixError('Error', `path '${path}' is not a regular file`);
  return services.host.readFile(path);
}

const linkLimit = 1000;

/** Follows links part by part; what does not exist stays as it is. */
export function resolveLinks(services: EvalServices, path: string, links: LinkMode): string {
  const { host } = services;
  const status = host.lstat(path);
  if (status !== null && (status.type !== 'symlink' || links === 'ancestors')) return path;
  const rest = path.split('/').filter((part) => part !== '');
  let resolved = '';
  let followed = 0;
  while (rest.length > 0) {
    const part = rest.shift()!;
    if (part === '.') continue;
    if (part === '..') {
      resolved = parentPath(resolved === '' ? '/' : resolved);
      if (resolved === '/') resolved = '';
      continue;
    }
    const next = `${resolved}/${part}`;
    if (rest.length === 0 && links === 'ancestors') return next;
    if (host.lstat(next)?.type !== 'symlink') {
      resolved = next;
      continue;
    }
    if (++followed > linkLimit) {
      throw nixError('Error', `infinite symlink recursion in path '${path}'`);
    }
    const target = host.readLink(next);
    if (target.startsWith('/')) resolved = '';
    rest.unshift(...target.split('/').filter((step) => step !== ''));
  }
  return resolved === '' ? '/' : resolved;
}

const storeBaseName = /^[0-9a-df-np-sv-z]{32}-(?!\.{1,2}(?:-|$))[0-9A-Za-z+\-._?=]{1,211}$/;

/** Whether `path` is itself a store path. */
export function isStorePath(services: EvalServices, path: string): boolean {
  const prefix = `${services.host.storeDirectory}/`;
  return path.startsWith(prefix) && storeBaseName.test(path.slice(prefix.length));
}

/** The store path that `path` is or lies in; undefined outside the store. */
export function enclosingStorePath(services: EvalServices, path: string): string | undefined {
  const prefix = `${services.host.storeDirectory}/`;
  const canonical = canonicalPath(path);
  if (!canonical.startsWith(prefix)) return undefined;
  const end = canonical.indexOf('/', prefix.length);
  const storePath = end < 0 ? canonical : canonical.slice(0, end);
  return isStorePath(services, storePath) ? storePath : undefined;
}

/** An encoded context element without the store's directory, as messages name it. */
export function bareContextElement(services: EvalServices, element: string): string {
  return element.replace(`${services.host.storeDirectory}/`, '');
}

/** The name that `builtins.path` and `filterSource` give a copy by default. */
export function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
