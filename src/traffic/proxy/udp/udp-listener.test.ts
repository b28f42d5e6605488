// UDP between real sockets: sessions by client, on the whole engine, and on one listener that is flooded.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import type { Cluster, Endpoint } from '#traffic/model/ir.ts';
import { createSnapshotBuilder } from '#traffic/snapshot/index.ts';
import type { Engine } from '../engine.ts';
import { ClusterGuards } from '../guards/cluster-guard.ts';
import { WaitingRoom } from '../guards/waiting-room.ts';
import { type FlowContext, type FlowOutcome, pickTarget } from '../layer4/context.ts';
import { Sweeper } from '../sweeper.ts';
import { Harness, portOf } from '../testing/harness.ts';
import { cluster, endpoint, listener, update } from '../testing/model.ts';
import { createInFlightMemory, InFlightCounters } from '../workers/in-flight.ts';
import { UdpListener } from './udp-listener.ts';

const harness = new Harness();
afterEach(() => harness.close());

const udpCluster: Partial<Cluster> = { upstreamProtocol: 'udp' };

async function start(
  at: readonly (number | Endpoint)[],
  overrides: Partial<Cluster> = {},
  workers = 1,
): Promise<Engine> {
  const engine = await harness.engine({ workers });
  engine.publish(
    update({
      listeners: new Map([['l4', { ...listener('l4', 'udp'), clusters: [{ cluster: 'app', weight: 1 }] }]]),
      clusters: new Map([['app', cluster('app', { ...udpCluster, ...overrides })]]),
      endpoints: new Map([['app', at.map((each) => (typeof each === 'number' ? endpoint(each) : each))]]),
    }),
  );
  await engine.ready();
  return engine;
}

