/** Lambdas that have some of their arguments and wait for the others. */

import { Lambda, type LambdaInfo, type Slot, type Value } from './values.ts';

/** What is known about the lambda that is left after `count` arguments. */
function after(info: LambdaInfo, count: number): LambdaInfo {
  let current = info;
  for (let i = 0; i < count; i++) current = current.next ?? current;
  return current;
}

/** A lambda that has some of its arguments already, and waits for the others. */
interface Partial {
  readonly lambda: Lambda;
  readonly args: readonly Slot[];
}

/** The lambda that is left of one when it gets fewer arguments than it takes at once. */
export function partial(lambda: Lambda, args: readonly Slot[]): Lambda {
  const known: Partial = { lambda, args };
  const missing = lambda.arity - args.length;
  return new Lambda(runPartial, known, missing, after(lambda.info, args.length));
}

function runPartial({ lambda, args }: Partial, ...rest: Slot[]): Value {
  const { body, frame } = lambda;
  if (args.length === 1) {
    if (rest.length === 1) return body(frame as never, args[0]!, rest[0]!);
    if (rest.length === 2) return body(frame as never, args[0]!, rest[0]!, rest[1]!);
  }
  return body(frame as never, ...args, ...rest);
}
