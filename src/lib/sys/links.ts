// The network interfaces of a namespace, those without an address too, as rtnetlink lists them (RTM_GETLINK).
// Knows the kernel's messages; nothing of what an interface is used for.
import { closeSocket, openSocket, receive, send } from './socket.ts';

export interface Link {
  readonly index: number;
  readonly name: string;
  /** Ethernet, or what looks the same. */
  readonly ethernet: boolean;
  readonly up: boolean;
  readonly loopback: boolean;
  /** Resolves no addresses. */
  readonly noArp: boolean;
  /** Index of the bridge, bond or VRF that it is a part of. */
  readonly master: number | undefined;
  readonly hardware: Uint8Array;
}

const RTM_GETLINK = 18;
const RTM_NEWLINK = 16;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const REQUEST_DUMP = 0x301;
const HEADER = 16;
const LINK_HEADER = 16;
const ATTRIBUTE = { hardware: 1, name: 3, master: 10 } as const;
const FLAG = { up: 0x1, loopback: 0x8, running: 0x40, noArp: 0x80 } as const;
const ETHERNET = 1;
const little = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Of the calling thread's network namespace. Needs no rights. */
export function listLinks(): Link[] {
  const fd = openSocket('netlink', 'raw', 0);
  try {
    const request = new DataView(new ArrayBuffer(HEADER + LINK_HEADER));
    request.setUint32(0, request.byteLength, little);
    request.setUint16(4, RTM_GETLINK, little);
    request.setUint16(6, REQUEST_DUMP, little);
    send(fd, new Uint8Array(request.buffer), { family: 'netlink', port: 0, groups: 0 });
    const links: Link[] = [];
    const buffer = new Uint8Array(65_536);
    // The kernel has answered by the time a request is sent, and goes on as its answers are read.
    for (;;) {
      const message = receive(fd, buffer);
      if (message === undefined) throw new Error('Cannot list interfaces: the kernel did not end its answer');
      const { links: some, done } = decodeLinks(message.bytes);
      links.push(...some);
      if (done) return links;
    }
  } finally {
    closeSocket(fd);
  }
}

/** `done`: the list has ended, well or not. What is cut short is left out. */
export function decodeLinks(bytes: Uint8Array): { readonly links: Link[]; readonly done: boolean } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const links: Link[] = [];
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const length = view.getUint32(at, little);
    const type = view.getUint16(at + 4, little);
    if (length < HEADER || at + length > bytes.length) break;
    if (type === NLMSG_DONE || type === NLMSG_ERROR) return { links, done: true };
    if (type === RTM_NEWLINK && length >= HEADER + LINK_HEADER) links.push(linkOf(bytes.subarray(at, at + length)));
    at += aligned(length);
  }
  return { links, done: false };
}

function linkOf(message: Uint8Array): Link {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const flags = view.getUint32(HEADER + 8, little);
  let name = '';
  let hardware = new Uint8Array(0);
  let master: number | undefined;
  for (let at = HEADER + LINK_HEADER; at + 4 <= message.length; ) {
    const length = view.getUint16(at, little);
    const type = view.getUint16(at + 2, little);
    if (length < 4 || at + length > message.length) break;
    const value = message.slice(at + 4, at + length);
    if (type === ATTRIBUTE.name) name = new TextDecoder().decode(value.subarray(0, value.indexOf(0)));
    if (type === ATTRIBUTE.hardware) hardware = value;
    if (type === ATTRIBUTE.master && value.length === 4) master = view.getUint32(at + 4, little);
    at += aligned(length);
  }
  return {
    index: view.getInt32(HEADER + 4, little),
    name,
    ethernet: view.getUint16(HEADER + 2, little) === ETHERNET && hardware.length === 6,
    up: (flags & FLAG.up) !== 0 && (flags & FLAG.running) !== 0,
    loopback: (flags & FLAG.loopback) !== 0,
    noArp: (flags & FLAG.noArp) !== 0,
    master,
    hardware,
  };
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}
