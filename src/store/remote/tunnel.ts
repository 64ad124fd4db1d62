/**
 * What a daemon tells its client while it works: our `Progress`, sent as messages of the protocol.
 *
 * Messages may only be sent while an operation is at work; what comes before waits for the next.
 */

import type { Activity, ActivityKind, ActivityOptions, Progress } from '#base';
import type { ByteChannel } from './channel.ts';
import { resultTypes, stderrMarks, type Field } from './remote-messages.ts';
import { WireWriter } from './wire.ts';

const activityTypes: Partial<Record<ActivityKind, number>> = { copy: 100, download: 101, verify: 107 };
const buildType = 105;
const levels = { error: 0, warning: 1, notice: 2, info: 3, debug: 6 } as const;

export class Tunnel implements Progress {
  readonly #channel: ByteChannel;
  /** What the client wants to hear: 0 errors … 3 information … 7 everything. */
  verbosity = 3;
  /** Whether builders' lines are to come as plain lines. */
  plainLog = false;
  #atWork = false;
  #waiting: Uint8Array[] = [];
  #last: Promise<void> = Promise.resolve();
  #count = 0;

  constructor(channel: ByteChannel) {
    this.#channel = channel;
  }

  get atWork(): boolean {
    return this.#atWork;
  }

  startWork(): void {
    this.#atWork = true;
    for (const message of this.#waiting.splice(0)) this.#write(message);
  }

  /** Ends the operation well, or with an error; then the answer may follow. */
  async stopWork(error?: Error): Promise<void> {
    this.#atWork = false;
    const writer = new WireWriter();
    if (error === undefined) writer.number(stderrMarks.last);
    else {
      writer.number(stderrMarks.error).text('Error').number(0).text('Error')
        .text(Buffer.from(error.message, 'utf8').toString('latin1')).number(0).number(0);
    }
    this.#write(writer.take());
    await this.#last;
  }

  message(level: keyof typeof levels, text: string): void {
    if (levels[level] > this.verbosity) return;
    const mark = level === 'error' || level === 'warning' ? `${level}: ` : '';
    this.#send(new WireWriter().number(stderrMarks.next)
      .text(Buffer.from(`${mark}${text}\n`, 'utf8').toString('latin1')));
  }

  start(kind: ActivityKind, label: string, options: ActivityOptions = {}): Activity {
    const { subject } = options;
    if (kind === 'build' && subject?.kind === 'derivation') return this.#startBuild(subject.drvPath);
    const type = activityTypes[kind];
    if (type === undefined) return { advance() {}, detail() {}, finish() {} };
    const id = ++this.#count;
    let done = 0;
    let told = 0;
    let open = true;
    this.#send(startMessage(id, type, label, []));
    const tell = (): void => {
      told = done;
      this.#send(new WireWriter().number(stderrMarks.result).number(id).number(resultTypes.progress)
        .number(4).number(0).number(done).number(0).number(options.total ?? 0).number(0).number(0).number(0).number(0));
    };
    return {
      advance: (amount) => {
        done += amount;
        // A message for each piece would cost more than the piece.
        if (done - told >= toldBytes) tell();
      },
      detail() {},
      finish: () => {
        if (!open) return;
        open = false;
        if (done > told) tell();
        this.#send(new WireWriter().number(stderrMarks.stopActivity).number(id));
      },
    };
  }

  #startBuild(drvPath: string): Activity {
    const id = ++this.#count;
    let open = true;
    this.#send(startMessage(id, buildType, `building '${drvPath}'`, [drvPath, '', 1, 1]));
    return {
      advance() {},
      detail() {},
      log: (line) => this.#send(this.plainLog ? new WireWriter().number(stderrMarks.next).text(`${line}\n`)
        : new WireWriter().number(stderrMarks.result).number(id).number(resultTypes.buildLogLine)
          .number(1).number(1).text(line)),
      finish: () => {
        if (open) this.#send(new WireWriter().number(stderrMarks.stopActivity).number(id));
        open = false;
      },
    };
  }

  #send(writer: WireWriter): void {
    const message = writer.take();
    if (this.#atWork) this.#write(message);
    else this.#waiting.push(message);
  }

  #write(message: Uint8Array): void {
    this.#last = this.#last.then(() => this.#channel.write(message));
  }
}

const toldBytes = 1 << 20;

function startMessage(id: number, type: number, text: string, fields: readonly Field[]): WireWriter {
  const writer = new WireWriter().number(stderrMarks.startActivity).number(id).number(levels.info).number(type)
    .text(Buffer.from(text, 'utf8').toString('latin1')).number(fields.length);
  for (const field of fields) {
    if (typeof field === 'number') writer.number(0).number(field);
    else writer.number(1).text(field);
  }
  return writer.number(0);
}
