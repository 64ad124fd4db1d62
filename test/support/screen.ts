/** A terminal's screen, as far as progress renderers use one: what stands on it after what was written. */

export class Screen {
  readonly isTTY = true;
  columns: number;
  rows: number;
  /** All lines ever, the last `rows` of them in sight. */
  readonly #lines: string[] = [''];
  #row = 0;
  #column = 0;

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): boolean {
    for (const [, parameters = '', final = '', character = ''] of
      text.matchAll(/\x1b\[([0-9;?]*)([A-Za-z])|([^\x1b])/gsu)) {
      if (final !== '') this.#control(parameters, final);
      else this.#put(character);
    }
    return true;
  }

  /** The lines from the first to the last that is not empty. */
  shown(): string[] {
    const lines = this.#lines.map((line) => line.trimEnd());
    while (lines.at(-1) === '') lines.pop();
    return lines;
  }

  /** Becomes as wide as that; what is too long then is broken, as terminals do. */
  resize(columns: number): void {
    const below = this.#lines.slice(this.#row);
    const broken = this.#lines.slice(0, this.#row).flatMap((line) => {
      const characters = [...line];
      const pieces: string[] = [];
      do pieces.push(characters.splice(0, columns).join('')); while (characters.length > 0);
      return pieces;
    });
    this.#lines.splice(0, this.#lines.length, ...broken, ...below);
    this.#row = broken.length;
    this.columns = columns;
  }

  #put(character: string): void {
    if (character === '\n') {
      this.#row += 1;
      this.#column = 0;
      while (this.#lines.length <= this.#row) this.#lines.push('');
    } else if (character === '\r') {
      this.#column = 0;
    } else {
      if (this.#column === this.columns) {
        this.#put('\n');
      }
      const line = (this.#lines[this.#row] ?? '').padEnd(this.#column);
      this.#lines[this.#row] = line.slice(0, this.#column) + character + line.slice(this.#column + 1);
      this.#column += 1;
    }
  }

  #control(parameters: string, final: string): void {
    const count = Number(parameters) || 1;
    const top = Math.max(0, this.#lines.length - this.rows);
    switch (final) {
      case 'A': this.#row = Math.max(top, this.#row - count); break;
      case 'B': this.#row = Math.min(this.#lines.length - 1, this.#row + count); break;
      case 'G': this.#column = count - 1; break;
      case 'K': this.#erase(parameters); break;
      case 'J': this.#lines.length = this.#row + 1; this.#erase('0'); break;
      // Colours, and what hides the cursor or holds the screen still.
      case 'm': case 'h': case 'l': break;
      default: throw new Error(`the screen does not know the control sequence ${parameters}${final}`);
    }
  }

  #erase(parameters: string): void {
    const line = this.#lines[this.#row] ?? '';
    this.#lines[this.#row] = parameters === '2' ? '' : parameters === '1'
      ? ' '.repeat(this.#column + 1) + line.slice(this.#column + 1) : line.slice(0, this.#column);
  }
}
