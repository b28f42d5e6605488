// The own streams of a container of an engine, from before its start, so that nothing of its output is missed.
// Knows the engine's attach call; what becomes of the output, and who else is attached, is the caller's matter.
import type { Writable } from 'node:stream';
import type { ContainerSpec } from '../runtime.ts';
import { DETACH_KEYS, type Outputs, outputsOf, takeOver } from './connection.ts';
import type { EngineApi } from './engine-api.ts';

export interface Attached extends Outputs {
  /** Left out when the container has none. Its end is the container's, where no terminal is between. */
  readonly stdin: Writable | undefined;
  close(): void;
}

/** `path` is that of a container that has been created. Throws `EngineError`. */
export async function attachTo(
  api: EngineApi,
  path: string,
  { stdin, tty = false }: Pick<ContainerSpec, 'stdin' | 'tty'>,
): Promise<Attached> {
  const attach = `${path}/attach?stream=1&detachKeys=${encodeURIComponent(DETACH_KEYS)}`;
  const output = await takeOver(api, `${attach}&stdout=1&stderr=1`);
  try {
    // Apart from the output: input that the container does not read must not break what it says.
    const input = stdin === true ? await takeOver(api, `${attach}&stdin=1`) : undefined;
    // podman sends the output here as well.
    input?.resume();
    return {
      ...outputsOf(output, tty),
      stdin: input,
      close: () => {
        output.destroy();
        input?.destroy();
      },
    };
  } catch (error) {
    output.destroy();
    throw error;
  }
}
