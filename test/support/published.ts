// The published definitions of the Gateway API, which are no part of this repository: looked for beside it.
// Knows where, and says so where they are not; what is done with them is a test's business.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './run.ts';

export type Channel = 'standard' | 'experimental';

/** Beside the repository, or beside the folder of its worktrees. */
const places = ['../shared/data', '../../shared/data'].map((folder) => join(repository, folder));

/** The bundle of v1.6.1; undefined where it is not, with a line that says what is left out. */
export function publishedBundle(channel: Channel, wanted: string): string | undefined {
  const name = `gateway-api-v1.6.1-${channel}.yaml`;
  const found = places.map((place) => join(place, name)).find((file) => existsSync(file));
  if (found === undefined) process.stderr.write(`Left out, because ${name} is not in ${places[0]}: ${wanted}\n`);
  return found;
}
