/**
 * The [Install] section of a unit file of systemd: how the unit is to be enabled.
 *
 * Values are lists of words; a setting may be given several times, and an empty one clears what
 * came before. A line that ends in a backslash goes on in the next.
 */
export interface InstallSection {
  readonly wantedBy: readonly string[];
  readonly requiredBy: readonly string[];
  readonly upheldBy: readonly string[];
  readonly aliases: readonly string[];
  /** Units that are enabled along with this one. */
  readonly also: readonly string[];
  /** The instance a template is enabled as when none is named. */
  readonly defaultInstance: string | undefined;
}

export function parseInstallSection(text: string): InstallSection {
  const values = new Map<string, string[]>();
  let section = '';
  for (const line of logicalLines(text)) {
    const head = /^\[(.*)\]$/.exec(line);
    if (head !== null) {
      section = head[1] as string;
      continue;
    }
    const setting = /^([A-Za-z]+)\s*=\s*(.*)$/.exec(line);
    if (section !== 'Install' || setting === null) continue;
    const [, key, value] = setting as unknown as [string, string, string];
    const words = value.split(/\s+/).filter((word) => word !== '');
    values.set(key, words.length === 0 ? [] : [...(values.get(key) ?? []), ...words]);
  }
  const get = (key: string): readonly string[] => values.get(key) ?? [];
  return {
    wantedBy: get('WantedBy'),
    requiredBy: get('RequiredBy'),
    upheldBy: get('UpheldBy'),
    aliases: get('Alias'),
    also: get('Also'),
    defaultInstance: get('DefaultInstance').at(-1),
  };
}

function logicalLines(text: string): string[] {
  const lines: string[] = [];
  let pending = '';
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    if (line.endsWith('\\')) {
      pending += `${line.slice(0, -1).trim()} `;
      continue;
    }
    lines.push(pending + line);
    pending = '';
  }
  return pending === '' ? lines : [...lines, pending.trim()];
}
