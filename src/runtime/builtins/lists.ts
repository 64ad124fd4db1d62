/**
 * Builtins on lists.
 *
 * Invariant: a list given as argument is never changed; when the result equals an argument, the
 * argument itself is returned.
 */

import { call, call2 } from '../call.ts';
import { forceBool, forceFunction, forceInt, forceList, forceStringNoContext } from '../coerce.ts';
import { placeOf, suspendCalls } from '../applied-thunk.ts';
import { Attrs } from '../attrs.ts';
import { checkListLength, evalError } from '../errors.ts';
import { compareValues, equalValues } from '../operators.ts';
import { packedArray } from '../packed-array.ts';
import { force, forceAt } from '../thunk.ts';
import { PrimOp, type Slot, type Value } from '../values.ts';
import { definePrimOp, type PrimOpDefinition } from './define.ts';

export const lists: readonly PrimOpDefinition[] = [
  definePrimOp({
    name: 'length',
    args: ['list'],
    doc: 'The number of elements of *list*.',
    run: (_, list) =>
      forceList(list, 0, 'while evaluating the first argument passed to builtins.length').length,
  }),
  definePrimOp({
    name: 'elemAt',
    args: ['list', 'n'],
    doc: 'The element of *list* at index *n*, counted from 0. Fails when there is none.',
    run: (_, list, n) => {
      const index = forceInt(
        n,
        0,
        "while evaluating the second argument passed to 'builtins.elemAt'",
      );
      const items = forceList(
        list,
        0,
        "while evaluating the first argument passed to 'builtins.elemAt'",
      );
      if (index < 0 || index >= items.length) {
        throw evalError(
          `'builtins.elemAt' called with index ${index} on a list of size ${items.length}`,
        );
      }
      return forceAt(items, Number(index));
    },
  }),
  definePrimOp({
    name: 'head',
    args: ['list'],
    doc: 'The first element of *list*. Fails when the list is empty.',
    run: (_, list) => {
      const items = forceList(
        list,
        0,
        "while evaluating the first argument passed to 'builtins.head'",
      );
      if (items.length === 0) throw evalError("'builtins.head' called on an empty list");
      return forceAt(items, 0);
    },
  }),
  definePrimOp({
    name: 'tail',
    args: ['list'],
    doc:
      'The list without its first element. Fails when the list is empty. Takes time proportional' +
      ' to the length, so walking a list by `head` and `tail` takes quadratic time.',
    run: (_, list) => {
      const items = forceList(
        list,
        0,
        "while evaluating the first argument passed to 'builtins.tail'",
      );
      if (items.length === 0) throw evalError("'builtins.tail' called on an empty list");
      return items.slice(1);
    },
  }),
  definePrimOp({
    name: 'map',
    args: ['f', 'list'],
    global: true,
    doc: 'The list of *f* applied to each element of *list*; each result is computed when wanted.',
    run: (_, f, list) => {
      const items = forceList(
        list,
        0,
        'while evaluating the second argument passed to builtins.map',
      );
      if (items.length === 0) return items;
      const fn = forceFunction(
        f,
        0,
        'while evaluating the first argument passed to builtins.map',
      );
      const result = items.slice();
      suspendCalls(fn, result);
      return result;
    },
  }),
  definePrimOp({
    name: 'filter',
    args: ['f', 'list'],
    doc: 'The elements of *list* for which *f* returns `true`.',
    run: (_, f, list) => {
      const items = forceList(
        list,
        0,
        'while evaluating the second argument passed to builtins.filter',
      );
      if (items.length === 0) return items;
      const fn = forceFunction(
        f,
        0,
        'while evaluating the first argument passed to builtins.filter',
      );
      const kept = packedArray<Slot>(items.length);
      let count = 0;
      for (let i = 0; i < items.length; i++) {
        const item = items[i]!;
        const answer = call(fn, item);
        if (answer === true) kept[count++] = item;
        else if (answer !== false) {
          forceBool(
            answer,
            0,
            'while evaluating the return value of the filtering function passed to builtins.filter',
          );
        }
      }
      return count === items.length ? items : kept.slice(0, count);
    },
  }),
  definePrimOp({
    name: 'elem',
    args: ['x', 'list'],
    doc: 'Whether an element of *list* equals *x*.',
    run: (_, x, list) => {
      const items = forceList(
        list,
        0,
        'while evaluating the second argument passed to builtins.elem',
      );
      const text = 'while searching for the presence of the given element in the list';
      for (let i = 0; i < items.length; i++) {
        if (equalValues(x, items[i]!, 0, text)) return true;
      }
      return false;
    },
  }),
  definePrimOp({
    name: 'concatLists',
    args: ['lists'],
    doc: 'The elements of all lists in *lists*, one list after the other.',
    run: (_, lists) => {
      const parts = forceList(
        lists,
        0,
        'while evaluating the first argument passed to builtins.concatLists',
      );
      const text = 'while evaluating a value of the list passed to builtins.concatLists';
      return concatenate(parts, (part) => forceList(part, 0, text));
    },
  }),
  definePrimOp({
    name: 'concatMap',
    args: ['f', 'list'],
    doc: 'The elements of the lists that *f* returns for the elements of *list*.',
    run: (_, f, list) => {
      const fn = forceFunction(
        f,
        0,
        'while evaluating the first argument passed to builtins.concatMap',
      );
      const items = forceList(
        list,
        0,
        'while evaluating the second argument passed to builtins.concatMap',
      );
      const text = 'while evaluating the return value of the function passed to builtins.concatMap';
      return concatenate(items, (item) => {
        const part = call(fn, item);
        return Array.isArray(part) ? part : forceList(part, placeOf(fn), text);
      });
    },
  }),
  definePrimOp({
    name: "foldl'",
    args: ['op', 'nul', 'list'],
    doc:
      'Reduces *list* from the left: `op (op (op nul x0) x1) x2 …`. Each result of *op* is' +
      ' evaluated before the next step; *nul* itself only when it is used.',
    run: (_, op, nul, list) => {
      const fn = forceFunction(
        op,
        0,
        'while evaluating the first argument passed to builtins.foldlStrict',
      );
      const items = forceList(
        list,
        0,
        'while evaluating the third argument passed to builtins.foldlStrict',
      );
      if (items.length === 0) return force(nul);
      let current = call2(fn, nul, items[0]!);
      for (let i = 1; i < items.length; i++) current = call2(fn, current, items[i]!);
      return current;
    },
  }),
  definePrimOp({
    name: 'any',
    args: ['pred', 'list'],
    doc: 'Whether *pred* returns `true` for at least one element of *list*.',
    run: (_, pred, list) => anyOrAll(true, anyTexts, pred, list),
  }),
  definePrimOp({
    name: 'all',
    args: ['pred', 'list'],
    doc: 'Whether *pred* returns `true` for every element of *list*.',
    run: (_, pred, list) => anyOrAll(false, allTexts, pred, list),
  }),
  definePrimOp({
    name: 'genList',
    args: ['generator', 'length'],
    doc: 'The list of *generator* applied to 0, 1, … *length* - 1.',
    run: (_, generator, length, position) => {
      const count = forceInt(
        length,
        0,
        'while evaluating the second argument passed to builtins.genList',
      );
      if (count < 0 || count > 0xffff_ffff) {
        throw evalError(`cannot create list of size ${count}`);
      }
      checkListLength(Number(count), position);
      const fn = forceFunction(
        generator,
        0,
        'while evaluating the first argument passed to builtins.genList',
      );
      const result: Slot[] = [];
      for (let i = 0; i < count; i++) result.push(i);
      suspendCalls(fn, result);
      return result;
    },
  }),
  definePrimOp({
    name: 'sort',
    args: ['comparator', 'list'],
    doc:
      '*list* in the order that *comparator* says: `comparator a b` tells whether *a* comes before' +
      ' *b*. Elements of which neither comes first keep their order.',
    run: (_, comparator, list) => sort(comparator, list),
  }),
  definePrimOp({
    name: 'partition',
    args: ['pred', 'list'],
    doc:
      'A set with `right`, the elements of *list* for which *pred* returns `true`, and `wrong`,' +
      ' the others.',
    run: (_, pred, list) => {
      const fn = forceFunction(
        pred,
        0,
        'while evaluating the first argument passed to builtins.partition',
      );
      const items = forceList(
        list,
        0,
        'while evaluating the second argument passed to builtins.partition',
      );
      const right: Slot[] = [];
      const wrong: Slot[] = [];
      for (let i = 0; i < items.length; i++) {
        const item = items[i]!;
        force(item);
        const answer = forceBool(
          call(fn, item),
          0,
          'while evaluating the return value of the partition function passed to builtins.partition',
        );
        (answer ? right : wrong).push(item);
      }
      return partitioned.withSlots([right, wrong]);
    },
  }),
  definePrimOp({
    name: 'groupBy',
    args: ['f', 'list'],
    doc: 'The elements of *list* by the names that *f* returns for them: a set of lists.',
    run: (_, f, list) => {
      const fn = forceFunction(
        f,
        0,
        'while evaluating the first argument passed to builtins.groupBy',
      );
      const items = forceList(
        list,
        0,
        'while evaluating the second argument passed to builtins.groupBy',
      );
      const groups = new Map<string, Slot[]>();
      for (let i = 0; i < items.length; i++) {
        const item = items[i]!;
        const name = forceStringNoContext(
          call(fn, item),
          0,
          'while evaluating the return value of the grouping function passed to builtins.groupBy',
        );
        const group = groups.get(name);
        if (group === undefined) groups.set(name, [item]);
        else group.push(item);
      }
      return Attrs.fromNames([...groups.keys()], [...groups.values()]);
    },
  }),
];

