// Takes an upgrade for port-forward: SPDY, SPDY inside a WebSocket, or the channels of old WebSocket clients.
// Knows the three ways; what is behind a port is the caller's matter.
import { createWebSocketStream, type WebSocket } from 'ws';
import type { Clock } from '#lib/clock.ts';
import { ChannelConnection, type ChannelUse } from '../channels/channel-connection.ts';
import { channelProtocols } from '../channels/codec.ts';
import { acceptSpdy, acceptWebSocket, refuseUpgrade, type Upgrade, upgradeKind } from '../upgrade.ts';
import { type ForwardTarget, forward } from './forward.ts';
import { forwardPairs } from './stream-pairs.ts';

const SPDY_PROTOCOL = 'portforward.k8s.io';
const TUNNEL_PROTOCOL = 'SPDY/3.1+portforward.k8s.io';
const CHANNEL_PROTOCOLS = ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io'];

/** Resolves when the client is gone, or was refused. `ports` are those of the request's query. */
export async function acceptPortForward(
  upgrade: Upgrade,
  ports: readonly string[],
  target: ForwardTarget,
  clock: Clock,
): Promise<void> {
  const kind = upgradeKind(upgrade.request);
  if (kind === 'spdy') {
    if (acceptSpdy(upgrade, [SPDY_PROTOCOL]) !== undefined) await forwardPairs(upgrade.socket, target, clock);
  } else if (kind === 'websocket') {
    await overWebSocket(upgrade, ports, target, clock);
  } else {
    refuseUpgrade(
      upgrade,
      400,
      `unable to upgrade: "${upgrade.request.headers.upgrade}" is neither SPDY/3.1 nor websocket\n`,
    );
  }
}

async function overWebSocket(
  upgrade: Upgrade,
  ports: readonly string[],
  target: ForwardTarget,
  clock: Clock,
): Promise<void> {
  const tunnels = /SPDY\/3\.1\+portforward\.k8s\.io/i.test(upgrade.request.headers['sec-websocket-protocol'] ?? '');
  const numbers = ports.flatMap((port) => port.split(','));
  const problem = tunnels ? undefined : problemWith(numbers);
  if (problem !== undefined) return refuseUpgrade(upgrade, 400, `${problem}\n`);
  const accepted = await acceptWebSocket(upgrade, tunnels ? [TUNNEL_PROTOCOL] : CHANNEL_PROTOCOLS);
  if (accepted === undefined) return;
  const { webSocket, protocol } = accepted;
  if (tunnels) {
    const transport = createWebSocketStream(webSocket);
    await forwardPairs(transport, target, clock);
    webSocket.close();
    return;
  }
  await forwardChannels(webSocket, protocol, numbers.map(Number), target);
}

function problemWith(ports: readonly string[]): string | undefined {
  if (ports.length === 0) return 'query parameter "port" is required';
  // Two channels for each, and one byte for their number.
  if (ports.length > 100) return `${ports.length} ports are more than one connection carries`;
  const wrong = ports.find((port) => !/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535);
  return wrong === undefined ? undefined : `unable to parse "${wrong}" as a port`;
}

/** One connection for each port: data on channel 2n, what fails on 2n + 1, each with its port first. */
async function forwardChannels(
  webSocket: WebSocket,
  protocol: string,
  ports: readonly number[],
  target: ForwardTarget,
): Promise<void> {
  const words = channelProtocols[protocol] ?? { base64: false, version: 4 };
  const uses = ports.flatMap((): ChannelUse[] => ['both', 'write']);
  const connection = new ChannelConnection(webSocket, words, uses);
  const forwards = ports.map((port, index) => {
    const [data, errors] = [connection.channels[index * 2], connection.channels[index * 2 + 1]];
    if (data === undefined || errors === undefined) return undefined;
    const name = Buffer.alloc(2);
    name.writeUInt16LE(port);
    data.write(name);
    errors.write(name);
    return forward(data, errors, port, target);
  });
  await Promise.all(forwards);
  connection.close();
  await connection.closed;
}
