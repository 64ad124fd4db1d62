/**
 * "Did you mean": the known names that are nearest to one that is not known.
 */

const countLimit = 5;
const distanceLimit = 2;

/** Up to five names at edit distance two or less, nearest first. */
export function bestMatches(names: readonly string[], wanted: string): string[] {
  const found: { distance: number; name: string }[] = [];
  for (const name of names) {
    if (Math.abs(name.length - wanted.length) > distanceLimit) continue;
    const distance = editDistance(wanted, name);
    if (distance <= distanceLimit) found.push({ distance, name });
  }
  found.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  return found.slice(0, countLimit).map((match) => match.name);
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const current = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = previous[j]! + (a[i] === b[j] ? 0 : 1);
      current.push(Math.min(previous[j + 1]! + 1, current[j]! + 1, replaced));
    }
    previous = current;
  }
  return previous[b.length]!;
}
