/**
 * What the parser remarks about a text that it accepts: literals that the user wants linted, and
 * the old use of `or` as a name.
 */

import { NixError, showPosition } from '#diagnostics';
import type { Expr, Offset } from './tree.ts';

/** Literals that may be linted, by the name of the setting without `lint-`. */
export type LintName = 'url-literals' | 'short-path-literals' | 'absolute-path-literals';
export type Lints = { readonly [name in LintName]?: 'warn' | 'fatal' };

export class Remarks {
  readonly warnings: NixError[] = [];
  private readonly base: number;
  private readonly lints: Lints;
  /** The last call of something with the variable `or`, and where it stands. */
  private orCall: { readonly expr: Expr; readonly start: Offset; readonly end: Offset } | undefined;

  constructor(base: number, lints: Lints) {
    this.base = base;
    this.lints = lints;
  }

  /** Reports a literal as the lint `name` is set; throws if that is fatal. */
  lint(name: LintName, message: (isFatal: boolean) => string, offset: Offset): void {
    const level = this.lints[name];
    if (level === undefined) return;
    const isFatal = level === 'fatal';
    const text = `${message(isFatal)} (lint-${name})`;
    const remark = new NixError(isFatal ? 'ParseError' : 'Error', text, this.base + offset);
    if (isFatal) throw remark;
    this.warnings.push(remark);
  }

  noteOr(expr: Expr, start: Offset, end: Offset): void {
    this.orCall = { expr, start, end };
  }

  forgetOr(): void {
    this.orCall = undefined;
  }

  /** Warns if `argument` is a call with `or`: read as C++ Nix will read it, it means another. */
  aboutOr(argument: Expr, text: string): void {
    const found = this.orCall;
    if (found === undefined || found.expr !== argument) return;
    const place = showPosition(this.base + found.start);
    const message =
      `at ${place}: This expression uses \`or\` as an identifier in a way that will change in a` +
      ' future Nix release.\nWrap this entire expression in parentheses to preserve its current' +
      ` meaning:\n    (${text.slice(found.start, found.end)})\n` +
      'Give feedback at https://github.com/NixOS/nix/pull/11121';
    this.warnings.push(new NixError('Error', message));
  }
}
