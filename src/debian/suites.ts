/**
 * What Firn takes from the Debian archive: the release, its suites, and where each suite lives.
 *
 * `main` suites are merged into one set in which the highest version of a package wins, as apt does
 * with equal pins. Backports stay a set of their own: nothing takes from it unless asked to.
 * *Invariant:* the suites' codenames are what the signed Release file must say of itself, so that a
 * mirror cannot serve one suite in another's place.
 */

/** The archives; each has its own base URL and its own `pool/`. */
export type ArchiveName = 'debian' | 'debian-security';

/** The package sets of a channel. */
export type PackageSet = 'main' | 'backports';

export interface Suite {
  /** Its folder below `dists/`, and the codename its Release file states. */
  readonly name: string;
  readonly archive: ArchiveName;
  readonly set: PackageSet;
  /** What `Origin` and `Label` of the Release file must be. */
  readonly origin: string;
  readonly label: string;
}

/** The Debian release that Firn's tree is written for. */
export const release = 'trixie';

export const suites: readonly Suite[] = [
  { name: 'trixie', archive: 'debian', set: 'main', origin: 'Debian', label: 'Debian' },
  { name: 'trixie-updates', archive: 'debian', set: 'main', origin: 'Debian', label: 'Debian' },
  {
    name: 'trixie-security',
    archive: 'debian-security',
    set: 'main',
    origin: 'Debian',
    label: 'Debian-Security',
  },
  {
    name: 'trixie-backports',
    archive: 'debian',
    set: 'backports',
    origin: 'Debian Backports',
    label: 'Debian Backports',
  },
];

/** The archive areas whose packages are offered; the tree's `config.allowUnfree` guards `non-free`. */
export const components: readonly string[] = ['main', 'contrib', 'non-free-firmware', 'non-free'];
