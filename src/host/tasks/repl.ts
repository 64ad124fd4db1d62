/**
 * The task that stays: it keeps a scope, and serves one request of a REPL after the other until
 * there are no more. An error is an answer; it ends nothing.
 *
 * Names of the scope stand before the builtins. Each text is evaluated in the scope as it is then:
 * what is bound later does not change what was bound before.
 */

import { decodeUtf8 } from '#base';
import { NixError, renderNixError } from '#diagnostics';
import {
  Attrs, coerceToString, ContextCollector, ContextString, emptyAttrs, force, forceAttrs, isDerivation, mergeAttrs,
  printAttributeName, printValue, showType, tracing, type Slot, type Value,
} from '#runtime';
import { openFlake } from '../flakes/open-flake.ts';
import type { ReplAnswer, ReplInput, ReplInstallable, ReplRequest } from '../repl/requests.ts';
import { packFailure } from '../worker/failure.ts';
import type { Failure } from '../worker/protocol.ts';
import type { EvaluationSession } from '../worker/session.ts';
import { selectPath } from './attribute-path.ts';
import { autoCall, evaluateSource, makeAutoArguments, resolveFileArgument } from './expression-source.ts';
import { completeText } from './repl-complete.ts';
import { documentAttribute, documentValue, selectedName, showDocumentation } from './repl-document.ts';
import { placeOfValue } from './repl-place.ts';
import { readExpression, readReplText } from './repl-text.ts';

export function run(session: EvaluationSession, input: unknown): void {
  const repl = new Repl(session, input as ReplInput);
  let answer: ReplAnswer | undefined = repl.replay((input as ReplInput).journal);
  for (;;) {
    const request = session.converse(answer) as ReplRequest | null;
    if (request === null) return;
    answer = repl.serve(request);
  }
}

/** Says that a text must go on; never leaves this module. */
class IncompleteText extends Error {}

/** A scope, and what can be done in it. */
export class Repl {
  readonly #session: EvaluationSession;
  readonly #input: ReplInput;
  readonly #autoArguments: Attrs;
  #scope = emptyAttrs;
  #lastLoaded: Attrs | undefined;
  #isQuiet = false;
  #showTrace: boolean;

  constructor(session: EvaluationSession, input: ReplInput) {
    this.#session = session;
    this.#input = input;
    this.#autoArguments = makeAutoArguments(session, input.autoArguments);
    this.#showTrace = session.settings.showTrace;
    // Frames are always collected: somebody who tries things wants to see where, and ':te' is to
    // hold for what was loaded before it.
    tracing.on = true;
  }

  /** Does again what made the scope, without its messages. There is no answer to that. */
  replay(journal: readonly ReplRequest[]): undefined {
    this.#isQuiet = true;
    for (const request of journal) {
      const answer = this.serve(request);
      if (answer.kind !== 'failed') continue;
      this.#tellFailure(answer.failure);
    }
    this.#isQuiet = false;
  }