const partitioned = Attrs.fromNames(['right', 'wrong'], [null, null]);

function concatenate(items: readonly Slot[], listOf: (item: Slot) => Slot[]): Slot[] {
  if (items.length === 1) return listOf(items[0]!);
  const parts = packedArray<Slot[]>(items.length);
  let count = 0;
  for (let i = 0; i < items.length; i++) {
    const part = listOf(items[i]!);
    parts[i] = part;
    count += part.length;
    checkListLength(count, 0);
  }
  const result = packedArray<Slot>(count);
  let end = 0;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    for (let j = 0; j < part.length; j++) result[end++] = part[j]!;
  }
  return result;
}

interface PredicateTexts {
  readonly first: string;
  readonly second: string;
  readonly answer: string;
}

/** Made once: these builtins are called very often. */
const anyTexts = predicateTexts('any');
const allTexts = predicateTexts('all');

function predicateTexts(name: string): PredicateTexts {
  return {
    first: `while evaluating the first argument passed to builtins.${name}`,
    second: `while evaluating the second argument passed to builtins.${name}`,
    answer: `while evaluating the return value of the function passed to builtins.${name}`,
  };
}

/** Whether an element gives `wanted`, as `wanted`. */
function anyOrAll(wanted: boolean, texts: PredicateTexts, pred: Slot, list: Slot): boolean {
  const fn = forceFunction(pred, 0, texts.first);
  const items = forceList(list, 0, texts.second);
  for (let i = 0; i < items.length; i++) {
    const answer = call(fn, items[i]!);
    if (typeof answer !== 'boolean') forceBool(answer, 0, texts.answer);
    if (answer === wanted) return wanted;
  }
  return !wanted;
}

