// `evenkeel version`: what is running.
// Knows nothing of a cluster.
import { Command } from 'commander';
import { version as evenkeel } from '#lib/version.ts';

export function versionCommand(): Command {
  return new Command('version')
    .summary('show the version')
    .description('Shows the version of Evenkeel and of the Node.js it runs on.')
    .option('-o, --output <format>', 'json')
    .addHelpText('after', '\nExamples:\n  $ evenkeel version\n  $ evenkeel version -o json')
    .action((options: { output?: string }) => {
      const version = {
        evenkeel,
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
