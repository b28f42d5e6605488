// From command line arguments to manifest texts: files, directories and standard input.
// Knows file names; what is in them is for parse.ts.
import { isUtf8 } from 'node:buffer';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { codeOf, Failure, messageOf, UsageFailure } from '../failure.ts';
import type { ManifestProblem } from './document.ts';
import { PROJECT_FILE, type Project, readProject } from './project.ts';

export interface Sources {
  readonly texts: ReadonlyArray<{ readonly file: string; readonly text: string }>;
  readonly projects: readonly Project[];
  /** Files that hold no text, or that may not be read: the others are taken all the same. */
  readonly problems: readonly ManifestProblem[];
}

const EXTENSIONS = ['.yaml', '.yml', '.json'];

/**
 * Reads files, directories (not the ones below them unless `recursive`), and `-` for standard input. A directory with an
 * `evenkeel.yaml` that names `manifests` stands for those. Throws `Failure` for a path that is not there, or holds none.
 */
export async function readSources(
  paths: readonly string[],
  options: { readonly recursive?: boolean; readonly projectFile?: string } = {},
): Promise<Sources> {
  const texts: Array<{ file: string; text: string }> = [];
  const projects: Project[] = [];
  const problems: ManifestProblem[] = [];
  const take = (file: string, bytes: Buffer): void => {
    if (isUtf8(bytes)) texts.push({ file, text: bytes.toString('utf8') });
    else problems.push(notText(file, bytes));
  };
  for (const path of paths) {
    if (path === '-') {
      take('standard input', await buffer(process.stdin));
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
    for (const file of files) {
      try {
        take(file, readFileSync(file));
      } catch (error) {
        problems.push(unreadable(file, error));
      }
    }
  }
  // What is named explicitly comes last, and so counts most.
  if (options.projectFile !== undefined) projects.push(readProject(options.projectFile));
  return { texts, projects, problems };
}

/** Where the first byte stands that is no UTF-8: line by line, as editors count. */
function notText(file: string, bytes: Buffer): ManifestProblem {
  let line = 1;
  for (let from = 0; from < bytes.length; line++) {
    const end = bytes.indexOf(0x0a, from);
    if (end < 0 || !isUtf8(bytes.subarray(from, end))) break;
    from = end + 1;
  }
  return {
    position: { file, line, column: 1 },
    message: 'The line holds bytes that are not UTF-8',
    remedy: 'Save the file as UTF-8',
  };
}

function unreadable(file: string, error: unknown): ManifestProblem {
  const message = `The file cannot be read: ${messageOf(error)}`;
  return { position: { file, line: 1, column: 1 }, message, remedy: 'Correct its permissions, or leave it out' };
}

function findProject(directory: string): Project | undefined {
  const file = join(directory, PROJECT_FILE);
  return existsSync(file) ? readProject(file) : undefined;
}

function filesIn(directory: string, recursive: boolean): string[] {
  const entries = readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(directory, entry.name);
    // A link that leads nowhere is a file that cannot be read.
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return recursive ? filesIn(path, true) : [];
    return entry.name !== PROJECT_FILE && EXTENSIONS.some((extension) => entry.name.endsWith(extension)) ? [path] : [];
  });
}

function stat(path: string): ReturnType<typeof statSync> & object {
  try {
    return statSync(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw new UsageFailure(`No such file or directory: "${path}"`, 'Check the path');
    throw new Failure(`Cannot read "${path}": ${messageOf(error)}`, 'Correct its permissions, or leave it out');
  }
}
