// Takes an upgrade for exec or attach: SPDY with a stream for each purpose, or WebSocket with a channel for each.
// Knows the names and numbers of the streams; what runs behind them is the caller's matter.
import type { Clock } from '#lib/clock.ts';
import { ChannelConnection } from '../channels/channel-connection.ts';
import { channelProtocols } from '../channels/codec.ts';
import { SpdySession } from '../spdy/session.ts';
import type { SpdyStream } from '../spdy/spdy-stream.ts';
import { acceptSpdy, acceptWebSocket, refuseUpgrade, type Upgrade, upgradeKind } from '../upgrade.ts';
import { encodeOutcome } from './outcome.ts';
import { flushed, type RemoteCommand, Sizes, type StreamOptions } from './remote-command.ts';
import { followSizes } from './resize.ts';

const SPDY_PROTOCOLS = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v3.channel.k8s.io',
  'v2.channel.k8s.io',
  'channel.k8s.io',
];
/** As upstream: what a client has to open its streams, in milliseconds. */
const STREAMS_MS = 30_000;
/** What a client has to end the connection after the last word, in milliseconds. */
const FAREWELL_MS = 5_000;

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;
const RESIZE = 4;

/** Undefined when the upgrade was refused or the client did not open its streams. */
export async function acceptRemoteCommand(
  upgrade: Upgrade,
  options: StreamOptions,
  clock: Clock,
): Promise<RemoteCommand | undefined> {
  const kind = upgradeKind(upgrade.request);
  if (kind === 'spdy') return await overSpdy(upgrade, options, clock);
  if (kind === 'websocket') return await overWebSocket(upgrade, options);
  refuseUpgrade(
    upgrade,
    400,
    `unable to upgrade: "${upgrade.request.headers.upgrade}" is neither SPDY/3.1 nor websocket\n`,
  );
  return undefined;
}

function versionOf(protocol: string): number {
  return Number(/^v(\d)\./.exec(protocol)?.[1] ?? 1);
}

async function overSpdy(upgrade: Upgrade, options: StreamOptions, clock: Clock): Promise<RemoteCommand | undefined> {
  const accepted = acceptSpdy(upgrade, SPDY_PROTOCOLS);
  if (accepted === undefined) return undefined;
  const version = versionOf(accepted.protocol);
  const expected = new Set(['error']);
  for (const name of ['stdin', 'stdout', 'stderr'] as const) if (options[name]) expected.add(name);
  if (options.tty && version >= 3) expected.add('resize');
  const streams = new Map<string, SpdyStream>();
  const complete = Promise.withResolvers<boolean>();
  const session = new SpdySession(upgrade.socket, {
    role: 'server',
    onStream: (stream) => {
      const type = stream.headers.streamtype ?? '';
      if (!expected.has(type) || streams.has(type)) return `unexpected stream type: "${type}"`;
      streams.set(type, stream);
      if (streams.size === expected.size) complete.resolve(true);
      return undefined;
    },
  });
  const cancel = clock.after(STREAMS_MS, () => complete.resolve(false));
  void session.closed.then(() => complete.resolve(false));
  const isComplete = await complete.promise;
  cancel();
  if (!isComplete) {
    session.destroy(new Error('timed out waiting for client to create streams'));
    return undefined;
  }
  const [stdin, stdout, stderr, error, resize] = ['stdin', 'stdout', 'stderr', 'error', 'resize'].map((name) =>
    streams.get(name),
  );
  // Nothing is read from these but their end.
  for (const stream of [stdout, stderr, error]) stream?.resume();
  const sizes = new Sizes();
  if (resize !== undefined) followSizes(resize, (size) => sizes.take(size));
  return {
    stdin,
    stdout,
    stderr,
    onSize: (fn) => sizes.listen(fn),
    closed: session.closed,
    async finish(outcome) {
      await Promise.all([flushed(stdout), flushed(stderr)]);
      error?.write(encodeOutcome(outcome, version));
      await flushed(error);
      // The client ends its own streams now; what it still sends is not wanted.
      for (const stream of [stdin, resize]) {
        stream?.resume();
        stream?.end();
      }
      const cut = clock.after(FAREWELL_MS, () => session.destroy());
      await session.close();
      cut();
    },
  };
}

async function overWebSocket(upgrade: Upgrade, options: StreamOptions): Promise<RemoteCommand | undefined> {
  const accepted = await acceptWebSocket(upgrade, Object.keys(channelProtocols));
  const protocol = channelProtocols[accepted?.protocol ?? ''];
  if (accepted === undefined || protocol === undefined) return undefined;
  const connection = new ChannelConnection(accepted.webSocket, protocol, [
    options.stdin ? 'read' : 'none',
    options.stdout ? 'write' : 'none',
    options.stderr ? 'write' : 'none',
    'write',
    'read',
  ]);
  connection.announce(options.stdout ? STDOUT : options.stderr ? STDERR : ERROR);
  const { channels } = connection;
  const sizes = new Sizes();
  const resize = channels[RESIZE];
  if (resize !== undefined) followSizes(resize, (size) => sizes.take(size));
  const stdout = options.stdout ? channels[STDOUT] : undefined;
  const stderr = options.stderr ? channels[STDERR] : undefined;
  return {
    stdin: options.stdin ? channels[STDIN] : undefined,
    stdout,
    stderr,
    onSize: (fn) => sizes.listen(fn),
    closed: connection.closed,
    async finish(outcome) {
      await Promise.all([flushed(stdout), flushed(stderr)]);
      const text = encodeOutcome(outcome, protocol.version);
      if (text !== '') channels[ERROR]?.write(text);
      await flushed(channels[ERROR]);
      connection.close();
      await connection.closed;
    },
  };
}
