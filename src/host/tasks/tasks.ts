/** Where the modules of the evaluator's tasks are; they are loaded in its thread only. */

/** Evaluates to derivations: `InstantiateInput` to `FoundDerivation[]`. */
export const instantiateTask = new URL('./instantiate.ts', import.meta.url);
/** Prints values: `PrintInput`. */
export const printTask = new URL('./print-value.ts', import.meta.url);
/** Prints syntax trees: `{ sources }`. */
export const parseTask = new URL('./parse.ts', import.meta.url);
/** Prints what names in the search path stand for: `{ names }`. */
export const findFileTask = new URL('./find-file.ts', import.meta.url);
/** Prints one value as `nix eval` does: `EvalInput`. */
export const evalTask = new URL('./eval-value.ts', import.meta.url);
/** Stays and serves the requests of a REPL: `ReplInput`. */
export const replTask = new URL('./repl.ts', import.meta.url);
/** Finds and builds the packages of a changed user environment: `ChangeInput` to `ChangeResult`. */
export const changeEnvironmentTask = new URL('./user-env/change.ts', import.meta.url);
/** Prints packages, installed or available: `PackageQuery`. */
export const queryPackagesTask = new URL('./user-env/query.ts', import.meta.url);
/** What operands of the new-style commands mean: `InstallableInput` to `DerivedPath[][]`. */
export const installableTask = new URL('./installable.ts', import.meta.url);
/** Evaluates what `nix-shell` gives a shell for: `ShellInput` to `ShellTarget`. */
export const shellTask = new URL('./shell.ts', import.meta.url);
/** Finds out what `nix-prefetch-url` fetches: `PrefetchQuestion` to `PrefetchSource`. */
export const prefetchSourceTask = new URL('./prefetch-source.ts', import.meta.url);
/** Locks flakes, and tells of them: `FlakeTaskInput` to `FlakeTaskResult`. */
export const flakeTask = new URL('./flake.ts', import.meta.url);
/** What references to flakes stand for, their sources and templates: `FlakeSourceInput` to `FlakeSourceResult`. */
export const flakeSourceTask = new URL('./flake-source.ts', import.meta.url);
/** Finds packages by what is said of them: `SearchInput` to `SearchResult`. */
export const searchTask = new URL('./search.ts', import.meta.url);
/** Where a value is defined, or what a bundler makes of it: `ValueQuestion` to `ValueAnswer`. */
export const valueTask = new URL('./value-questions.ts', import.meta.url);
/** How words of command lines may go on: `CompletionQuestion` to names. */
export const completeTask = new URL('./complete.ts', import.meta.url);
/** What `nix run` is to run: `AppInput` to `FoundApp`. */
export const appTask = new URL('./app.ts', import.meta.url);
/** Answers what `nix profile` asks: `ProfileQuestion`. */
export const profileTask = new URL('./profile.ts', import.meta.url);
