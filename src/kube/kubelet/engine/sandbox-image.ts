// The image of the sandbox's program, which the engine is given rather than told to fetch.
// Knows how an engine takes in a root file system; starts nothing.
import { createHash } from 'node:crypto';
import { apiPrefix } from './dialect.ts';
import { type EngineApi, EngineError } from './engine-api.ts';
import { sandboxProgram } from './sandbox-program.ts';

export const SANDBOX_PROGRAM = '/sandbox';
const REPOSITORY = 'evenkeel.dev/sandbox';
const BLOCK = 512;

/** Makes sure that the engine has the image; resolves with its name. Throws `EngineError`. */
export async function ensureSandboxImage(api: EngineApi): Promise<string> {
  const prefix = apiPrefix('docker');
  const { Arch } = await api.json<{ Arch: string }>('GET', `${prefix}/version`);
  const program = sandboxProgram(Arch);
  if (program === undefined) {
    throw new EngineError(
      0,
      `pods of docker have no network of their own on ${Arch}: use podman, or --network loopback`,
    );
  }
  // Another version of the program is another image.
  const tag = createHash('sha256').update(program).digest('hex').slice(0, 12);
  const name = `${REPOSITORY}:${tag}`;
  try {
    await api.json('GET', `${prefix}/images/${encodeURIComponent(name)}/json`);
  } catch (error) {
    if (!(error instanceof EngineError && error.status === 404)) throw error;
    await api.upload(
      `${prefix}/images/create?fromSrc=-&repo=${encodeURIComponent(REPOSITORY)}&tag=${tag}`,
      tarOf(program),
    );
  }
  return name;
}

/** An archive with the program as its only file, in the format that POSIX calls ustar. */
function tarOf(program: Uint8Array): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;
  header.write(SANDBOX_PROGRAM.slice(1), 0, 'latin1');
  header.write(octal(0o755, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(program.length, 11), 124);
  header.write(octal(0, 11), 136);
  // The sum is taken with spaces where it will stand.
  header.write(' '.repeat(8), 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)} `, 148);
  const padding = Buffer.alloc((BLOCK - (program.length % BLOCK)) % BLOCK);
  return Buffer.concat([header, program, padding, Buffer.alloc(2 * BLOCK)]);
}
