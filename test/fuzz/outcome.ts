/** What evaluations of random programs come to, in words that can be compared. */

import { decodeUtf8, UserError } from '#base';
import { NixError } from '#diagnostics';
import { Unhandled, Unkept } from '#flat';
import { forceDeep, printAmbiguous } from '#runtime';
import type { Session } from '../semantics/evaluate.ts';

export type Evaluate = () => ReturnType<Session['evaluator']['evaluateText']>;

export const failure = 'it fails';
export const unkept = 'to be evaluated anew';

/** What an evaluation shows and comes to, or that it fails. */
export function outcome({ evaluator, output }: Session, evaluate: Evaluate): string {
  output.length = 0;
  try {
    const value = evaluator.guard(() => {
      const result = evaluate();
      forceDeep(result);
      return decodeUtf8(printAmbiguous(result));
    });
    return [...output, value].join('\n');
  } catch (error) {
    if (error instanceof Unhandled || error instanceof Unkept) return unkept;
    if (error instanceof NixError || error instanceof UserError) return failure;
    return `${(error as Error).stack}`;
  }
}
