/** Walking a graph whose nodes name their neighbours: closures, referrers, dependents. */

/**
 * The nodes of `start` and all that `next` leads to from there, each asked once, in the order of a
 * depth-first walk that takes the last neighbour first. Cycles and deep graphs do no harm.
 */
export function reachable<Node>(
  start: Iterable<Node>, next: (node: Node) => Iterable<Node>,
): Set<Node> {
  const seen = new Set<Node>();
  const left = [...start];
  while (left.length > 0) {
    const node = left.pop() as Node;
    if (seen.has(node)) continue;
    seen.add(node);
    for (const neighbour of next(node)) left.push(neighbour);
  }
  return seen;
}
