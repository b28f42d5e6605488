// What ends a SPDY session: the peer broke the protocol, or went past a limit.
// Knows no frames.

export class SpdyError extends Error {}
