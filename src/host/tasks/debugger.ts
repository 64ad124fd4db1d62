/**
 * The debugger's end in the evaluator's thread: where evaluation stops, somebody asks, as in a REPL
 * whose scope are the variables at the place.
 *
 * Steps are numbered from the innermost. Where an error stopped it, the error is the first of them,
 * in the scope of the innermost step.
 */

import { decodeUtf8 } from '#base';
import { NixError, painted, plain, renderLines, renderNixError, resolvePosition, showPosition } from '#diagnostics';
import {
  debugging, Debugger, tracing, type DebugScope, type DebugStep, type Resumption, type Slot, type StopReason,
} from '#runtime';
import type { DebuggerAnswer, ReplAnswer, ReplRequest } from '../repl/requests.ts';
import { packFailure } from '../worker/failure.ts';
import type { DebuggerDisplay } from '../worker/protocol.ts';
import type { EvaluationSession } from '../worker/session.ts';
import { Repl } from './repl.ts';

/** From here on the evaluations of a session are watched. */
export function startDebugger(display: DebuggerDisplay, colorErrors: boolean): (session: EvaluationSession) => void {
  return (session) => {
    const { nixSettings } = session;
    tracing.on = true;
    debugging.current = new Debugger({
      ignoresTries: nixSettings.flag('ignore-try', false),
      stopsAtTrace: nixSettings.flag('debugger-on-trace', false),
      stopsAtWarning: nixSettings.flag('debugger-on-warn', false),
      onStop: (reason, steps) => new Stop(session, { ...display, colorErrors }, reason, steps).serve(),
    });
  };
}

interface ShownStep extends DebugStep {
  readonly isError: boolean;
}

/** One time that evaluation has stopped. */
class Stop {
  readonly #session: EvaluationSession;
  readonly #display: DebuggerDisplay & { readonly colorErrors: boolean };
  readonly #reason: StopReason;
  readonly #steps: readonly ShownStep[];
  readonly #repl: Repl;
  #chosen = 0;
  #printed = '';

  constructor(
    session: EvaluationSession, display: DebuggerDisplay & { readonly colorErrors: boolean },
    reason: StopReason, steps: readonly DebugStep[],
  ) {
    // The command may have other plans with what an evaluation prints.
    this.#session = { ...session, print: (text) => { this.#printed += text; } };
    this.#display = display;
    this.#reason = reason;
    const met = stepOfReason(reason, steps[0]!);
    this.#steps = [...met === undefined ? [] : [met], ...steps.map((step) => ({ ...step, isError: false }))];
    this.#repl = new Repl(this.#session, { ...display, autoArguments: [], journal: [] });
    this.#repl.enter(variablesAt(this.#steps[0]!));
  }

  /** Answers until evaluation is to go on. */
  serve(): Resumption {
    this.#tellReason();
    let answer: ReplAnswer = { kind: 'stopped' };
    for (;;) {
      const said: DebuggerAnswer = { answer, printed: this.#printed };
      this.#printed = '';
      const request = this.#session.converse(said) as ReplRequest | null;
      if (request === null) return 'quit';
      if (request.kind === 'resume') return request.how;
      answer = this.#answer(request);
    }
  }

  #tellReason(): void {
    const { progress } = this.#session.host;
    const reason = this.#reason;
    if (reason.kind === 'break') progress.message('notice', 'info: breakpoint reached\n');
    if (reason.kind !== 'error') return;
    const { kind, message, position } = reason.error;
    const color = this.#display.colorErrors;
    progress.message('notice', `${decodeUtf8(renderNixError(new NixError(kind, message, position), { showTrace: false, color }))}\n`);
    if (reason.isInTry) {
      progress.message('notice', "This exception occurred in a 'tryEval' call. Use --ignore-try to skip these.\n");
    }
  }

  #answer(request: ReplRequest): ReplAnswer {
    const done: ReplAnswer = { kind: 'done', changed: false, result: undefined };
    switch (request.kind) {
      case 'backtrace':
        this.#session.print(this.#steps.map((step, index) => `\n${this.#showStep(step, index)}`).join(''));
        return done;
      case 'environment':
        this.#session.print(this.#showScopes(this.#steps[this.#chosen]!));
        return done;
      case 'chooseStep': return this.#choose(request.index ?? this.#chosen) ?? done;
      default: return this.#repl.serve(request);
    }
  }

  /** An answer only if there is no such step. */
  #choose(index: number): ReplAnswer | undefined {
    const step = this.#steps[index];
    if (step === undefined) {
      const error = new NixError('Error', `there is no trace ${index}; they are 0 to ${this.#steps.length - 1}`);
      return { kind: 'failed', failure: packFailure(error, (one) => `error: ${one.message}`) };
    }
    this.#chosen = index;
    this.#session.print(`\n${this.#showStep(step, index)}\n${this.#showScopes(step)}`);
    this.#repl.enter(variablesAt(step));
    return undefined;
  }

  #showStep({ isError, text, position }: ShownStep, index: number): string {
    const paint = this.#display.colorOutput ? painted : plain;
    const place = resolvePosition(position);
    const head = `${paint.blue(String(index))}: ${isError ? paint.red('error: ') : ''}${text}\n`;
    return place === undefined ? head : `${head}${showPosition(position)}\n${renderLines(place, paint)}\n`;
  }

  /** Names only; the base scope without those that `builtins` has too. */
  #showScopes(step: DebugStep): string {
    const scopes = step.scopes();
    const shown = scopes.map((scope, level) => `Env level ${level}\n${showScope(scope)}\n`);
    const base = [...this.#session.evaluator.globalNames].filter((name) => !name.startsWith('__')).sort();
    return `${shown.join('')}Env level ${scopes.length}\n${base.map((name) => `${name} `).join('')}\n\n`;
  }
}

/** Of an error or a breakpoint the step that stands before the others; a call's place is told there. */
function stepOfReason(reason: StopReason, innermost: DebugStep): ShownStep | undefined {
  if (reason.kind === 'request') return undefined;
  const { scopes } = innermost;
  if (reason.kind === 'break') return { text: 'breakpoint reached', position: 0, scopes, isError: true };
  const { message, position } = reason.error;
  return { text: message, position: position || innermost.position, scopes, isError: true };
}

function showScope({ variables, isWith }: DebugScope): string {
  const names = [...variables.keys()].map((name) => `${name} `).join('');
  if (!isWith) return `static: ${names}\n`;
  return `static: \n${variables.size === 0 ? '' : `with: ${names}\n`}`;
}

/** Inner ones hide outer ones. */
function variablesAt(step: DebugStep): Map<string, Slot> {
  return new Map(step.scopes().toReversed().flatMap(({ variables }) => [...variables]));
}
