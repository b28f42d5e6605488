// From command line arguments to manifest texts: files, directories and standard input.
// Knows file names; what is in them is for parse.ts.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { codeOf, Failure, UsageFailure } from '../failure.ts';
import { PROJECT_FILE, type Project, readProject } from './project.ts';

export interface Sources {
  readonly texts: ReadonlyArray<{ readonly file: string; readonly text: string }>;
  readonly projects: readonly Project[];
}

const EXTENSIONS = ['.yaml', '.yml', '.json'];

/**
 * Reads files, directories (not the ones below them unless `recursive`), and `-` for standard input. A directory with an
 * `evenkeel.yaml` that names `manifests` stands for those. Throws `Failure` for what cannot be read.
 */
export async function readSources(
  paths: readonly string[],
  options: { readonly recursive?: boolean; readonly projectFile?: string } = {},
): Promise<Sources> {
  const texts: Array<{ file: string; text: string }> = [];
  const projects: Project[] = [];
  for (const path of paths) {
    if (path === '-') {
      texts.push({ file: 'standard input', text: await text(process.stdin) });
      continue;
    }
    const isDirectory = stat(path).isDirectory();
    const project = findProject(isDirectory ? path : join(path, '..'));
    if (project !== undefined) projects.push(project);
    const roots = isDirectory ? (project?.manifests ?? [path]) : [path];
    const files = roots.flatMap((root) =>
      stat(root).isDirectory() ? filesIn(root, options.recursive ?? false) : [root],
    );
    if (files.length === 0) {
      throw new Failure(
        `Directory "${path}" holds no manifests (${EXTENSIONS.join(', ')})`,
        options.recursive === true ? 'Name the files' : 'Name the files, or look below it with --recursive',
      );
    }
    for (const file of files) texts.push({ file, text: readFileSync(file, 'utf8') });
  }
  // What is named explicitly comes last, and so counts most.
  if (options.projectFile !== undefined) projects.push(readProject(options.projectFile));
  return { texts, projects };
}

function findProject(directory: string): Project | undefined {
  const file = join(directory, PROJECT_FILE);
  return existsSync(file) ? readProject(file) : undefined;
}

function filesIn(directory: string, recursive: boolean): string[] {
  const entries = readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(directory, entry.name);
    if (stat(path).isDirectory()) return recursive ? filesIn(path, true) : [];
    return entry.name !== PROJECT_FILE && EXTENSIONS.some((extension) => entry.name.endsWith(extension)) ? [path] : [];
  });
}

function stat(path: string): ReturnType<typeof statSync> & object {
  try {
    return statSync(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw new UsageFailure(`No such file or directory: "${path}"`, 'Check the path');
    throw error;
  }
}
