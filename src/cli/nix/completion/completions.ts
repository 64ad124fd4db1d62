/** The words that a word may become, in order, with the form that shells read. */

export class Completions {
  /** What kind of words they are: it says what a shell adds behind one. */
  kind: 'normal' | 'filenames' | 'attrs' = 'normal';
  readonly #descriptions = new Map<string, string>();

  /** Adds a word that begins as what was typed. */
  addIf(word: string, begun: string, description = ''): void {
    if (word.startsWith(begun)) this.#descriptions.set(word, description);
  }

  print(): string {
    const rows = [...this.#descriptions].sort(([one], [other]) => (one < other ? -1 : 1));
    return [this.kind, ...rows.map(([word, description]) => `${word}\t${description}`)].map((line) => `${line}\n`).join('');
  }
}
