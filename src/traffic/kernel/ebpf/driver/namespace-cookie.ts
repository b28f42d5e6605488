// The number by which eBPF programs tell network namespaces apart.
// Knows no program.
import { inNetworkNamespace } from '#lib/sys/network-namespace.ts';
import { closeSocket, openSocket, SOL_SOCKET, socketOption } from '#lib/sys/socket.ts';

const SO_NETNS_COOKIE = 71;

/** Of the namespace at `path`, or of this process. Needs kernel 5.14. */
export function namespaceCookie(path?: string): bigint {
  const open = (): number => openSocket('inet', 'datagram');
  const fd = path === undefined ? open() : inNetworkNamespace(path, open);
  try {
    const bytes = socketOption(fd, SOL_SOCKET, SO_NETNS_COOKIE, 8);
    return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  } finally {
    closeSocket(fd);
  }
}
