// `--image NAME=COMMAND`: what an image runs on this machine, said on the command line.
// Knows how such a text is taken apart; nothing of images.
import { InvalidArgumentError } from 'commander';
import type { ImageCommand } from '../manifests/project.ts';

type ImageCommands = Readonly<Record<string, ImageCommand>>;

/** Words as a shell would see them: blanks part, quotes hold together, a backslash takes what follows as it is. */
export function commandWords(text: string): string[] {
  const words: string[] = [];
  const pattern = /"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)|(\s+)|([^\s"'\\]+)/gsy;
  let word: string | undefined;
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    end = match.index + match[0].length;
    const [, double, single, escaped, blank, plain] = match;
    if (blank === undefined)
      word = (word ?? '') + (double?.replace(/\\(.)/gs, '$1') ?? single ?? escaped ?? plain ?? '');
    else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
  }
  if (end < text.length) throw new InvalidArgumentError(`A quote in "${text}" is not closed.`);
  if (word !== undefined) words.push(word);
  return words;
}

/** Gathers `NAME=COMMAND` options; the command runs in the directory that `evenkeel` was called in. */
export function parseImage(text: string, before: ImageCommands = {}): ImageCommands {
  const at = text.indexOf('=');
  const words = at < 1 ? [] : commandWords(text.slice(at + 1));
  const [program] = words;
  if (program === undefined) {
    throw new InvalidArgumentError('Write the name of an image and its command, e.g. shop/cart="node src/main.ts".');
  }
  const command = program === 'node' ? [process.execPath, ...words.slice(1)] : words;
  return { ...before, [text.slice(0, at)]: { command, workingDir: process.cwd() } };
}
