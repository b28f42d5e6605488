// The built-in image `evenkeel.dev/echo`: the command behind its name.
// Knows where the program lies, not what it does.
import { fileURLToPath } from 'node:url';
import type { ImageMap } from '../images.ts';

const program = fileURLToPath(new URL('./main.mjs', import.meta.url));

export const echoImages: ImageMap = Object.freeze({
  'evenkeel.dev/echo': { command: [process.execPath, program] },
});
