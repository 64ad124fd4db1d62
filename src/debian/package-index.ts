/**
 * Packages indexes: the paragraphs of the archive, as records, and merged into sets.
 *
 * Of a name that several suites carry, the highest version is in the set. Text stays a byte string
 * from index to channel, so that descriptions keep their bytes whatever their encoding.
 */
import { compareDebianVersions, readParagraphs } from '#formats';
import type { ArchiveName } from './suites.ts';

export interface IndexedPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly archive: ArchiveName;
  readonly component: string;
  /** Relative to the archive's base, `pool/…`. */
  readonly filename: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Dependency fields as they stand in the index; empty when absent. */
  readonly preDepends: string;
  readonly depends: string;
  readonly recommends: string;
  readonly conflicts: string;
  readonly breaks: string;
  readonly provides: string;
  readonly essential: boolean;
  readonly priority: string;
  readonly section: string;
  readonly source: string;
  readonly description: string;
  readonly homepage: string;
  readonly multiArch: string;
}

const wantedFields = [
  'Package',
  'Version',
  'Architecture',
  'Filename',
  'SHA256',
  'Size',
  'Pre-Depends',
  'Depends',
  'Recommends',
  'Conflicts',
  'Breaks',
  'Provides',
  'Essential',
  'Priority',
  'Section',
  'Source',
  'Description',
  'Homepage',
  'Multi-Arch',
];

/** The packages of an index; paragraphs without name, version, file or hash are passed over. */
export function* readPackageIndex(
  text: string,
  archive: ArchiveName,
  component: string,
): Generator<IndexedPackage> {
  for (const fields of readParagraphs(text, wantedFields)) {
    const get = (name: string): string => fields.get(name) ?? '';
    const name = get('Package');
    const sha256 = get('SHA256');
    const filename = get('Filename');
    if (!/^[a-z0-9][a-z0-9+.-]+$/.test(name) || !/^[0-9a-f]{64}$/.test(sha256)) continue;
    // A path that climbs out of the pool has no business in an index.
    if (!filename.startsWith('pool/') || filename.includes('..')) continue;
    yield {
      name,
      version: get('Version'),
      architecture: get('Architecture'),
      archive,
      component,
      filename,
      sha256,
      sizeBytes: Number(get('Size')),
      preDepends: get('Pre-Depends'),
      depends: get('Depends'),
      recommends: get('Recommends'),
      conflicts: get('Conflicts'),
      breaks: get('Breaks'),
      provides: get('Provides'),
      essential: get('Essential') === 'yes',
      priority: get('Priority'),
      section: get('Section'),
      source: get('Source').replace(/ .*/, '') || name,
      description: get('Description').replace(/\n[^]*/, ''),
      homepage: get('Homepage'),
      multiArch: get('Multi-Arch'),
    };
  }
}

/** Adds `added` to `set`; the higher version of a name stays, the first of two equal ones. */
export function mergePackages(
  set: Map<string, IndexedPackage>,
  added: Iterable<IndexedPackage>,
): void {
  for (const entry of added) {
    const present = set.get(entry.name);
    if (present && compareDebianVersions(present.version, entry.version) >= 0) continue;
    set.set(entry.name, entry);
  }
}
