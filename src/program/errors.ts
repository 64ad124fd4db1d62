/** What keeps the modules from being linked. */

/** The form of a module is none that the linker knows; the program runs from its modules then. */
export function cannotLink(module: string, what: string): Error {
  return new Error(`cannot link '${module}': ${what}`);
}
