// All programs by the call they belong to.
// Knows nothing of loading them.
import type { Program } from '../assembler/assembler.ts';
import type { AttachType } from '../bpf/program.ts';
import { forwardProgram } from './forward.ts';
import { reverseProgram } from './reverse.ts';

/** In the order in which they are attached: answers are renamed before the first question is. */
export const CALLS = [
  'getpeername4',
  'getpeername6',
  'recvmsg4',
  'recvmsg6',
  'sendmsg4',
  'sendmsg6',
  'connect4',
  'connect6',
] as const satisfies readonly AttachType[];
export type Call = (typeof CALLS)[number];

export function programOf(call: Call, node: bigint): Program {
  const family = call.endsWith('4') ? 4 : 6;
  if (call.startsWith('connect')) return forwardProgram({ family, call: 'connect', node });
  if (call.startsWith('sendmsg')) return forwardProgram({ family, call: 'sendmsg', node });
  return reverseProgram(family);
}
