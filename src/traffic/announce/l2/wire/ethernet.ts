// Frames of Ethernet: the fourteen bytes ahead of what they carry.
// Pure: bytes and data.

export const ETHER_TYPE = { arp: 0x0806, ipv6: 0x86dd } as const;
export const ETHERNET_HEADER = 14;
export const BROADCAST = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff);

/** A frame with room for `payload` bytes, its header written. */
export function newFrame(to: Uint8Array, from: Uint8Array, type: number, payload: number): Uint8Array {
  const frame = new Uint8Array(ETHERNET_HEADER + payload);
  frame.set(to, 0);
  frame.set(from, 6);
  frame[12] = type >> 8;
  frame[13] = type & 0xff;
  return frame;
}

export function etherType(frame: Uint8Array): number {
  return ((frame[12] ?? 0) << 8) | (frame[13] ?? 0);
}

export function isMulticast(hardware: Uint8Array): boolean {
  return ((hardware[0] ?? 0) & 1) === 1;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
