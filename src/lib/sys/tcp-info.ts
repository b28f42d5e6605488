// What the kernel knows of a TCP connection (TCP_INFO of tcp(7), `struct tcp_info` of linux/tcp.h).
// Reads; decides nothing.
import { SOL_TCP, socketOption } from './socket.ts';

const TCP_INFO = 11;
/** Offset of `tcpi_retransmits`. */
const RETRANSMITS = 2;

/**
 * How many times in a row the kernel has sent the same bytes anew because the other side does not acknowledge them:
 * after some 0.2 s at first, then each time after twice as long. 0 as soon as it does, and where it only takes no more
 * (a closed window). Throws a `SystemCallError` where `fd` is no TCP socket.
 */
export function retransmissions(fd: number): number {
  return socketOption(fd, SOL_TCP, TCP_INFO, 8)[RETRANSMITS] ?? 0;
}
