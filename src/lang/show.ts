/**
 * The tree as text, fully parenthesised: what `--parse` prints and failed assertions quote.
 */

import { keywords } from './tokens.ts';
import { classes, isIdPart, isIdStart } from './characters.ts';
import type { AttrName, AttrsExpr, Expr, LambdaExpr } from './tree.ts';

/** An expression as C++ Nix prints its tree. */
export function showExpr(expr: Expr): string {
  const out: string[] = [];
  show(expr, out);
  return out.join('');
}

/** `a.b."c d"`, dynamic parts as `"${…}"`. */
export function showAttrPath(path: readonly AttrName[]): string {
  return path
    .map((name) => (typeof name === 'string' ? showIdentifier(name) : `"\${${showExpr(name)}}"`))
    .join('.');
}

/** A name, quoted unless it can stand as an identifier. */
export function showIdentifier(name: string): string {
  if (name === '') return '""';
  if (keywords.has(name) && name !== 'or') return `"${name}"`;
  if ((classes[name.charCodeAt(0)]! & isIdStart) === 0) return showString(name);
  for (let i = 1; i < name.length; i++) {
    if ((classes[name.charCodeAt(i)]! & isIdPart) === 0) return showString(name);
  }
  return name;
}

/** A string literal. */
export function showString(text: string): string {
  let result = '"';
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const escape = escapeOf(text, i);
    if (escape === '') continue;
    result += text.slice(from, i) + escape;
    from = i + 1;
  }
  return `${result}${text.slice(from)}"`;
}

function escapeOf(text: string, i: number): string {
  switch (text.charCodeAt(i)) {
    case 34:
      return '\\"';
    case 92:
      return '\\\\';
    case 10:
      return '\\n';
    case 13:
      return '\\r';
    case 9:
      return '\\t';
    case 36:
      return text.charCodeAt(i + 1) === 123 ? '\\$' : '';
    default:
      return '';
  }
}

function show(expr: Expr, out: string[]): void {
  switch (expr.kind) {
    case 'int':
      out.push(String(expr.value));
      return;
    case 'float':
      out.push(showFloat(expr.value));
      return;
    case 'string':
      out.push(showString(expr.value));
      return;
    case 'path':
      out.push(expr.path);
      return;
    case 'var':
      out.push(showIdentifier(expr.name));
      return;
    case 'inheritFrom':
      return;
    case 'select':
      out.push('(');
      show(expr.subject, out);
      out.push(`).${showAttrPath(expr.path)}`);
      if (expr.fallback !== undefined) {
        out.push(' or (');
        show(expr.fallback, out);
        out.push(')');
      }
      return;
    case 'hasAttr':
      out.push('((');
      show(expr.subject, out);
      out.push(`) ? ${showAttrPath(expr.path)})`);
      return;
    case 'attrs':
      out.push(expr.recursive ? 'rec { ' : '{ ');
      showBindings(expr, out);
      out.push('}');
      return;
    case 'list':
      out.push('[ ');
      for (const element of expr.elements) {
        out.push('(');
        show(element, out);
        out.push(') ');
      }
      out.push(']');
      return;
    case 'lambda':
      return showLambda(expr, out);
    case 'call':
      out.push('(');
      show(expr.callee, out);
      for (const arg of expr.args) {
        out.push(' ');
        show(arg, out);
      }
      out.push(')');
      return;
    case 'let':
      out.push('(let ');
      showBindings(expr.bindings, out);
      out.push('in ');
      show(expr.body, out);
      out.push(')');
      return;
    case 'with':
      out.push('(with ');
      show(expr.scope, out);
      out.push('; ');
      show(expr.body, out);
      out.push(')');
      return;
    case 'if':
      out.push('(if ');
      show(expr.condition, out);
      out.push(' then ');
      show(expr.then, out);
      out.push(' else ');
      show(expr.otherwise, out);
      out.push(')');
      return;
    case 'assert':
      out.push('assert ');
      show(expr.condition, out);
      out.push('; ');
      show(expr.body, out);
      return;
    case 'not':
      out.push('(! ');
      show(expr.operand, out);
      out.push(')');
      return;
    case 'binary':
      out.push('(');
      show(expr.left, out);
      out.push(` ${expr.operator} `);
      show(expr.right, out);
      out.push(')');
      return;
    case 'concat':
      out.push('(');
      expr.parts.forEach((part, i) => {
        if (i > 0) out.push(' + ');
        show(part.value, out);
      });
      out.push(')');
      return;
    case 'currentPosition':
      out.push('__curPos');
  }
}

function showLambda(expr: LambdaExpr, out: string[]): void {
  out.push('(');
  if (expr.formals !== undefined) {
    out.push('{ ');
    const formals = [...expr.formals].sort((a, b) => (a.name < b.name ? -1 : 1));
    formals.forEach((formal, i) => {
      if (i > 0) out.push(', ');
      out.push(showIdentifier(formal.name));
      if (formal.fallback !== undefined) {
        out.push(' ? ');
        show(formal.fallback, out);
      }
    });
    if (expr.ellipsis) out.push(formals.length > 0 ? ', ...' : '...');
    out.push(' }');
    if (expr.argument !== undefined) out.push(' @ ');
  }
  if (expr.argument !== undefined) out.push(showIdentifier(expr.argument));
  out.push(': ');
  show(expr.body, out);
  out.push(')');
}

function showBindings(set: AttrsExpr, out: string[]): void {
  const sorted = [...set.attrs].sort((a, b) => (a[0] < b[0] ? -1 : 1));
  const inherited = sorted.filter(([, binding]) => binding.kind === 'inherited');
  if (inherited.length > 0) {
    out.push(`inherit ${inherited.map(([name]) => showIdentifier(name)).join(' ')}; `);
  }
  set.sources.forEach((source, index) => {
    const names = sorted.filter(([, { value }]) => sourceIndex(value) === index);
    if (names.length === 0) return;
    out.push('inherit (');
    show(source, out);
    out.push(`) ${names.map(([name]) => showIdentifier(name)).join(' ')}; `);
  });
  for (const [name, binding] of sorted) {
    if (binding.kind !== 'plain') continue;
    out.push(`${showIdentifier(name)} = `);
    show(binding.value, out);
    out.push('; ');
  }
  for (const { name, value } of set.dynamic) {
    out.push('"${');
    show(name, out);
    out.push('}" = ');
    show(value, out);
    out.push('; ');
  }
}

function sourceIndex(value: Expr): number {
  return value.kind === 'select' && value.subject.kind === 'inheritFrom'
    ? value.subject.index
    : -1;
}

function showFloat(value: number): string {
  const [mantissa, exponentText] = value.toExponential(5).split('e') as [string, string];
  const exponent = Number(exponentText);
  if (value === 0) return '0';
  if (exponent < -4 || exponent >= 6) {
    const digits = String(Math.abs(exponent)).padStart(2, '0');
    return `${trimZeros(mantissa)}e${exponent < 0 ? '-' : '+'}${digits}`;
  }
  return trimZeros(value.toFixed(5 - exponent));
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
