// `evenkeel version`: what is running.
// Knows nothing of a cluster.
import { readFileSync } from 'node:fs';
import { Command } from 'commander';

export function versionCommand(): Command {
  return new Command('version')
    .summary('show the version')
    .description('Shows the version of Evenkeel and of the Node.js it runs on.')
    .option('-o, --output <format>', 'json')
    .addHelpText('after', '\nExamples:\n  $ evenkeel version\n  $ evenkeel version -o json')
    .action((options: { output?: string }) => {
      const version = {
        evenkeel: ownVersion(),
        node: process.versions.node,
        platform: `${process.platform}/${process.arch}`,
      };
      const text =
        options.output === 'json'
          ? JSON.stringify(version, null, 2)
          : `evenkeel ${version.evenkeel} (Node.js ${version.node}, ${version.platform})`;
      process.stdout.write(`${text}\n`);
    });
}

function ownVersion(): string {
  const text = readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
