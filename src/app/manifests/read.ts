// From paths to objects: files are read and parsed, and what came from where is kept.
// Knows nothing of the cluster.
import type { ManifestObject, ManifestProblem } from './document.ts';
import { readSources } from './files.ts';
import { parseManifests } from './parse.ts';
import { type ImageCommand, imagesOf } from './project.ts';

export interface Manifests {
  readonly objects: readonly ManifestObject[];
  readonly problems: readonly ManifestProblem[];
  readonly images: Readonly<Record<string, ImageCommand>>;
}

/** Throws `Failure` when a path cannot be read. */
export async function readManifests(
  paths: readonly string[],
  options: { readonly recursive?: boolean; readonly projectFile?: string } = {},
): Promise<Manifests> {
  const { texts, projects, problems } = await readSources(paths, options);
  const parsed = texts.map(({ file, text }) => parseManifests(text, file));
  return {
    objects: parsed.flatMap(({ objects }) => objects),
    problems: [...problems, ...parsed.flatMap((file) => file.problems)],
    images: imagesOf(projects),
  };
}
