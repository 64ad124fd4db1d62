/**
 * The task that lists packages, installed or available: `nix-env --query`.
 *
 * Nothing is written to the store. What is asked of a package is evaluated when its line is made, so
 * that a listing by name costs little; a package whose evaluation throws is left out.
 */

import { compareByteStrings } from '#base';
import { NixError } from '#diagnostics';
import type { EvaluationSession } from '../../worker/session.ts';
import type { PackageInfo } from './package-info.ts';
import { filterOptions, loadPackages, queryInstalled, type PackageSource } from './package-source.ts';
import { jsonObject, jsonOfPackage, packageColumns, writeTable, xmlOfPackage, type ListingContext } from './listing.ts';
import { filterBySelector } from './selectors.ts';

/** What of each package is shown. */
export interface ShownColumns {
  readonly status: boolean;
  readonly name: boolean;
  readonly attributePath: boolean;
  readonly system: boolean;
  readonly drvPath: boolean;
  readonly outPath: boolean;
  readonly description: boolean;
  readonly meta: boolean;
  readonly compareVersions: boolean;
}

export interface PackageQuery {
  readonly source: PackageSource;
  readonly operands: readonly string[];
  /** Of available packages: the attribute path to start at. */
  readonly attributePath: string;
  readonly profile: string;
  readonly from: 'installed' | 'available';
  readonly form: 'table' | 'xml' | 'json';
  readonly shown: ShownColumns;
  readonly prebuiltOnly: boolean;
  /** Whether a newer version is painted. */
  readonly color: boolean;
}

/** What the task asks: which paths are valid, and which can be fetched. */
export interface StatusQuestion {
  readonly kind: 'status';
  readonly paths: readonly string[];
}

export interface StatusAnswer {
  readonly valid: readonly string[];
  readonly substitutable: readonly string[];
}

/** Prints the listing; JSON is given as text, to be laid out by whoever prints it. */
export function run(session: EvaluationSession, input: unknown): string | undefined {
  const query = input as PackageQuery;
  const context = queryContext(session, query);
  const packages = choosePackages(session, query, context);
  if (query.form === 'json') {
    const members = new Map<string, string>();
    eachPackage(session, packages, (one) => {
      members.set(one.attributePath, jsonOfPackage(one, context, session.evaluator));
    });
    return jsonObject(members);
  }
  if (query.form === 'xml') {
    session.print("<?xml version='1.0' encoding='utf-8'?>\n<items>\n");
    eachPackage(session, packages, (one) => session.print(xmlOfPackage(one, context)));
    session.print('</items>\n');
    return undefined;
  }
  const rows: string[][] = [];
  eachPackage(session, packages, (one) => { rows.push(packageColumns(one, context)); });
  session.print(writeTable(rows));
  return undefined;
}

interface QueryContext extends ListingContext {
  readonly all: readonly PackageInfo[];
}

function queryContext(session: EvaluationSession, query: PackageQuery): QueryContext {
  const { shown, source, from } = query;
  const installed = from === 'installed' || shown.compareVersions || shown.status
    ? queryInstalled(session, query.profile) : [];
  const available = from === 'available' || shown.compareVersions
    ? loadPackages(session, source, query.attributePath) : [];
  const listed = from === 'installed' ? installed : available;
  const all = filterBySelector(listed, query.operands, filterOptions(session, false));
  const sorted = [...all].sort((a, b) => compareNames(a.name, b.name));
  return {
    all: sorted,
    others: from === 'installed' ? available : installed,
    installed: new Set(shown.status ? installed.map((one) => one.outPath) : []),
    shown,
    color: query.color,
    complain: (text) => session.host.progress.message('notice', text),
    ...statusOf(session, query, sorted),
  };
}

function statusOf(session: EvaluationSession, query: PackageQuery, packages: readonly PackageInfo[]) {
  if (!query.shown.status && !query.prebuiltOnly) {
    return { valid: new Set<string>(), substitutable: new Set<string>() };
  }
  const paths: string[] = [];
  eachPackage(session, packages, (one) => { paths.push(one.outPath); });
  const question: StatusQuestion = { kind: 'status', paths };
  const answer = session.converse(question) as StatusAnswer;
  return { valid: new Set(answer.valid), substitutable: new Set(answer.substitutable) };
}

function choosePackages(
  session: EvaluationSession, { prebuiltOnly, form }: PackageQuery, { all, valid, substitutable }: QueryContext,
): PackageInfo[] {
  if (!prebuiltOnly || form === 'json') return [...all];
  const chosen: PackageInfo[] = [];
  eachPackage(session, all, (one) => {
    if (valid.has(one.outPath) || substitutable.has(one.outPath)) chosen.push(one);
  });
  return chosen;
}

/** Does something for each package; one whose evaluation throws or asserts is passed over. */
function eachPackage(
  session: EvaluationSession, packages: readonly PackageInfo[], action: (one: PackageInfo) => void,
): void {
  for (const one of packages) {
    try {
      action(one);
    } catch (error) {
      if (!(error instanceof NixError)) throw error;
      if (!error.isCatchable) throw error.addTrace(0, `while querying the derivation named '${one.name}'`);
      session.host.progress.message(
        'debug', `skipping derivation named '${one.name}' which gives an assertion failure`);
    }
  }
}

/** Without regard to case, as people look names up. */
function compareNames(a: string, b: string): number {
  return compareByteStrings(upperCase(a), upperCase(b));
}

function upperCase(text: string): string {
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}
