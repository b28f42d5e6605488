// Port-forward over SPDY: for every connection a data and an error stream, which find each other by their headers.
// Knows headers and pairs; joining them to the pod is forward.ts.
import type { Clock } from '#lib/clock.ts';
import { SpdySession } from '../spdy/session.ts';
import type { SpdyStream } from '../spdy/spdy-stream.ts';
import { type ForwardTarget, forward } from './forward.ts';

/** As upstream: how long one stream of a pair waits for the other, in milliseconds. */
const PAIR_MS = 30_000;

interface Half {
  readonly data?: SpdyStream;
  readonly error?: SpdyStream;
}

/** Why the stream cannot be served, in upstream's words. */
function refusalOf({ headers }: SpdyStream): string | undefined {
  const { port = '', streamtype = '' } = headers;
  if (port === '') return '"port" header is required';
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65535) return `unable to parse "${port}" as a port`;
  if (Number(port) < 1) return `port "${port}" must be > 0`;
  if (streamtype === '') return '"streamType" header is required';
  return ['data', 'error'].includes(streamtype) ? undefined : `invalid stream type "${streamtype}"`;
}

/** Clients of old give no request a name: its error stream comes first, its data stream next. */
function requestOf({ id, headers }: SpdyStream): string {
  if (headers.requestid !== undefined && headers.requestid !== '') return headers.requestid;
  return `stream ${headers.streamtype === 'error' ? id : id - 2}`;
}

/** Resolves when the session has ended. */
export async function forwardPairs(
  transport: ConstructorParameters<typeof SpdySession>[0],
  target: ForwardTarget,
  clock: Clock,
): Promise<void> {
  const halves = new Map<string, Half>();
  const session = new SpdySession(transport, {
    role: 'server',
    onStream: (stream) => {
      const refusal = refusalOf(stream);
      if (refusal !== undefined) return refusal;
      const request = requestOf(stream);
      const kind = stream.headers.streamtype === 'error' ? 'error' : 'data';
      const first = halves.get(request);
      if (first?.[kind] !== undefined) return `${kind} stream already assigned`;
      const { data, error }: Half = { ...first, [kind]: stream };
      if (data === undefined || error === undefined) {
        halves.set(request, kind === 'error' ? { error: stream } : { data: stream });
        const cancel = clock.after(PAIR_MS, () => {
          halves.delete(request);
          stream.destroy();
        });
        stream.once('close', cancel);
        return undefined;
      }
      halves.delete(request);
      // It is written to only; its end is read.
      error.resume();
      void forward(data, error, Number(data.headers.port), target);
      return undefined;
    },
  });
  await session.closed;
}
