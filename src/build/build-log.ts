/**
 * What builders say: kept as C++ Nix keeps it, `log/nix/drvs/HH/REST.drv`, and shown on failure.
 *
 * The file is only made when there is something to keep; builtin builders are mostly silent.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { baseNameOf, type StorePath } from '#formats';

export class BuildLog {
  readonly #lines: string[] = [];

  add(line: string): void {
    this.#lines.push(line);
  }

  /** The last lines, for a report. */
  tail(count: number): string[] {
    return this.#lines.slice(-count);
  }

  /** Writes the log below `directory`, a `log/nix/drvs`. Nothing when the builder was silent. */
  keep(directory: string, drvPath: StorePath): void {
    if (this.#lines.length === 0) return;
    const name = baseNameOf(drvPath);
    const path = join(directory, name.slice(0, 2), name.slice(2));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${this.#lines.join('\n')}\n`);
  }
}
