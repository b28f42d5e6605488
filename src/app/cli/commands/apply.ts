// `evenkeel apply`: brings manifests into a running cluster, by server-side apply.
// Knows options and printing.
import { Command, Option } from 'commander';
import { Failure, UsageFailure } from '../../failure.ts';
import { type Images, rememberImages } from '../../main/images-file.ts';
import { applyManifests } from '../../manifests/apply.ts';
import { effectNotes } from '../../manifests/effect-notes.ts';
import { formatProblem } from '../../manifests/format.ts';
import { readManifests } from '../../manifests/read.ts';
import { type ConnectOptions, connect } from '../connect.ts';
import { parseImage } from '../image-option.ts';

interface Options extends ConnectOptions {
  readonly namespace?: string;
  readonly recursive: boolean;
  readonly images?: string;
  readonly image?: Images;
  readonly forceConflicts: boolean;
  readonly dryRun: boolean;
  readonly filename?: readonly string[];
}

export function applyCommand(): Command {
  return new Command('apply')
    .summary('apply manifests to a running cluster')
    .description(
      'Applies manifests (files, directories, or - for standard input) by server-side apply, and says what became of each object. A bad document is named with its place; the others go in.',
    )
    .argument('[path...]', 'files, directories, or -')
    .option('-f, --filename <path...>', 'as the argument; for fingers used to kubectl')
    .option('-R, --recursive', 'look below directories as well', false)
    .option('--images <file>', 'an evenkeel.yaml that says what images run, when it is not beside the manifests')
    .addOption(
      new Option(
        '--image <name=command>',
        'what runs in place of an image (repeatable); a name without tag is every tag',
      ).argParser(parseImage),
    )
    .option('-n, --namespace <name>', 'for objects that name none')
    .option('--force-conflicts', 'take over fields that another manager set', false)
    .option('--dry-run', 'let the server check, and change nothing', false)
    .option('--data <dir>', 'data directory of the cluster (default: ~/.evenkeel)')
    .option('--kubeconfig <file>', 'another cluster')
    .option('--context <name>', 'context of that kubeconfig')
    .addHelpText(
      'after',
      `
Examples:
  $ evenkeel apply examples/shop
  $ helm template my-chart | evenkeel apply -`,
    )
    .action(async (paths: string[], options: Options) => {
      process.exitCode = (await apply([...paths, ...(options.filename ?? [])], options)) ? 0 : 1;
    });
}

async function apply(paths: readonly string[], options: Options): Promise<boolean> {
  if (paths.length === 0) {
    throw new UsageFailure('No manifests are named', 'Name files or directories, or - for standard input');
  }
  const { objects, problems, images } = await readManifests(paths, {
    recursive: options.recursive,
    ...(options.images === undefined ? {} : { projectFile: options.images }),
  });
  for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
  if (objects.length === 0 && problems.length === 0) {
    throw new Failure('The manifests hold no objects', 'Check that these are the files you mean');
  }
  const { client, namespace, data } = await connect(options);
  try {
    // The node looks there whenever it starts a container.
    if (data !== undefined) for (const note of effectNotes(objects)) process.stderr.write(`${note}\n`);
    if (data !== undefined && !options.dryRun) rememberImages(data.images, { ...images, ...options.image });
    const applied = await applyManifests(objects, {
      client,
      namespace: options.namespace ?? namespace,
      force: options.forceConflicts,
      dryRun: options.dryRun,
      onApplied: (result) => {
        if (result.outcome !== 'failed') process.stdout.write(`${result.name} ${result.outcome}\n`);
        else for (const problem of result.problems) process.stderr.write(`${formatProblem(problem)}\n`);
      },
    });
    return problems.length === 0 && applied.every(({ outcome }) => outcome !== 'failed');
  } finally {
    await client.close();
  }
}