describe('a UDP listener', () => {
  async function udp(onMessage: (message: Buffer, reply: (text: string) => void) => void): Promise<number> {
    const socket = createSocket('udp4');
    socket.on('message', (message, from) => onMessage(message, (text) => socket.send(text, from.port, from.address)));
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    harness.after(() => new Promise((resolve) => socket.close(() => resolve())));
    return socket.address().port;
  }

  function client(): UdpSocket {
    const socket = createSocket('udp4');
    harness.after(() => new Promise((resolve) => socket.close(() => resolve())));
    return socket;
  }

  async function say(socket: UdpSocket, port: number, text: string): Promise<string> {
    const answer = once(socket, 'message') as Promise<[Buffer]>;
    socket.send(text, port, '127.0.0.1');
    return (await answer)[0].toString();
  }

  it('keeps a session a client, on however many workers', async () => {
    let count = 0;
    const ports = await Promise.all(
      ['a', 'b'].map((name) => udp((message, reply) => reply(`${name} ${message} ${count++}`))),
    );
    const engine = await start(ports, {}, 2);
    for (let i = 0; i < 6; i++) {
      const socket = client();
      const first = (await say(socket, portOf(engine, 'l4'), 'x')).slice(0, 1);
      for (let round = 0; round < 3; round++) {
        expect((await say(socket, portOf(engine, 'l4'), 'x')).slice(0, 1)).toBe(first);
      }
    }
    expect(await engine.metricsText()).toContain('evenkeel_udp_sessions{service="l4"} 6');
  });

  it('asks the next endpoint when one is not there', async () => {
    const gone = createSocket('udp4');
    await new Promise<void>((resolve) => gone.bind(0, '127.0.0.1', resolve));
    const refusing = gone.address().port;
    await new Promise<void>((resolve) => gone.close(() => resolve()));
    const alive = await udp((message, reply) => reply(`got ${message}`));
    const engine = await start([refusing, alive]);
    for (let i = 0; i < 4; i++) expect(await say(client(), portOf(engine, 'l4'), `q${i}`)).toBe(`got q${i}`);
  });

  it('asks the next endpoint when the kernel lets nothing out to one', async () => {
    const alive = await udp((message, reply) => reply(`alive ${message}`));
    // The address of everybody: refused to a socket that did not ask for it, as one without a route is.
    const engine = await start([endpoint(9, 'test/unreachable', '255.255.255.255'), alive]);
    for (let i = 0; i < 6; i++) expect(await say(client(), portOf(engine, 'l4'), 'x')).toBe('alive x');
  });

  it('makes room for new clients among those that nobody has answered', async () => {
    const silent = await udp((message, reply) => {
      if (message.toString() === 'real') reply('answer');
    });
    const opened: FlowOutcome[] = [];
    let open = 0;
    const builder = createSnapshotBuilder({
      random: Math.random,
      counters: { slot: () => 0, inFlight: () => 0, release: () => {} },
    });
    const snapshot = builder.apply(
      update({
        clusters: new Map([['app', cluster('app', udpCluster)]]),
        endpoints: new Map([['app', [endpoint(silent)]]]),
      }),
    );
    const sweeper = new Sweeper(systemClock);
    const context: FlowContext = {
      snapshot: () => snapshot,
      stats: {
        tcpOpened: () => {},
        tcpClosed: () => {},
        tcpJoined: () => {},
        udpOpened: (_route, outcome) => {
          opened.push(outcome);
          if (outcome === 'connected') open++;
        },
        udpClosed: () => open--,
        endpointBusy: () => {},
      },
      guards: new ClusterGuards(new InFlightCounters(createInFlightMemory(1), 0, 1, () => {}), () => 0),
      waitingRoom: new WaitingRoom(1),
      holdStats: { heldBegan: () => {}, heldEnded: () => {}, heldOverflowed: () => {} },
      outcomes: { record: () => {} },
      sweeper,
      log: silentLogger,
      now: () => systemClock.now(),
    };
    const route = { name: 'r', sessionTimeout: 60_000, pickCluster: () => 'app', choose: pickTarget };
    const listening = new UdpListener(context, route, { maxSessions: 100 });
    harness.after(async () => {
      listening.close();
      sweeper.stop();
    });
    const port = await listening.listen('127.0.0.1', 0);
    const real = client();
    expect(await say(real, port, 'real')).toBe('answer');
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 100; i++) client().send('invented', port, '127.0.0.1');
      // Its answer comes behind everything that was sent before.
      expect(await say(real, port, 'real')).toBe('answer');
      expect(open).toBeLessThanOrEqual(100);
    }
    expect(opened.length).toBeGreaterThan(500);
    // Whoever was answered stays, and whoever comes still finds a place.
    const before = opened.length;
    expect(await say(real, port, 'real')).toBe('answer');
    expect(await say(client(), port, 'real')).toBe('answer');
    expect(listening.connections).toBeLessThanOrEqual(100);
    expect(opened.length).toBeGreaterThan(before);
  });

  it('ends sessions that are silent, and those whose endpoint has left', async () => {
    const ports = await Promise.all(['a', 'b'].map((name) => udp((_message, reply) => reply(name))));
    const [a = 0, b = 0] = ports;
    const timeouts = { connect: 1000, response: 0, idle: 0, session: 400 };
    const engine = await start([a], { timeouts });
    const open = async (): Promise<string | undefined> =>
      /udp_sessions\{service="l4"\} (\d+)/.exec(await engine.metricsText())?.[1];
    const socket = client();
    expect(await say(socket, portOf(engine, 'l4'), 'x')).toBe('a');
    await expect.poll(open).toBe('0');
    expect(await say(socket, portOf(engine, 'l4'), 'x')).toBe('a');
    engine.publish(update({ endpoints: new Map([['app', [endpoint(b)]]]) }));
    await engine.applied();
    expect(await say(socket, portOf(engine, 'l4'), 'x')).toBe('b');
  });

  it('ends sessions whose cluster is gone', async () => {
    const engine = await start([await udp((_message, reply) => reply('a'))]);
    expect(await say(client(), portOf(engine, 'l4'), 'x')).toBe('a');
    engine.publish(update({ clusters: new Map([['app', undefined]]) }));
    await engine.applied();
    expect(await engine.metricsText()).toContain('evenkeel_udp_sessions{service="l4"} 0');
  });
});
