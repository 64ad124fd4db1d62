/** Names of branches, tags and revisions that Git accepts. */

/** A commit's hash in base 16. */
export function isRevision(text: string): boolean {
  return /^[0-9a-fA-F]{40}$/.test(text);
}

/**
 * Whether Git takes the name for a branch, a tag or a full reference. One that starts with a dash
 * never is: it could be read as a flag.
 */
export function isLegalRef(name: string): boolean {
  if (name === '' || name === '@' || /^[-/]|[/.]$/.test(name)) return false;
  if (/[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\//.test(name)) return false;
  return name.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'));
}
