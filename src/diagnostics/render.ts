/**
 * A `NixError` as text, laid out as C++ Nix does: frames outermost first, each with its place and
 * an excerpt, then the message.
 *
 * Without `showTrace` only the first few frames appear; a frame with a place counts twice. Frames
 * that were shown before are left out when there are many in a row. The result is a byte string
 * without a final newline.
 */

import type { NixError, TraceFrame } from './nix-error.ts';
import { type Position, type ResolvedPosition, resolvePosition, showPosition } from './position.ts';

export interface RenderOptions {
  readonly showTrace: boolean;
  /** Default false. */
  readonly color?: boolean;
  /** What it is. Default `error`. */
  readonly label?: string;
}

const shownFrames = 3;
const duplicatesInFull = 5;

/** The whole report of an error. */
export function renderNixError(error: NixError, options: RenderOptions): string {
  const paint = options.color === true ? painted : plain;
  const label = `${options.label ?? 'error'}:`;
  const prefix = paint.red(label);
  let text = '';
  if (error.frames.length > 0) {
    text += renderFrames(error.frames, options.showTrace, paint);
    text += `\n${prefix} `;
  }
  text += `${error.message}\n${renderPlace(error.position, '', paint)}`;
  if (error.suggestions.length > 0) {
    text += `Did you mean ${renderSuggestions(error.suggestions, paint)}?\n`;
  }
  const report = indent(`${prefix} `, ' '.repeat(label.length + 1), text.trimEnd());
  return options.color === true ? report : withoutEscapes(report);
}

export interface Paint {
  red(text: string): string;
  warning(text: string): string;
  blue(text: string): string;
}

export const plain: Paint = { red: (t) => t, warning: (t) => t, blue: (t) => t };
export const painted: Paint = {
  red: (text) => `\x1b[31;1m${text}\x1b[0m`,
  warning: (text) => `\x1b[35;1m${text}\x1b[0m`,
  blue: (text) => `\x1b[34;1m${text}\x1b[0m`,
};

function renderFrames(frames: readonly TraceFrame[], showTrace: boolean, paint: Paint): string {
  let text = '';
  let count = 0;
  let truncated = false;
  const seen = new Set<string>();
  let skipped: TraceFrame[] = [];
  const show = (frame: TraceFrame): void => {
    const place = renderPlace(frame.position, '  ', paint);
    if (place !== '') count++;
    text += `\n\xe2\x80\xa6 ${frame.text}\n${place}`;
  };
  const showSkipped = (): void => {
    if (skipped.length > duplicatesInFull) {
      text += `\n${paint.warning(`(${skipped.length} duplicate frames omitted)`)}\n`;
    } else {
      skipped.forEach(show);
    }
    skipped = [];
  };
  for (let i = frames.length - 1; i >= 0; i--) {
    const frame = frames[i]!;
    if (frame.text === '' || (!showTrace && frame.shown === 'onRequest')) continue;
    if (!showTrace && count > shownFrames) truncated = true;
    if (truncated && frame.shown !== 'always') continue;
    const key = `${frame.position} ${frame.text}`;
    if (seen.has(key)) {
      skipped.push(frame);
      continue;
    }
    seen.add(key);
    showSkipped();
    count++;
    show(frame);
  }
  showSkipped();
  if (truncated) {
    const note = "(stack trace truncated; use '--show-trace' to show the full, detailed trace)";
    text += `\n${paint.warning(note)}\n`;
  }
  return text;
}

/** `at file:line:column:` and the lines around; empty for no position. */
export function renderPlace(position: Position, margin: string, paint: Paint): string {
  const place = resolvePosition(position);
  if (place === undefined) return '';
  const head = `${margin}${paint.blue('at ')}${paint.warning(showPosition(position))}:`;
  return `${head}${renderLines(place, paint)}\n`;
}

/** The line of a place and those around it, a line feed before each. */
export function renderLines(place: ResolvedPosition, paint: Paint): string {
  const lines = linesAround(place.text, place.line);
  let text = '';
  if (lines.before !== undefined) text += `\n${numbered(place.line - 1, lines.before)}`;
  if (lines.here !== undefined) {
    text += `\n${numbered(place.line, lines.here)}`;
    text += `\n      |${' '.repeat(place.column)}${paint.red('^')}`;
  }
  if (lines.after !== undefined) text += `\n${numbered(place.line + 1, lines.after)}`;
  return text;
}

export function numbered(line: number, text: string): string {
  return ` ${String(line).padStart(5)}| ${text}`;
}

interface Lines {
  readonly before: string | undefined;
  readonly here: string | undefined;
  readonly after: string | undefined;
}

function linesAround(text: string, line: number): Lines {
  const lines = text.split(/\r\n|\n|\r/, line + 1);
  return { before: line > 1 ? lines[line - 2] : undefined, here: lines[line - 1], after: lines[line] };
}

export function renderSuggestions(names: readonly string[], paint: Paint): string {
  const shown = names.map((name) => paint.warning(name));
  if (shown.length === 1) return shown[0]!;
  return `one of ${shown.slice(0, -1).join(', ')} or ${shown.at(-1)}`;
}

/** Puts a prefix before the first line and spaces before the others; no blanks at line ends. */
function indent(first: string, rest: string, text: string): string {
  return text
    .split('\n')
    .map((line, i) => `${i === 0 ? first : rest}${line}`.trimEnd())
    .join('\n');
}

/** A program's messages may carry colours of their own; without colour they go too. */
export function withoutEscapes(text: string): string {
  return text.includes('\x1b') ? text.replace(escapeSequence, '') : text;
}

const escapeSequence = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])/g;
