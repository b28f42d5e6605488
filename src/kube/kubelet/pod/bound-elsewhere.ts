// What a server says that lets a node write its own pods only: another pod has the name now, on another node.
// Knows upstream's words for it (NodeRestriction); nothing of what was to be written.
import { isStatus } from '#kube/api/status.ts';

/** As good as a pod that is gone. Other refusals are of rights that the kubelet should have. */
export function isBoundElsewhere(error: unknown): boolean {
  return isStatus(error, 403) && error.message.includes('with spec.nodeName set to itself');
}
