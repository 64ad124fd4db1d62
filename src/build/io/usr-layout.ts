/**
 * The two views of a package's programs: Debian's, below /usr, and that of `${pkgs.curl}/bin/curl`.
 *
 * Debian is usr-merged: `/bin` is a link to `/usr/bin`. An unpacked package gets such links at its
 * top where it has the folder below usr, so that paths written for nixpkgs work. Where trees are
 * merged, those links are left out first, what lies really at the top goes below usr, and the merged
 * tree gets the links again.
 */

/** Top-level names that may stand for the same name below usr. */
export const usrNames: readonly string[] = ['bin', 'sbin', 'lib', 'share', 'include', 'libexec'];
/** Those and the library folders of other machine types, which also belong below usr. */
export const movedNames: ReadonlySet<string> = new Set([...usrNames, 'lib32', 'lib64', 'libx32']);

/** The target of the link at `name`, for example `usr/bin`. */
export function usrTarget(name: string): string {
  return `usr/${name}`;
}

/** Whether a top-level link is one that unpacking added, or Debian's own of the same meaning. */
export function isUsrLink(name: string, target: string): boolean {
  return movedNames.has(name) && target.replace(/^\.?\//, '') === usrTarget(name);
}
