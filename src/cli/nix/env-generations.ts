/**
 * The operations of `nix-env` on generations: list, switch, go back, delete; and on which profile is
 * the default.
 */

import { resolve } from 'node:path';
import {
  deleteGenerations, findGenerations, switchGeneration, switchLink, timeOfAge, type GenerationChoice,
} from '#store';
import { usageError } from '../errors.ts';
import type { EnvironmentCommand } from './env-command.ts';
import { profileChange } from './profile-command.ts';

export async function listGenerations(command: EnvironmentCommand): Promise<number> {
  expectOperands(command, 0);
  const { profile, context } = command;
  // Without the lock: whoever may read a profile may list it.
  const { all, current } = findGenerations(profile);
  for (const { number, creationTime } of all) {
    const mark = number === current ? '(current)' : '';
    context.stdout.write(`${String(number).padStart(4)}   ${localTime(creationTime)}   ${mark}\n`);
  }
  return 0;
}

export async function switchToGeneration(command: EnvironmentCommand): Promise<number> {
  expectOperands(command, 1);
  const [operand = ''] = command.flags.operands;
  if (!/^[0-9]+$/.test(operand)) throw usageError('expected a generation number', 'nix-env');
  return switchTo(command, Number(operand));
}

export async function rollBack(command: EnvironmentCommand): Promise<number> {
  expectOperands(command, 0);
  return switchTo(command, undefined);
}

export async function switchProfile(command: EnvironmentCommand): Promise<number> {
  expectOperands(command, 1);
  const { flags, context, places } = command;
  switchLink(places.profileLink, resolve(context.cwd, flags.operands[0] ?? ''));
  return 0;
}

export async function deleteChosenGenerations(command: EnvironmentCommand): Promise<number> {
  const { flags, context, profile } = command;
  await deleteGenerations(profile, generationChoice(flags.operands), profileChange(flags, context), context.signal);
  return 0;
}

/** `old`, `30d`, `+5`, or numbers. */
export function generationChoice(operands: readonly string[]): GenerationChoice {
  const [only = ''] = operands;
  if (operands.length === 1) {
    if (only === 'old') return { kind: 'old' };
    if (only.includes('d')) return { kind: 'olderThan', time: timeOfAge(only, Math.floor(Date.now() / 1000)) };
    if (only.includes('+')) {
      if (!/^.[0-9]+$/.test(only)) throw usageError(`invalid number of generations to keep '${only}'`, 'nix-env');
      return { kind: 'keep', count: Number(only.slice(1)) };
    }
  }
  const numbers = operands.map((operand) => {
    if (!/^[0-9]+$/.test(operand)) throw usageError(`invalid generation number '${operand}'`, 'nix-env');
    return Number(operand);
  });
  return { kind: 'numbers', numbers: new Set(numbers) };
}

async function switchTo({ flags, context, profile }: EnvironmentCommand, number: number | undefined): Promise<number> {
  await switchGeneration(profile, number, profileChange(flags, context), context.signal);
  return 0;
}

function expectOperands({ flags }: EnvironmentCommand, count: 0 | 1): void {
  if (flags.operands.length === count) return;
  throw usageError(count === 0 ? 'no arguments expected' : 'exactly one argument expected', 'nix-env');
}

/** `2026-11-22 19:40:49`, where we are. */
function localTime(seconds: number): string {
  const time = new Date(seconds * 1000);
  const two = (number: number) => String(number).padStart(2, '0');
  const date = `${String(time.getFullYear()).padStart(4)}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${date} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}