  #tellFailure(failure: Failure): void {
    this.#session.host.progress.message(
      'notice', failure.kind === 'nix' ? failure.rendered : `error: ${failure.message}`);
  }

  /** Begins anew with these variables. */
  enter(variables: ReadonlyMap<string, Slot>): void {
    this.#scope = Attrs.fromEntries(variables);
  }

  serve(request: ReplRequest): ReplAnswer {
    const before = this.#scope;
    try {
      const result = this.#session.evaluator.guard(() => this.#perform(request));
      return { kind: 'done', changed: this.#scope !== before || request.kind === 'trace', result };
    } catch (error) {
      if (error instanceof IncompleteText) return { kind: 'incomplete' };
      return { kind: 'failed', failure: this.#failure(error) };
    }
  }

  #failure(error: unknown): Failure {
    return packFailure(error, (one) =>
      decodeUtf8(renderNixError(one, { showTrace: this.#showTrace, color: this.#input.colorErrors })));
  }

  #perform(request: ReplRequest): unknown {
    switch (request.kind) {
      case 'evaluate': return this.#evaluateText(request);
      case 'print': return this.#print(this.#value(request));
      case 'type': return this.#session.print(`${showType(this.#value(request))}\n`);
      case 'document': return this.#document(request);
      case 'add': return this.#addAttrs(this.#value(request));
      case 'derivation': return this.#derivation(this.#value(request));
      case 'place': return placeOfValue(this.#value(request), request.text, this.#session.evaluator);
      case 'load': return this.#load(request.path);
      case 'loadFlake': return this.#loadFlake(request.reference);
      case 'loadInstallables': return this.#loadInstallables(request.installables);
      case 'trace': return (this.#showTrace = request.on ?? !this.#showTrace);
      case 'lastLoaded': return this.#showLastLoaded();
      case 'backtrace': case 'environment': case 'chooseStep': case 'resume':
        throw new NixError('Error', 'there is no debugger');
      case 'complete': return completeText(this.#session, {
        names: () => new Set([...this.#scope.names(), ...baseNames(this.#session)]),
        evaluate: (text) => this.#evaluate(text),
      }, request.text);
    }
  }

  #evaluateText({ text, final }: { readonly text: string; readonly final?: boolean }): void {
    const read = readReplText(this.#session, text);
    switch (read.kind) {
      case 'incomplete':
        if (final === true) throw read.error;
        throw new IncompleteText();
      case 'wrong': throw read.error;
      case 'bindings': {
        const { evaluator, workingDirectory } = this.#session;
        const bound = evaluator.evaluateBindings(read.text, workingDirectory, this.#scope) as Attrs;
        this.#scope = mergeAttrs(this.#scope, bound);
        return;
      }
      case 'expression':
        this.#session.print(`${this.#show(this.#evaluate(read.text), 1)}\n`);
    }
  }

  /** Value of a text that must be an expression. */
  #value({ text, final }: { readonly text: string; readonly final?: boolean }): Value {
    const read = readExpression(this.#session, text);
    if (read.kind === 'incomplete' && final !== true) throw new IncompleteText();
    if (read.kind === 'incomplete' || read.kind === 'wrong') throw read.error;
    return this.#evaluate(text);
  }

  #evaluate(text: string): Value {
    const { evaluator, workingDirectory } = this.#session;
    return evaluator.evaluateInScope(text, workingDirectory, this.#scope);
  }

  #print(value: Value): void {
    const text = typeof value === 'string' ? value : value instanceof ContextString ? value.text : this.#show(value);
    this.#session.print(`${text}\n`);
  }

  #show(value: Value, maxDepth = Infinity): string {
    return printValue(value, this.#session.evaluator, {
      force: true, derivationPaths: true, maxDepth, prettyIndent: 2, errors: 'throwTopLevel',
      ansiColors: this.#input.colorOutput,
    });
  }

  #document(request: { readonly text: string; readonly final?: boolean }): void {
    const { evaluator, workingDirectory } = this.#session;
    const name = selectedName(request.text, workingDirectory);
    // First, so that what fails further out is told as such.
    const subject = name === undefined ? undefined
      : evaluator.evaluateSelectedFrom(request.text, workingDirectory, this.#scope);
    const said = documentValue(this.#value(request))
      ?? (name === undefined ? undefined : documentAttribute(subject!, name));
    if (said === undefined) throw new NixError('Error', 'value does not have documentation');
    this.#session.print(`${showDocumentation(said, this.#input.rawMarkdown)}\n`);
  }

  #load(path: string): void {
    const { evaluator, host } = this.#session;
    const file = resolveFileArgument(this.#session, path);
    if (!path.startsWith('<') && host.lstat(file) === null) {
      throw new NixError('FileNotFound', `path '${file}' does not exist`);
    }
    const value = evaluator.evaluateFile(file);
    this.#addAttrs(autoCall(this.#autoArguments, value));
  }

  #loadFlake(reference: string): void {
    if (reference === '') {
      throw new NixError(
        'Error', "cannot use ':load-flake' without a path specified. (Use '.' for the current working directory.)");
    }
    const { evaluator, settings } = this.#session;
    const { locked } = openFlake(this.#session, reference, {
      mayUpdate: false, useRegistries: !settings.pureEval, failOnUnlocked: settings.pureEval,
    });
    this.#addAttrs(evaluator.flakes.call(locked));
  }

  /** All are found before the first is added; one that is no set does not stop the others. */
  #loadInstallables(installables: readonly ReplInstallable[]): void {
    const { host } = this.#session;
    const found = installables.map((one) => ({ ...one, value: this.#installable(one) }));
    for (const { shown, value } of found) {
      if (!this.#isQuiet) host.progress.message('notice', `Loading installable '${shown}'...`);
      try {
        this.#addAttrs(value);
      } catch (error) {
        this.#tellFailure(this.#failure(error));
      }
    }
  }

  /** As C++ Nix does, what stands in a file is called, what an expression says is not. */
  #installable({ source, attributePath }: ReplInstallable): Value {
    const root = evaluateSource(this.#session, source);
    const slot = selectPath(attributePath, this.#autoArguments, root);
    return source.kind === 'file' ? autoCall(this.#autoArguments, slot) : force(slot);
  }

  #addAttrs(value: Value): void {
    const added = forceAttrs(value, 0, 'while evaluating an attribute set to be merged in the global scope');
    this.#scope = mergeAttrs(this.#scope, added);
    this.#lastLoaded = added;
    if (this.#isQuiet) return;
    const names = added.names().slice(0, shownNames).map(printAttributeName);
    const rest = added.size - names.length;
    const lines = [`Added ${added.size} variables.`, names.join(', ')];
    if (rest > 0) lines.push(`... and ${rest} more; view with :ll`);
    this.#session.host.progress.message('notice', decodeUtf8(lines.join('\n')));
  }

  #showLastLoaded(): void {
    if (this.#lastLoaded === undefined) throw new NixError('Error', 'nothing has been loaded yet');
    const names = this.#lastLoaded.names().toSorted(byNumber);
    this.#session.print(names.map((name) => `${name}\n`).join(''));
  }

  #derivation(value: Value): string {
    if (!isDerivation(value)) {
      throw new NixError('Error', "expression does not evaluate to a derivation, so I can't build it");
    }
    const slot = (value as Attrs).get('drvPath');
    if (slot === undefined) {
      throw new NixError('Error', "expression did not evaluate to a valid derivation (no 'drvPath' attribute)");
    }
    const path = coerceToString(
      force(slot), this.#session.evaluator, new ContextCollector(), 0,
      "while evaluating the 'drvPath' attribute of a derivation", { copyToStore: false });
    this.#session.host.flush();
    return path;
  }
}

/** How many names are told of those that were added. */
const shownNames = 20;

/** `v2` before `v10`; what is not all digits goes by its bytes. */
function byNumber(a: string, b: string): number {
  const parts = (name: string) => name.match(/[0-9]+|[^0-9]+/g) ?? [];
  const [first, second] = [parts(a), parts(b)];
  for (let i = 0; i < Math.min(first.length, second.length); i++) {
    const [x, y] = [first[i]!, second[i]!];
    const difference = /^[0-9]/.test(x) && /^[0-9]/.test(y) ? Number(x) - Number(y) : 0;
    if (difference !== 0) return difference;
    if (x !== y) return x < y ? -1 : 1;
  }
  return first.length - second.length;
}

/** The names of the base scope: builtins that are variables too, and the constants. */
function baseNames(session: EvaluationSession): Iterable<string> {
  return session.evaluator.globalNames;
}
