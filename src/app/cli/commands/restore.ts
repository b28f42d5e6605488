// `evenkeel restore`: makes a data directory hold what a backup holds.
// Knows options and words; the work is app/backup.
import { createReadStream } from 'node:fs';
import { Command } from 'commander';
import { systemClock } from '#lib/clock.ts';
import { progressOn } from '../../backup/progress.ts';
import { restore } from '../../backup/restore.ts';
import { openSalvage } from '../../backup/sources.ts';
import { backupToFile, checkBackup } from '../../backup/write.ts';
import { UsageFailure } from '../../failure.ts';
import { createDataDir, type DataDir, dataDirAt } from '../../main/data-dir.ts';
import { tellLost } from './backup.ts';

interface Options {
  readonly data?: string;
  readonly check: boolean;
  readonly salvage: boolean;
}

export function restoreCommand(): Command {
  return new Command('restore')
    .summary('make a cluster what a backup holds')
    .description(
      `Puts what "evenkeel backup" wrote into a data directory whose cluster does not run, on this machine or another.
The file is read and checked whole before anything changes, and then all changes at once: a crash in between leaves
the old cluster or the new one. What was in the directory is kept aside in before-restore-TIME, until you remove it, or "evenkeel down --wipe" everything.

The next start serves the restored objects with the authority and keys of the backup. Revisions leap ahead, so that
clients that were connected before notice, list again, and miss nothing.

With --salvage no file is needed: what can still be read of a damaged store becomes the store, and is kept as a
backup beside it.`,
    )
    .argument('[file]', 'what "evenkeel backup" wrote, or - for standard input')
    .option('--data <dir>', 'data directory to restore into (default: ~/.evenkeel)')
    .option('--check', 'only read the file and say what is in it', false)
    .option('--salvage', 'restore what can be read of the damaged store in the data directory', false)
    .addHelpText(
      'after',
      `
Examples:
  $ evenkeel down && evenkeel restore before-upgrade.backup && evenkeel up
  $ evenkeel restore --check /mnt/backups/latest.backup
  $ age -d today.age | evenkeel restore - --data /srv/cluster
  $ evenkeel restore --salvage`,
    )
    .action(async (given: string | undefined, options: Options) => {
      const data = dataDirAt(options.data);
      if (options.salvage === (given !== undefined)) {
        throw new UsageFailure(
          given === undefined ? 'No backup is named' : '--salvage takes the store that is there, and no backup',
          'Name the file that "evenkeel backup" wrote, or give --salvage alone',
        );
      }
      if (options.check) return check(given ?? '');
      const file = given ?? (await salvaged(data));
      const progress = progressOn(process.stderr, 'Restored');
      const bytes = file === '-' ? process.stdin : createReadStream(file);
      const job = { data, name: file, bytes, progress, wallMs: systemClock.wall() };
      const { header, revision, aside } = await restore(job).finally(() => progress.end());
      process.stdout.write(
        `Restored ${header.objects} objects of ${header.created} to "${data.root}"; its next revision is ${revision + 1}\n`,
      );
      if (aside !== undefined) process.stdout.write(`What was there is kept in "${aside}"\n`);
    });
}

async function check(file: string): Promise<void> {
  if (file === '' || file === '-') throw new UsageFailure('--check reads a file', 'Name the file');
  const { created, objects, revision, program, lost } = await checkBackup(file);
  process.stdout.write(
    `"${file}" is whole: ${objects} objects as of revision ${revision}, written ${created} by version ${program}\n`,
  );
  tellLost(lost);
}

/** A backup of what can be read, beside the store. */
async function salvaged(data: DataDir): Promise<string> {
  createDataDir(data);
  const source = await openSalvage(data);
  const wallMs = systemClock.wall();
  const path = `${data.root}/salvaged-${new Date(wallMs).toISOString().replaceAll(':', '-')}.backup`;
  await backupToFile({ data, source, progress: progressOn(process.stderr, 'Read'), wallMs }, path, false);
  process.stderr.write(`Kept ${source.objects} objects that can be read in "${path}"\n`);
  tellLost(source.lost);
  return path;
}
