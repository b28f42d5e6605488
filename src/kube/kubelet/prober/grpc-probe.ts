// gRPC probes: grpc.health.v1.Health/Check over HTTP/2 without TLS; SERVING is success.
// Speaks just enough protobuf for the two messages of that call, and knows no pod.
import { type ClientHttp2Session, connect } from 'node:http2';
import type { Clock } from '#lib/clock.ts';
import { patience } from './patience.ts';
import { failure, joinHostPort, type ProbeResult, success } from './result.ts';

const STATUS_NAMES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;
const UNIMPLEMENTED = '12';

/** `HealthCheckRequest { string service = 1 }` in a gRPC frame. */
export function encodeHealthRequest(service: string): Buffer {
  const name = Buffer.from(service, 'utf8');
  const lengthBytes: number[] = [];
  for (let rest = name.length; ; rest >>>= 7) {
    if (rest < 0x80) {
      lengthBytes.push(rest);
      break;
    }
    lengthBytes.push((rest & 0x7f) | 0x80);
  }
  const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, ...lengthBytes]), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** The status number of `HealthCheckResponse { ServingStatus status = 1 }` in a gRPC frame; `undefined` when cut short. */
export function decodeHealthStatus(frame: Buffer): number | undefined {
  if (frame.length < 5 || frame.length < 5 + frame.readUInt32BE(1)) return undefined;
  const message = frame.subarray(5, 5 + frame.readUInt32BE(1));
  if (message.length === 0) return 0;
  return message[0] === 0x08 ? message[1] : undefined;
}

interface Reply {
  readonly body: Buffer;
  readonly grpcStatus: string | undefined;
  readonly grpcMessage: string | undefined;
}

function call(session: ClientHttp2Session, service: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    session.once('error', reject);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      'user-agent': 'kube-probe/1.36',
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    let status: string | undefined;
    let message: string | undefined;
    const note = (headers: Record<string, unknown>): void => {
      // A refusal may come with the headers alone ("trailers only").
      if (typeof headers['grpc-status'] === 'string') status = headers['grpc-status'];
      if (typeof headers['grpc-message'] === 'string') message = headers['grpc-message'];
    };
    stream.on('response', note);
    stream.on('trailers', note);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('error', reject);
    stream.once('end', () => resolve({ body: Buffer.concat(chunks), grpcStatus: status, grpcMessage: message }));
    stream.end(encodeHealthRequest(service));
  });
}

function judge(reply: Reply): ProbeResult {
  if (reply.grpcStatus === UNIMPLEMENTED) {
    return failure(
      `this server does not implement the grpc health protocol (grpc.health.v1.Health): ${reply.grpcMessage ?? ''}`,
    );
  }
  if (reply.grpcStatus !== undefined && reply.grpcStatus !== '0') {
    return failure(`health rpc probe failed: code = ${reply.grpcStatus} desc = ${reply.grpcMessage ?? ''}`);
  }
  const status = decodeHealthStatus(reply.body);
  if (status === 1) return success('service healthy');
  const name = status === undefined ? 'no status' : (STATUS_NAMES[status] ?? String(status));
  return failure(`service unhealthy (responded with "${name}")`);
}

/** Never rejects. (Upstream: pkg/probe/grpc.) */
export async function grpcProbe(
  host: string,
  port: number,
  service: string,
  timeoutMs: number,
  clock: Clock,
): Promise<ProbeResult> {
  const address = joinHostPort(host, port);
  const session = connect(`http://${address}`);
  let expired = false;
  const cancel = patience(clock, timeoutMs, () => {
    expired = true;
    session.destroy(new Error('probe timed out'));
  });
  try {
    return judge(await call(session, service));
  } catch (error) {
    if (expired) {
      return failure(
        `timeout: failed to connect service "${address}" within ${timeoutMs / 1000}s: context deadline exceeded`,
      );
    }
    // A stream that never got its connection only says that it was cancelled; the reason stands behind it.
    const cause = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
    return failure(`error: failed to connect service at "${address}": ${cause.message}`, cause.code === 'ECONNREFUSED');
  } finally {
    cancel();
    // The session may report its end once more after it was destroyed; nobody waits for it any longer.
    session.on('error', () => {});
    session.destroy();
  }
}
