// Whether the machine at the other end of a connection has fallen silent, long before any time-out of ours is over.
// Knows sockets; what follows from it is the business of whoever asks.

import type { Socket } from 'node:net';
import { libcObstacle } from '#lib/sys/libc.ts';
import { descriptorOf } from '#lib/sys/node-streams.ts';
import { retransmissions } from '#lib/sys/tcp-info.ts';

/** By then some 0.6 s have passed: a link that loses one packet in ten is so unlucky once in a thousand times. */
const IN_VAIN = 2;

/**
 * The kernel goes on sending what nobody acknowledges. A backend that takes its time is another matter: its machine
 * acknowledges at once. False where the kernel cannot be asked.
 */
export function isUnheard(socket: Socket): boolean {
  if (libcObstacle() !== undefined) return false;
  const fd = descriptorOf(socket);
  return fd !== undefined && retransmissions(fd) >= IN_VAIN;
}
