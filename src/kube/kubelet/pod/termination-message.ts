// The last words of a container: its termination file, or the end of its log when it asked for that.
// Knows nothing of statuses.
import { readFileSync, statSync } from 'node:fs';
import type { Container } from 'kubernetes-types/core/v1.js';
import { terminationFile } from './container-starter.ts';

const MAX_BYTES = 4096;
const MAX_LOG_BYTES = 2048;
const MAX_LOG_LINES = 80;
const DEFAULT_PATH = '/dev/termination-log';

function readTail(path: string, bytes: number): string {
  try {
    return readFileSync(path).subarray(-bytes).toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** A path the pod names is the machine's own here: it counts only when it was written after the start. */
function namedFile(container: Container, startedAt: number): string {
  const path = container.terminationMessagePath ?? DEFAULT_PATH;
  if (path === DEFAULT_PATH) return '';
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true && stat.mtimeMs >= startedAt - 1 ? readTail(path, MAX_BYTES) : '';
}

/** `startedAt` is wall time in milliseconds. */
export function terminationMessage(
  container: Container,
  containerDir: string,
  logPath: string,
  run: { readonly exitCode: number; readonly startedAt: number },
): string {
  const written = readTail(terminationFile(containerDir), MAX_BYTES) || namedFile(container, run.startedAt);
  if (written !== '' || run.exitCode === 0 || container.terminationMessagePolicy !== 'FallbackToLogsOnError') {
    return written;
  }
  // Log lines carry time, stream and tag in front: three words that are not the container's.
  const lines = readTail(logPath, MAX_LOG_BYTES * 2)
    .split('\n')
    .slice(-MAX_LOG_LINES - 1);
  const text = lines.map((line) => line.split(' ').slice(3).join(' ')).join('\n');
  return text.slice(-MAX_LOG_BYTES);
}
