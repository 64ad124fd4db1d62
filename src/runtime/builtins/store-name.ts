/** What a name in the store may be. */

import { evalError } from '../errors.ts';

const maxNameLength = 211;

/** Fails unless `name` can name a store object; `wording` makes the message of the reason. */
export function checkStoreName(name: string, wording: (reason: string) => string): void {
  const reason = faultOf(name);
  if (reason !== undefined) throw evalError(wording(reason));
}

function faultOf(name: string): string | undefined {
  if (name === '') return 'name must not be empty';
  if (name.length > maxNameLength) {
    return `name '${name}' must be no longer than ${maxNameLength} characters`;
  }
  if (name === '.' || name === '..') return `name '${name}' is not valid`;
  const dots = /^(\.\.?)-/.exec(name);
  if (dots !== null) {
    return `name '${name}' is not valid: first dash-separated component must not be '${dots[1]}'`;
  }
  const illegal = /[^0-9A-Za-z+\-._?=]/.exec(name);
  return illegal === null ? undefined : `name '${name}' contains illegal character '${illegal[0]}'`;
}
