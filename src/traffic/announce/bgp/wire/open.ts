// OPEN messages and the capabilities within (RFC 4271, 5492, 9072).
// Says what stands in the message; whether it will do is the session's business.
import { ByteReader, TooShort, uint } from './bytes.ts';
import { AFI, addressBytes, addressText, familyOf, SAFI_UNICAST } from './family.ts';
import { Faulty, OPEN } from './fault.ts';
import type { Capability, OpenMessage } from './message.ts';

const CAPABILITIES = 2;
const EXTENDED = 255;
const CODE = { multiprotocol: 1, route_refresh: 2, graceful_restart: 64, four_octet_as: 65 } as const;
const RESTARTED = 0x8000;
const FORWARDING = 0x80;

export function encodeOpen(open: OpenMessage): Buffer {
  const capabilities = Buffer.concat(open.capabilities.map(encodeCapability));
  const head = Buffer.concat([
    Buffer.of(open.version),
    uint(open.as, 2),
    uint(open.holdTime, 2),
    addressBytes(open.routerId) as Buffer,
  ]);
  if (capabilities.length === 0) return Buffer.concat([head, Buffer.of(0)]);
  // Beyond what one byte can count, lengths have two (RFC 9072).
  if (capabilities.length + 2 > 254) {
    const lengths = [Buffer.of(EXTENDED, EXTENDED), uint(capabilities.length + 3, 2), Buffer.of(CAPABILITIES)];
    return Buffer.concat([head, ...lengths, uint(capabilities.length, 2), capabilities]);
  }
  return Buffer.concat([head, Buffer.of(capabilities.length + 2, CAPABILITIES, capabilities.length), capabilities]);
}

function encodeCapability(capability: Capability): Buffer {
  const [code, value] = capabilityBytes(capability);
  return Buffer.concat([Buffer.of(code, value.length), value]);
}

function capabilityBytes(capability: Capability): [code: number, value: Buffer] {
  switch (capability.kind) {
    case 'multiprotocol':
      return [CODE.multiprotocol, Buffer.of(0, AFI[capability.family], 0, SAFI_UNICAST)];
    case 'route_refresh':
      return [CODE.route_refresh, Buffer.alloc(0)];
    case 'four_octet_as':
      return [CODE.four_octet_as, uint(capability.as, 4)];
    case 'graceful_restart': {
      const families = capability.families.map(({ family, forwarding }) =>
        Buffer.of(0, AFI[family], SAFI_UNICAST, forwarding ? FORWARDING : 0),
      );
      const flags = (capability.restarted ? RESTARTED : 0) | capability.restartTime;
      return [CODE.graceful_restart, Buffer.concat([uint(flags, 2), ...families])];
    }
    case 'unknown':
      return [capability.code, capability.value];
  }
}

/** Throws Faulty. */
export function decodeOpen(body: Buffer): OpenMessage {
  const reader = new ByteReader(body);
  const version = reader.u8();
  const as = reader.u16();
  const holdTime = reader.u16();
  const routerId = addressText(reader.take(4));
  try {
    return { type: 'open', version, as, holdTime, routerId, capabilities: decodeParameters(reader) };
  } catch (error) {
    if (!(error instanceof TooShort)) throw error;
    throw new Faulty(OPEN.code, OPEN.unspecific, 'Optional parameters of the OPEN are cut short');
  }
}

function decodeParameters(reader: ByteReader): Capability[] {
  let length = reader.u8();
  let parameters = new ByteReader(reader.rest());
  let extended = false;
  // The type 255 marks the extended form, whatever the length of one byte says, unless that is 0.
  if (length !== 0 && parameters.left > 0) {
    const rest = parameters.rest();
    extended = rest[0] === EXTENDED;
    parameters = new ByteReader(extended ? rest.subarray(1) : rest);
    if (extended) length = parameters.u16();
  }
  if (length !== parameters.left) {
    throw new Faulty(
      OPEN.code,
      OPEN.unspecific,
      `Optional parameters of the OPEN are ${length} bytes by its word, ${parameters.left} in truth`,
    );
  }
  const capabilities: Capability[] = [];
  while (parameters.left > 0) {
    const type = parameters.u8();
    const value = parameters.take(extended ? parameters.u16() : parameters.u8());
    if (type !== CAPABILITIES) {
      throw new Faulty(OPEN.code, OPEN.unsupportedParameter, `Optional parameter ${type} of the OPEN is unknown`);
    }
    const list = new ByteReader(value);
    while (list.left > 0) capabilities.push(decodeCapability(list.u8(), list.take(list.u8())));
  }
  return capabilities;
}

/** A capability whose value is not of its form counts as one that nobody knows. */
function decodeCapability(code: number, value: Buffer): Capability {
  const unknown: Capability = { kind: 'unknown', code, value };
  switch (code) {
    case CODE.multiprotocol: {
      const family = value.length === 4 ? familyOf(value.readUInt16BE(), value[3] as number) : undefined;
      return family === undefined ? unknown : { kind: 'multiprotocol', family };
    }
    case CODE.route_refresh:
      return value.length === 0 ? { kind: 'route_refresh' } : unknown;
    case CODE.four_octet_as:
      return value.length === 4 ? { kind: 'four_octet_as', as: value.readUInt32BE() } : unknown;
    case CODE.graceful_restart:
      return decodeGracefulRestart(value) ?? unknown;
    default:
      return unknown;
  }
}

function decodeGracefulRestart(value: Buffer): Capability | undefined {
  if (value.length < 2 || value.length % 4 !== 2) return undefined;
  const reader = new ByteReader(value);
  const flags = reader.u16();
  const families = [];
  while (reader.left > 0) {
    const family = familyOf(reader.u16(), reader.u8());
    const forwarding = (reader.u8() & FORWARDING) !== 0;
    if (family !== undefined) families.push({ family, forwarding });
  }
  return {
    kind: 'graceful_restart',
    restarted: (flags & RESTARTED) !== 0,
    restartTime: flags & 0x0fff,
    families,
  };
}
