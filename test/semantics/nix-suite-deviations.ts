/**
 * Cases of C++ Nix's language suite that Firn answers otherwise, with the reason. The same list,
 * for readers, is in docs/deviations.md.
 */


export const deviations: ReadonlyMap<string, string> = new Map<string, string>([
  ['eval-fail-fetchTree-relative-path', 'what a fetcher refuses is worded by the host'],
]);