function sort(comparator: Slot, list: Slot): Value {
  const items = forceList(
    list,
    0,
    'while evaluating the second argument passed to builtins.sort',
  );
  if (items.length === 0) return items;
  const fn = forceFunction(
    comparator,
    0,
    'while evaluating the first argument passed to builtins.sort',
  );
  const values: Value[] = [];
  for (let i = 0; i < items.length; i++) values.push(forceAt(items, i));
  if (fn instanceof PrimOp && fn.name === 'lessThan') {
    const text = 'while evaluating the ordering function passed to builtins.sort';
    if (values.every((value) => typeof value === 'string')) {
      return values.sort((a, b) => (a! < b! ? -1 : a! > b! ? 1 : 0));
    }
    if (values.every((value) => typeof value === 'number')) {
      return values.sort((a, b) => (a as number) - (b as number));
    }
    return mergeSort(values, (a, b) => compareValues(a, b, 0, text));
  }
  return mergeSort(values, (a, b) => {
    const answer = call2(fn, a, b);
    if (typeof answer === 'boolean') return answer;
    return forceBool(
      answer,
      0,
      'while evaluating the return value of the sorting function passed to builtins.sort',
    );
  });
}

/**
 * Stable, and always a reordering of the items, however little sense `isLess` makes. Runs that are
 * already in order are found first, so that sorting what is sorted takes one pass.
 */
function mergeSort(items: Value[], isLess: (a: Value, b: Value) => boolean): Value[] {
  const runs = findRuns(items, isLess);
  let from = items;
  let to: Value[] = new Array<Value>(items.length);
  while (runs.length > 2) {
    let n = 1;
    for (let r = 0; r + 1 < runs.length; r += 2) {
      const end = runs[r + 2] ?? runs[r + 1]!;
      merge(from, to, runs[r]!, runs[r + 1]!, end, isLess);
      runs[n++] = end;
    }
    runs.length = n;
    [from, to] = [to, from];
  }
  return from;
}

/** The beginnings of ascending runs and the end; strictly descending ones are turned round. */
function findRuns(items: Value[], isLess: (a: Value, b: Value) => boolean): number[] {
  const runs = [0];
  let i = 0;
  while (i < items.length) {
    const begin = i++;
    if (i < items.length && isLess(items[i]!, items[begin]!)) {
      i++;
      while (i < items.length && isLess(items[i]!, items[i - 1]!)) i++;
      for (let a = begin, b = i - 1; a < b; a++, b--) {
        [items[a], items[b]] = [items[b]!, items[a]!];
      }
    } else if (i < items.length) {
      i++;
      while (i < items.length && !isLess(items[i]!, items[i - 1]!)) i++;
    }
    runs.push(i);
  }
  return runs;
}

function merge(
  from: readonly Value[],
  to: Value[],
  begin: number,
  middle: number,
  end: number,
  isLess: (a: Value, b: Value) => boolean,
): void {
  let left = begin;
  let right = middle;
  let out = begin;
  while (left < middle && right < end) {
    to[out++] = isLess(from[right]!, from[left]!) ? from[right++]! : from[left++]!;
  }
  while (left < middle) to[out++] = from[left++]!;
  while (right < end) to[out++] = from[right++]!;
}
