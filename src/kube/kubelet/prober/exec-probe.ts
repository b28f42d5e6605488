// Exec probes: exit code 0 is success.
// Knows no pod; the container runs the command.
import type { RunningContainer } from '../runtime.ts';
import { failure, type ProbeResult, success } from './result.ts';

/** Never rejects. (Upstream: pkg/probe/exec.) */
export async function execProbe(
  container: Pick<RunningContainer, 'exec'>,
  command: readonly string[],
  timeoutMs: number,
): Promise<ProbeResult> {
  const result = await container.exec(command, timeoutMs);
  if (result.timedOut) {
    return failure(`command timed out: "${command.join(' ')}" timed out after ${timeoutMs / 1000}s`);
  }
  return result.exitCode === 0 ? success(result.output) : failure(result.output);
}
