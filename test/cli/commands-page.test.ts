/** docs/commands.md says what the commands themselves say. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { commandsPage, pagePath } from './commands-page.ts';

test('the page of commands is what the commands say by --help', async () => {
  const page = await commandsPage();
  assert.ok(page.includes('## nix build\n') && page.includes('## nix-store\n'));
  assert.equal(readFileSync(pagePath, 'utf8'), page, 'node test/cli/commands-page.ts writes it anew');
});
