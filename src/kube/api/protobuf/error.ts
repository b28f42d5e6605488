// The one failure of this room: bytes or values that are not what the message says.
// Knows no HTTP; the envelope turns it into a Status.

export class ProtobufError extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'ProtobufError';
  }
}
