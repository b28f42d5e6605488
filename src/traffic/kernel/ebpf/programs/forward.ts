// The programs of connect() and sendmsg(): a socket that asks for a Service gets the address of one of its endpoints.
// Decides by the tables alone (layout.ts); what is not in them goes its way untouched.
import { Assembler, type Program } from '../assembler/assembler.ts';
import type { Register } from '../assembler/instruction.ts';
import {
  FLOW_SECONDS,
  MEMBER_CHOSEN,
  PASS,
  PORT_AT,
  PROTOCOL_AT,
  PROTOCOLS,
  REFUSE,
  TAIL_AT,
  type TableName,
  UNBOUND_ONLY,
} from './layout.ts';
import { CONTEXT, copyPlace, readPlace, readSource, type SocketFamily, writePlace } from './socket-address.ts';

/** Places on the stack, from r10. What stands behind a place makes it a key or a value. */
const FRONT = -32;
const SOCKET = FRONT + TAIL_AT;
const ENDPOINT = -64;
const ENDPOINT_TAIL = ENDPOINT + TAIL_AT;
/** Cookie of the network namespace, number of the Service port. */
const CLIENT = -80;
/** Set, slot. */
const SLOT = -88;
const NOW = -96;
/** The address that the client is bound to. */
const SOURCE = -112;

const NANOSECONDS = 1_000_000_000;
const CONNECTION_REFUSED = 111;

const SET = { slots: 0, affinity: 4, port: 8 } as const;

export interface ForwardOptions {
  readonly family: SocketFamily;
  /** `connect` decides once for a socket, `sendmsg` for every datagram of one that is not connected. */
  readonly call: 'connect' | 'sendmsg';
  /** Cookie of the network namespace whose sockets are the node's own; those of any other are a pod's. */
  readonly node: bigint;
}

/** r6 context, r7 number of slots, r8 the set, r9 way and then seconds of affinity. */
export function forwardProgram({ family, call, node }: ForwardOptions): Program {
  const asm = new Assembler().mov('r6', 'r1');
  readProtocol(asm, call);
  readPlace(asm, family, 'r6', FRONT);
  asm.store('u8', 'r10', FRONT + PROTOCOL_AT, 'r7');
  lookup(asm, 'fronts', FRONT);
  asm.jumpIf('r0', '==', 0, 'allow');
  chooseWay(asm, node);
  readSource(asm, family, call, 'r6', SOURCE);
  asm.jumpIf('r9', '&', UNBOUND_ONLY, 'unbound only').jump('any source');
  asm.label('unbound only').jumpIf('r3', '!=', 0, 'allow').alu('and', 'r9', ~UNBOUND_ONLY).label('any source');
  leaveEndpoints(asm);
  findSet(asm);
  asm.mov('r1', 'r6').call('get_socket_cookie').store('u64', 'r10', SOCKET, 'r0');
  if (call === 'sendmsg') sameFlow(asm);
  sameClient(asm, call);
  pickSlot(asm);
  if (call === 'sendmsg') {
    asm.label('chosen').load('u64', 'r1', 'r10', NOW).store('u64', 'r10', ENDPOINT_TAIL, 'r1');
    update(asm, 'flows', FRONT, ENDPOINT);
  } else {
    asm.label('chosen');
  }
  rememberReverse(asm);
  writePlace(asm, family, 'r6', 'r10', ENDPOINT);
  return asm
    .label('allow')
    .mov('r0', 1)
    .exit()
    .label('refuse')
    .mov('r1', -CONNECTION_REFUSED)
    .call('set_retval')
    .mov('r0', 0)
    .exit()
    .program();
}

/** Leaves the protocol in r7; lets pass what is neither TCP nor UDP. */
function readProtocol(asm: Assembler, call: ForwardOptions['call']): void {
  if (call === 'sendmsg') {
    asm.mov('r7', PROTOCOLS.UDP);
    return;
  }
  asm.load('u32', 'r7', 'r6', CONTEXT.protocol);
  asm.jumpIf('r7', '==', PROTOCOLS.TCP, 'known').jumpIf('r7', '!=', PROTOCOLS.UDP, 'allow').label('known');
}

/** From the front in r0 to the way in r9: that of pods or that of the node. */
function chooseWay(asm: Assembler, node: bigint): void {
  asm.load('u32', 'r8', 'r0', 0).load('u32', 'r9', 'r0', 4);
  asm.mov('r1', 'r6').call('get_netns_cookie').store('u64', 'r10', CLIENT, 'r0');
  asm.imm64('r1', node).jumpIf('r0', '==', 'r1', 'way').mov('r9', 'r8').label('way');
  asm.jumpIf('r9', '==', PASS | 0, 'allow', 32).jumpIf('r9', '==', REFUSE | 0, 'refuse', 32);
}

function findSet(asm: Assembler): void {
  asm.store('u32', 'r10', SLOT, 'r9');
  lookup(asm, 'sets', SLOT);
  asm.jumpIf('r0', '==', 0, 'allow').mov('r8', 'r0');
  asm.load('u32', 'r7', 'r8', SET.slots).load('u32', 'r9', 'r8', SET.affinity);
  asm.jumpIf('r7', '==', 0, 'refuse');
}

