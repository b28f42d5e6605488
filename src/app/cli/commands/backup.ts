// `evenkeel backup`: keeps what a cluster is in one file, while it runs or not.
// Knows options and words; the work is app/backup.
import { Command } from 'commander';
import { systemClock } from '#lib/clock.ts';
import { progressOn } from '../../backup/progress.ts';
import { openSalvage, openSource } from '../../backup/sources.ts';
import { type BackupJob, backupTo, backupToFile } from '../../backup/write.ts';
import { UsageFailure } from '../../failure.ts';
import { dataDirAt } from '../../main/data-dir.ts';

interface Options {
  readonly data?: string;
  readonly force: boolean;
  readonly salvage: boolean;
}

export function backupCommand(): Command {
  return new Command('backup')
    .summary('keep all that a cluster is in one file')
    .description(
      `Writes all objects of the cluster as they are at one moment, with its certificates and keys, into one file. The
cluster may run: it goes on meanwhile, and the file holds one moment all the same. The file is checked by reading it
again, and appears under its name only when it is whole.

In it are: every object of every kind with its resourceVersion, the authority by which clients know the cluster, the
keys of service accounts and the administrator's, and the address ranges. So a kubeconfig of today works with the
restored cluster, wherever that runs. Not in it are: what pods have written (volumes, images, logs), and the history
of objects. Whoever can read the file can do everything in the cluster: keep it as you keep keys.

It is lines of JSON, compressed by gzip: "zcat FILE | jq" shows what is in it.`,
    )
    .argument('[file]', 'where to write, or - for standard output (default: evenkeel-TIME.backup in this directory)')
    .option('--data <dir>', 'data directory of the cluster (default: ~/.evenkeel)')
    .option('--force', 'replace the file if there is one', false)
    .option('--salvage', 'of a damaged store: keep what can be read, and say what cannot', false)
    .addHelpText(
      'after',
      `
Examples:
  $ evenkeel backup before-upgrade.backup
  $ evenkeel backup - | age -r age1... > /mnt/backups/today.age
  $ evenkeel backup --data /srv/cluster --force /mnt/backups/latest.backup
  $ evenkeel restore before-upgrade.backup          # and back again`,
    )
    .action(async (file: string | undefined, options: Options) => {
      const data = dataDirAt(options.data);
      if (file === '-' && process.stdout.isTTY) {
        throw new UsageFailure(
          'A backup is no text for a terminal',
          'Send it into a file or a program, or name a file',
        );
      }
      const wallMs = systemClock.wall();
      const source = await (options.salvage ? openSalvage(data) : openSource(data));
      const progress = progressOn(process.stderr, 'Saved');
      const job: BackupJob = { data, source, progress, wallMs };
      const path = file ?? `evenkeel-${new Date(wallMs).toISOString().replaceAll(':', '-')}.backup`;
      try {
        if (path === '-') await backupTo(job, process.stdout);
        else await backupToFile(job, path, options.force);
      } finally {
        progress.end();
        await source.close();
      }
      const where = path === '-' ? 'standard output, which nothing has checked' : `"${path}", and checked it`;
      process.stderr.write(`Saved ${source.objects} objects as of revision ${source.revision} to ${where}\n`);
      tellLost(source.lost);
    });
}

export function tellLost(lost: readonly string[] | undefined): void {
  if (lost === undefined) return;
  if (lost.length === 0) process.stderr.write('Nothing is missing\n');
  else process.stderr.write(`Warning: lost are:\n${lost.map((line) => `  ${line}\n`).join('')}`);
}
