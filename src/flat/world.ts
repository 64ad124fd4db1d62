/** What the machine needs of the evaluator around it: one at a time. */

import type { EvalServices } from '#runtime';

let services: EvalServices | undefined;

export function setWorld(given: EvalServices): void {
  services = given;
}

export function world(): EvalServices {
  return services!;
}
