/**
 * Cases of C++ Nix's language suite that Firn answers otherwise, with the reason. The same list,
 * for readers, is in docs/deviations.md.
 */

const dynamicNames = 'names in a selection are computed before its frame begins';

export const deviations: ReadonlyMap<string, string> = new Map<string, string>([
  ['eval-fail-attr-name-type', dynamicNames],
  ['eval-fail-using-set-as-attr-name', dynamicNames],
  ['eval-fail-scope-5', 'a cycle of defaults is reported at the variable that closes it'],
  ['eval-fail-fetchTree-relative-path', 'what a fetcher refuses is worded by the host'],
]);
