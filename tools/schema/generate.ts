// Writes src/kube/api/schema/gen/structure.json from the models of the published client package.
// Run by developers: `node tools/schema/generate.ts [--check]`; nothing at run time needs it.
import { type ExecFileSyncOptions, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildStructure, printStructure } from './structure.ts';

/** Pinned, so that the same command writes the same file on every machine. */
const clientPackage = '@kubernetes/client-node@2.0.1';
const target = fileURLToPath(new URL('../../src/kube/api/schema/gen/structure.json', import.meta.url));

/** Hands `use` the folder of the models, or undefined when the package cannot be fetched. */
export function withModels<T>(use: (directory: string | undefined) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-schema-'));
  try {
    return use(fetchModels(directory));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function fetchModels(directory: string): string | undefined {
  try {
    const quiet: ExecFileSyncOptions = { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 };
    const packed = execFileSync('npm', ['pack', '--silent', clientPackage], quiet).toString().trim();
    execFileSync('tar', ['xzf', packed, 'package/dist/gen/models'], quiet);
  } catch (error) {
    process.stderr.write(`Cannot fetch ${clientPackage}: ${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  }
  return join(directory, 'package/dist/gen/models');
}

/** `same`, `different`, or `skipped` when there is nothing to compare with. */
export function checkStructure(): 'same' | 'different' | 'skipped' {
  return withModels((directory) => {
    if (directory === undefined) return 'skipped';
    return printStructure(buildStructure(directory)) === readFileSync(target, 'utf8') ? 'same' : 'different';
  });
}

function main(): void {
  if (process.argv.includes('--check')) {
    const result = checkStructure();
    process.stdout.write(
      result === 'skipped' ? `skipped: ${clientPackage} is out of reach\n` : `structure.json is ${result}\n`,
    );
    process.exitCode = result === 'different' ? 1 : 0;
    return;
  }
  withModels((directory) => {
    if (directory === undefined) process.exitCode = 1;
    else writeFileSync(target, printStructure(buildStructure(directory)));
  });
}

if (import.meta.main) main();
