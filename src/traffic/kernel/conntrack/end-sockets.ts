// Ends connections at their client's socket, wherever on this machine it is: in a pod, in a container, on the node.
// Knows no Service; whose connection is meant is a question that it is given.
import { failedWith } from '#lib/sys/errno.ts';
import { networkNamespacesInUse } from '#lib/sys/every-namespace.ts';
import { libcObstacle } from '#lib/sys/libc.ts';
import { inNetworkNamespace } from '#lib/sys/network-namespace.ts';
import { destroyTcp, type TcpSocket } from '#lib/sys/tcp-sockets.ts';

/** How many there were. Throws, as a sentence, where this kernel or this process cannot end any. */
export function endSockets(isMeant: (socket: TcpSocket) => boolean): number {
  const obstacle = libcObstacle();
  if (obstacle !== undefined) throw new Error(`Sockets cannot be ended: ${obstacle}`);
  let count = 0;
  for (const file of networkNamespacesInUse()) {
    try {
      count += inNetworkNamespace(file, () => destroyTcp(isMeant));
    } catch (error) {
      // Its last process has ended, and it with that.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' || failedWith(error, 'ESRCH')) continue;
      if (!failedWith(error, 'EOPNOTSUPP')) throw error;
      throw new Error('Sockets cannot be ended: this kernel was built without CONFIG_INET_DIAG_DESTROY');
    }
  }
  return count;
}
