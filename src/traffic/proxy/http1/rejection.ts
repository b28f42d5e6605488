// Why a message is refused, as constants: a refusal costs no allocation and its text is fixed.
// Reasons never quote what the client sent.

export interface Rejection {
  readonly status: number;
  readonly reason: string;
}

const bad = (reason: string): Rejection => ({ status: 400, reason });

export const rejections = {
  requestLine: bad('Malformed request line'),
  method: bad('Malformed method'),
  methodLength: { status: 501, reason: 'Method is too long' },
  connect: { status: 501, reason: 'CONNECT is not served here' },
  target: bad('Malformed request target'),
  targetEscape: bad('Malformed percent escape in path'),
  targetNul: bad('Path holds a NUL'),
  targetBackslash: bad('Path holds a backslash'),
  targetDots: bad('Path hides a dot segment'),
  targetLength: { status: 414, reason: 'Request line is too long' },
  version: { status: 505, reason: 'HTTP version is not supported' },
  headLength: { status: 431, reason: 'Headers are too large' },
  headerCount: { status: 431, reason: 'Too many headers' },
  lineEnd: bad('Line does not end with CR LF'),
  leadingSpace: bad('Header line starts with white space'),
  headerName: bad('Malformed header name'),
  headerValue: bad('Malformed header value'),
  hostMissing: bad('Host header is missing'),
  hostRepeated: bad('Host header is repeated'),
  host: bad('Malformed host'),
  contentLength: bad('Malformed Content-Length'),
  contentLengthRepeated: bad('Content-Length is repeated'),
  transferEncoding: { status: 501, reason: 'Transfer-Encoding is not supported' },
  transferEncodingRepeated: bad('Transfer-Encoding is repeated'),
  transferEncodingVersion: bad('Transfer-Encoding needs HTTP/1.1'),
  framingConflict: bad('Content-Length and Transfer-Encoding exclude each other'),
  expect: { status: 417, reason: 'Expectation is not supported' },
  grpcTimeout: bad('Malformed grpc-timeout'),
  bodyTooLarge: { status: 413, reason: 'Body is too large' },
  chunk: bad('Malformed chunk'),
  trailer: bad('Malformed trailer'),
  timeoutHead: { status: 408, reason: 'Request head took too long' },
  timeoutBody: { status: 408, reason: 'Request body took too long' },
} as const satisfies Record<string, Rejection>;
