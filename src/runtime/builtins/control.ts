/**
 * Builtins that direct evaluation: forcing, failing, catching, tracing, importing, the
 * environment.
 */

import { NixError } from '#diagnostics';
import { Attrs } from '../attrs.ts';
import { depthNow, restoreDepth } from '../call-depth.ts';
import { coerceToString, forceAttrs, forceString, forceStringNoContext } from '../coerce.ts';
import { ContextCollector } from '../context.ts';
import { debugging } from '../debugging.ts';
import { nixError } from '../errors.ts';
import { forceDeep } from '../force-deep.ts';
import { printValue } from '../print.ts';
import type { EvalServices } from '../services.ts';
import { force } from '../thunk.ts';
import { ContextString, type Slot, type Value } from '../values.ts';
import { definePrimOp, type PrimOpDefinition } from './define.ts';
import { importDerivation } from './import-derivation.ts';
import { realisePath } from './paths.ts';

export const control: readonly PrimOpDefinition[] = [
  definePrimOp({
    name: 'import',
    args: ['path'],
    global: true,
    doc:
      'The value of the Nix file at *path*, or of `default.nix` in it if it is a directory. A file' +
      ' is evaluated once. A derivation file of the store gives that derivation.',
    run: (services, path, position) => {
      const file = realisePath(services, path, 'none');
      const derivation = importDerivation(services, file);
      return derivation ?? services.importFile(file, position);
    },
  }),
  definePrimOp({
    name: 'scopedImport',
    args: ['scope', 'path'],
    global: true,
    doc:
      'As `import`, with the attributes of *scope* as variables in the file. The file is' +
      ' evaluated anew each time.',
    run: (services, scope, path, position) => {
      const file = realisePath(services, path, 'none');
      const derivation = importDerivation(services, file);
      if (derivation !== undefined) return derivation;
      const names = forceAttrs(
        scope,
        0,
        'while evaluating the first argument passed to builtins.scopedImport',
      );
      return services.scopedImport(names, file, position);
    },
  }),
  definePrimOp({
    name: 'abort',
    args: ['s'],
    global: true,
    doc: 'Stops evaluation with the message *s*; `tryEval` does not catch it.',
    run: (services, s) => {
      const message = coerceToString(
        s,
        services,
        new ContextCollector(),
        0,
        'while evaluating the error message passed to builtins.abort',
      );
      const text = `evaluation aborted with the following error message: '${message}'`;
      throw nixError('Abort', text);
    },
  }),
  definePrimOp({
    name: 'throw',
    args: ['s'],
    global: true,
    doc: 'Fails with the message *s*; `tryEval` catches it.',
    run: (services, s) => {
      const message = coerceToString(
        s,
        services,
        new ContextCollector(),
        0,
        'while evaluating the error message passed to builtin.throw',
      );
      throw nixError('ThrownError', message);
    },
  }),
  definePrimOp({
    name: 'addErrorContext',
    args: ['context', 'value'],
    addsTrace: false,
    doc: 'The *value*; if it fails, *context* is shown in the trace.',
    run: (services, context, value) => {
      try {
        return force(value);
      } catch (error) {
        if (!(error instanceof NixError)) throw error;
        const message = coerceToString(
          context,
          services,
          new ContextCollector(),
          0,
          'while evaluating the error message passed to builtins.addErrorContext',
          { copyToStore: false },
        );
        throw error.addTrace(0, message, 'always');
      }
    },
  }),
  definePrimOp({
    name: 'tryEval',
    args: ['e'],
    doc:
      'Evaluates *e* and returns `{ success = true; value = …; }`, or, if that runs into `throw`' +
      ' or a failing `assert`, `{ success = false; value = false; }`. Other errors are not caught.',
    run: (_, e) => {
      const depth = depthNow();
      try {
        const { current } = debugging;
        return attempt.withSlots([true, current === undefined ? force(e) : current.attempt(() => force(e))]);
      } catch (error) {
        if (!(error instanceof NixError && error.isCatchable)) throw error;
        restoreDepth(depth);
        return attempt.withSlots([false, false]);
      }
    },
  }),
  definePrimOp({
    name: 'seq',
    args: ['e1', 'e2'],
    doc: 'Evaluates *e1*, then returns *e2*.',
    run: (_, e1, e2) => {
      force(e1);
      return force(e2);
    },
  }),
  definePrimOp({
    name: 'deepSeq',
    args: ['e1', 'e2'],
    doc: 'Evaluates *e1* with everything in it, then returns *e2*.',
    run: (services, e1, e2) => {
      forceDeep(e1);
      return force(e2);
    },
  }),
  definePrimOp({
    name: 'trace',
    args: ['e1', 'e2'],
    doc: 'Prints *e1* on standard error, then returns *e2*.',
    run: (services, e1, e2) => trace(services, e1, e2),
  }),
  definePrimOp({
    name: 'traceVerbose',
    args: ['e1', 'e2'],
    doc: 'As `trace` with the setting `trace-verbose`; without it, *e1* is not even evaluated.',
    run: (services, e1, e2) =>
      services.settings.traceVerbose ? trace(services, e1, e2) : force(e2),
  }),
  definePrimOp({
    name: 'warn',
    args: ['e1', 'e2'],
    doc:
      'Prints the string *e1* as a warning, then returns *e2*. With the setting `abort-on-warn` it' +
      ' fails instead.',
    run: (services, e1, e2) => {
      const message = forceString(
        e1,
        0,
        'while evaluating the first argument; the message passed to builtins.warn',
      );
      services.warn(indentMessage(message), 'evaluation warning');
      if (services.settings.abortOnWarn) {
        throw nixError(
          'Error',
          'aborting to reveal stack trace of warning, as abort-on-warn is set',
        );
      }
      debugging.current?.said('warning');
      return force(e2);
    },
  }),
  definePrimOp({
    name: 'break',
    args: ['v'],
    global: true,
    doc: 'The value *v*. In the debugger (`--debugger`), evaluation stops here first.',
    run: (_, v) => {
      debugging.current?.reachedBreak();
      return force(v);
    },
  }),
  definePrimOp({
    name: 'getEnv',
    args: ['s'],
    doc:
      'The environment variable *s*, or the empty string if it is not set or evaluation is pure or' +
      ' restricted.',
    run: (services, s) => {
      const name = forceStringNoContext(
        s,
        0,
        'while evaluating the first argument passed to builtins.getEnv',
      );
      const { pureEval, restrictEval } = services.settings;
      return pureEval || restrictEval ? '' : (services.host.environmentVariable(name) ?? '');
    },
  }),
];

const attempt = Attrs.fromNames(['success', 'value'], [null, null]);

/** Lines after the first stand below its beginning, unless the first is empty. */
function indentMessage(message: string): string {
  if (message.startsWith('\n')) return message;
  return message.replaceAll('\n', `\n${' '.repeat('evaluation warning: '.length)}`);
}

function trace(services: EvalServices, e1: Slot, e2: Slot): Value {
  const value = force(e1);
  services.trace(
    value instanceof ContextString
      ? value.text
      : typeof value === 'string'
        ? value
        : printValue(value, services, {}),
  );
  debugging.current?.said('trace');
  return force(e2);
}
