// What images are on this machine, as every start and apply so far has told: a file in the data directory.
// Knows the form of evenkeel.yaml, in which it is kept; who runs an image is decided elsewhere.
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { type ImageCommand, readProject } from '../manifests/project.ts';

export type Images = Readonly<Record<string, ImageCommand>>;

/** Everything that is remembered; throws a `Failure` with the place when somebody has broken the file. */
export function readImages(file: string): Images {
  return existsSync(file) ? readProject(file).images : {};
}

/** Adds to what is remembered; an image that is known already is replaced. */
export function rememberImages(file: string, images: Images): void {
  const before = readImages(file);
  const all = { ...before, ...images };
  if (isDeepStrictEqual(before, all)) return;
  const written = Object.fromEntries(Object.entries(all).map(([name, image]) => [name, portable(image)]));
  writeFileSync(`${file}.new`, `${JSON.stringify({ images: written }, null, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
}

/** `node` stays a word: the next start may be by another Node.js than this one. */
function portable(image: ImageCommand): ImageCommand {
  const [program = '', ...args] = image.command;
  return { ...image, command: [program === process.execPath ? 'node' : program, ...args] };
}
