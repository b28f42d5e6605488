// The programs of recvmsg() and getpeername(): who called a Service hears of the Service, not of its endpoint.
// Knows only what the forward programs remembered of this very socket.
import { Assembler, type Program } from '../assembler/assembler.ts';
import { lookup } from './forward.ts';
import { TAIL_AT } from './layout.ts';
import { readPlace, type SocketFamily, writePlace } from './socket-address.ts';

const PEER = -32;

/** These programs must let everything pass. */
export function reverseProgram(family: SocketFamily): Program {
  const asm = new Assembler().mov('r6', 'r1');
  readPlace(asm, family, 'r6', PEER);
  asm
    .mov('r1', 'r6')
    .call('get_socket_cookie')
    .store('u64', 'r10', PEER + TAIL_AT, 'r0');
  lookup(asm, 'reverse', PEER);
  asm.jumpIf('r0', '==', 0, 'done');
  writePlace(asm, family, 'r6', 'r0', 0);
  return asm.label('done').mov('r0', 1).exit().program();
}