/** Datagrams of one socket to one front stay with one endpoint while it serves, as netfilter's flows do. */
function sameFlow(asm: Assembler): void {
  asm.call('ktime_get_ns').store('u64', 'r10', NOW, 'r0');
  lookup(asm, 'flows', FRONT);
  asm.jumpIf('r0', '==', 0, 'new flow');
  asm.imm64('r3', BigInt(FLOW_SECONDS) * BigInt(NANOSECONDS));
  reuse(asm, 'r3', 'new flow');
  asm.jumpIf('r0', '==', 0, 'new flow');
  asm.load('u64', 'r1', 'r10', SOCKET).store('u64', 'r10', ENDPOINT_TAIL, 'r1');
  lookup(asm, 'reverse', ENDPOINT);
  asm.jumpIf('r0', '!=', 0, 'rewrite').jump('remember').label('new flow');
}

/** With affinity a client stays with the endpoint it had, as long as it is one of the set. */
function sameClient(asm: Assembler, call: ForwardOptions['call']): void {
  asm.jumpIf('r9', '==', 0, 'pick');
  if (call === 'connect') asm.call('ktime_get_ns').store('u64', 'r10', NOW, 'r0');
  asm.load('u64', 'r1', 'r8', SET.port).store('u64', 'r10', CLIENT + 8, 'r1');
  lookup(asm, 'clients', CLIENT);
  asm.jumpIf('r0', '==', 0, 'pick');
  asm.mov('r3', 'r9').alu('mul', 'r3', NANOSECONDS);
  reuse(asm, 'r3', 'pick');
  asm.jumpIf('r0', '==', 0, 'pick');
  asm.load('u32', 'r1', 'r0', 0).jumpIf('r1', '&', MEMBER_CHOSEN, 'chosen');
}

/** The remembered place in r0, when it is not older than `age`: made younger, copied; r0 is then its membership. */
function reuse(asm: Assembler, age: Register, tooOld: string): void {
  asm.load('u64', 'r1', 'r10', NOW).load('u64', 'r4', 'r0', TAIL_AT);
  asm.mov('r5', 'r1').alu('sub', 'r5', 'r4').jumpIf('r5', '>', age, tooOld);
  asm.store('u64', 'r0', TAIL_AT, 'r1');
  copyPlace(asm, 'r0', 0, ENDPOINT);
  asm.load('u32', 'r1', 'r10', SLOT).store('u64', 'r10', ENDPOINT_TAIL, 'r1');
  lookup(asm, 'members', ENDPOINT);
}

function pickSlot(asm: Assembler): void {
  asm
    .label('pick')
    .call('get_prandom_u32')
    .alu('mod', 'r0', 'r7', 32)
    .store('u32', 'r10', SLOT + 4, 'r0');
  lookup(asm, 'slots', SLOT);
  asm.jumpIf('r0', '!=', 0, 'picked');
  // The set shrank in this very moment. The first slot is the last to go.
  asm.store('u32', 'r10', SLOT + 4, 0);
  lookup(asm, 'slots', SLOT);
  asm.jumpIf('r0', '==', 0, 'refuse').label('picked');
  copyPlace(asm, 'r0', 0, ENDPOINT);
  asm.jumpIf('r9', '==', 0, 'chosen');
  asm.load('u64', 'r1', 'r10', NOW).store('u64', 'r10', ENDPOINT_TAIL, 'r1');
  update(asm, 'clients', CLIENT, ENDPOINT);
}

/** Leaves alone who is bound to the address of an endpoint of the set: packets to itself would carry another source. */
function leaveEndpoints(asm: Assembler): void {
  asm.jumpIf('r3', '==', 0, 'no endpoint');
  for (const part of [0, 8]) {
    asm.load('u64', 'r2', 'r10', SOURCE + part).store('u64', 'r10', ENDPOINT + part, 'r2');
  }
  asm.store('u64', 'r10', ENDPOINT + PORT_AT, 0).store('u64', 'r10', ENDPOINT_TAIL, 'r9');
  lookup(asm, 'members', ENDPOINT);
  asm.jumpIf('r0', '!=', 0, 'allow').label('no endpoint');
}

/** So that the socket hears of its peer by the name it called. */
function rememberReverse(asm: Assembler): void {
  asm.load('u64', 'r1', 'r10', SOCKET).store('u64', 'r10', ENDPOINT_TAIL, 'r1');
  asm.label('remember');
  update(asm, 'reverse', ENDPOINT, FRONT);
  asm.label('rewrite');
}

/** r0: a pointer to the value, or 0. */
export function lookup(asm: Assembler, table: TableName, key: number): void {
  asm.map('r1', table).mov('r2', 'r10').alu('add', 'r2', key).call('map_lookup_elem');
}

function update(asm: Assembler, table: TableName, key: number, value: number): void {
  asm.map('r1', table).mov('r2', 'r10').alu('add', 'r2', key).mov('r3', 'r10').alu('add', 'r3', value);
  asm.mov('r4', 0).call('map_update_elem');
}
