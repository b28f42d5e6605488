// Which containers of a pod are of which sort, and whether one that ended is started again.
// Pure.
import type { Container, Pod } from 'kubernetes-types/core/v1.js';

/**
 * `sidecar`: an init container with restartPolicy Always, which keeps running beside the others.
 * `ephemeral`: added to a pod that runs; it ends once.
 */
export type ContainerKind = 'init' | 'sidecar' | 'app' | 'ephemeral';

export function initKind(container: Container): ContainerKind {
  return container.restartPolicy === 'Always' ? 'sidecar' : 'init';
}

/** Whether a container that ended with `exitCode` runs again under the pod's restart policy. */
export function shouldRestart(pod: Pod, kind: ContainerKind, exitCode: number): boolean {
  const policy = pod.spec?.restartPolicy ?? 'Always';
  if (kind === 'ephemeral') return false;
  if (kind === 'sidecar') return true;
  // An init container that succeeded is done; under Always it counts as OnFailure.
  if (kind === 'init') return exitCode !== 0 && policy !== 'Never';
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}
