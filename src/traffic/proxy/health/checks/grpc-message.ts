// The two messages of grpc.health.v1.Health/Check, framed as gRPC frames them.
// Knows the wire format of just these; source: the health checking protocol of gRPC.

/** `HealthCheckRequest { string service = 1; }` behind the five bytes of a message that is not compressed. */
export function healthRequest(service: string): Buffer {
  const name = Buffer.from(service, 'utf8');
  const field = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a]), varint(name.length), name]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(field.length, 1);
  return Buffer.concat([prefix, field]);
}

const STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;

export type ServingStatus = (typeof STATUSES)[number];

/** `HealthCheckResponse { ServingStatus status = 1; }`; undefined when it is none. */
export function servingStatus(body: Buffer): ServingStatus | undefined {
  if (body.length < 5 || body[0] !== 0) return undefined;
  const message = body.subarray(5, 5 + body.readUInt32BE(1));
  // A field that is left out has its default value, 0.
  let status = 0;
  let at = 0;
  while (at < message.length) {
    const tag = message[at++] as number;
    if ((tag & 7) !== 0) return undefined;
    let value = 0;
    let shift = 0;
    for (;;) {
      const byte = message[at++];
      if (byte === undefined || shift > 28) return undefined;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
      shift += 7;
    }
    if (tag >> 3 === 1) status = value;
  }
  return STATUSES[status];
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  while (left > 0x7f) {
    bytes.push((left & 0x7f) | 0x80);
    left >>>= 7;
  }
  bytes.push(left);
  return Buffer.from(bytes);
}
