// Where the gateway of a data directory has its admin page.
// Knows the file that a running cluster leaves there; asks nobody.
import { Failure } from '../failure.ts';
import { dataDirAt } from '../main/data-dir.ts';
import { readInstance } from '../main/instance-lock.ts';

/** Undefined when no cluster runs on the default directory; throws a `Failure` when none runs on the one that was named. */
export function adminOf(data: string | undefined): string | undefined {
  const directory = dataDirAt(data);
  const url = readInstance(directory.lock)?.adminUrl;
  if (url === undefined && data !== undefined) {
    throw new Failure(
      `No cluster runs on "${directory.root}"`,
      'Start one with "evenkeel up", or name another directory',
    );
  }
  return url;
}
