// What a real router does with our routes when something dies, stands still or is cut off, and how soon.
// A figure is printed, never judged.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ip, privilegedObstacle } from '#lib/sys/testing.ts';
import type { PeerStatus } from '#traffic/announce/bgp/status.ts';
import { eventually } from '../support/eventually.ts';
import { kernelAllows } from '../support/kernel.ts';
import { mustRun } from '../support/run.ts';
import { hasTool } from '../support/tools.ts';
import { Lab, LINK, OURS, ROUTER, type Router, type SpeakerProcess } from './lab.ts';

const wanted = 'BGP sessions that fail';
const possible = kernelAllows(privilegedObstacle(), wanted) && hasTool('bird', wanted);
const PATIENCE = 60_000;

const both = 'ipv4 { import all; export none; }; ipv6 { import all; export none; };';
const peer = { name: 'router', address: ROUTER.ipv4, as: 64513 } as const;
const options = { localAs: 64512, routerId: OURS.ipv4, peers: [peer] } as const;
const ebgp = `local ${ROUTER.ipv4} as 64513; neighbor ${OURS.ipv4} as 64512; ${both} error wait time 1, 2;`;
const routes = [{ prefix: '198.51.100.7' }, { prefix: '2001:db8:99::/64' }];

describe.skipIf(!possible)('when something fails', { timeout: 180_000 }, () => {
  let lab: Lab;
  beforeAll(() => {
    lab = new Lab();
  });
  afterEach(() => lab.clear());
  afterAll(() => lab.remove());

  const peerOf = async (speaker: SpeakerProcess): Promise<PeerStatus> =>
    (await speaker.status()).peers[0] as PeerStatus;
  const knows = (router: Router): Promise<void> =>
    eventually(
      'the router knows the routes',
      async () => {
        const known = await router.routes();
        expect(known).toContain('198.51.100.7/32');
        expect(known).toContain('2001:db8:99::/64');
      },
      PATIENCE,
    );
  const forgets = (router: Router): Promise<void> =>
    eventually(
      'the router has no route of ours',
      async () => {
        expect(await router.routes()).not.toContain('198.51.100.7');
        expect(await router.routes()).not.toContain('2001:db8:99');
      },
      PATIENCE,
    );

  it('a killed speaker loses its routes where graceful restart is off', async () => {
    const router = await lab.router(ebgp);
    const speaker = await lab.speaker({ ...options, peers: [{ ...peer, restartTimeSec: false }] });
    await speaker.announce(routes);
    await knows(router);
    expect((await peerOf(speaker)).session).toMatchObject({ keptOnRestart: [] });
    await speaker.kill();
    await forgets(router);
  });

  it('a killed speaker keeps its routes until its successor has said what it announces', async () => {
    const router = await lab.router(ebgp);
    const speaker = await lab.speaker(options);
    await speaker.announce([...routes, { prefix: '203.0.113.0/24' }]);
    await knows(router);
    expect((await peerOf(speaker)).session).toMatchObject({ keptOnRestart: ['ipv4', 'ipv6'] });
    await speaker.kill();
    await eventually('the router waits for the speaker', async () => {
      expect(await router.ask('show protocols all node')).toContain('Neighbor graceful restart active');
    });
    await knows(router);
    const successor = await lab.speaker(options);
    await eventually('the session is back', async () => {
      expect((await peerOf(successor)).state).toBe('established');
    });
    // Nobody has said yet what to announce.
    await knows(router);
    expect(await router.routes()).toContain('203.0.113.0/24');
    await successor.announce(routes);
    await eventually('what is announced no more is gone', async () => {
      expect(await router.routes()).not.toContain('203.0.113.0/24');
    });
    await knows(router);
    expect(await router.ask('show protocols all node')).not.toContain('Neighbor graceful restart active');
  });

  it('a speaker that leaves for its successor keeps its routes, also where BFD watches', async () => {
    const router = await lab.router(`${ebgp} bfd graceful;`, 'protocol bfd { interface "*" { interval 100 ms; }; }');
    const watched = { ...options, peers: [{ ...peer, bfd: { transmitMs: 100, receiveMs: 100 } }] };
    const speaker = await lab.speaker(watched);
    await speaker.announce(routes);
    await knows(router);
    await eventually('BFD is up', async () => expect((await peerOf(speaker)).bfd?.state).toBe('up'));
    await speaker.close({ keepRoutes: true });
    await eventually('the router waits for the speaker', async () => {
      expect(await router.ask('show protocols all node')).toContain('Neighbor graceful restart active');
    });
    await knows(router);
    const successor = await lab.speaker(watched);
    await successor.announce(routes);
    await eventually('the restart is over', async () => {
      expect(await router.ask('show protocols all node')).not.toContain('Neighbor graceful restart active');
    });
    await knows(router);
  });

  it('a router that stands still is given up when the hold time is over', async () => {
    const router = await lab.router(ebgp);
    const speaker = await lab.speaker({ ...options, peers: [{ ...peer, holdTimeSec: 3 }] });
    await speaker.announce(routes);
    await knows(router);
    router.signal('SIGSTOP');
    await eventually('the speaker tells why', async () => {
      expect((await peerOf(speaker)).lastError?.words).toMatch(/Hold timer expired: nothing heard for 3 s/);
    });
    router.signal('SIGCONT');
    await knows(router);
  });

  it('a speaker that stands still loses its routes when the hold time is over', async () => {
    const router = await lab.router(ebgp);
    const speaker = await lab.speaker({ ...options, peers: [{ ...peer, holdTimeSec: 3, restartTimeSec: false }] });
    await speaker.announce(routes);
    await knows(router);
    speaker.signal('SIGSTOP');
    await forgets(router);
    speaker.signal('SIGCONT');
    await knows(router);
  });

  it('BFD packets that a router has passed on do not count', async () => {
    const quick = { ...peer, bfd: { transmitMs: 100, receiveMs: 100 } };
    const speaker = await lab.speaker({ ...options, peers: [quick, { ...quick, name: 'six', address: ROUTER.ipv6 }] });
    const states = async (): Promise<unknown> => (await speaker.status()).peers.map(({ bfd }) => bfd?.state);
    /** Says "down" ten times, from the router's end, which a session answers with "init". */
    const say = (ttl: number): Promise<string> => {
      const script = `
        const { createSocket } = require('node:dgram');
        const packet = Buffer.from('2040031800000007000000000000c350000f424000000000', 'hex');
        for (const [type, address] of [['udp4', '${OURS.ipv4}'], ['udp6', '${OURS.ipv6}']]) {
          const socket = createSocket(type);
          socket.bind(0, () => {
            socket.setTTL(${ttl});
            let left = 10;
            const next = () => left-- > 0 ? socket.send(packet, 3784, address, next) : socket.close();
            next();
          });
        }`;
      return mustRun('ip', ['netns', 'exec', lab.routers, process.execPath, '-e', script]);
    };
    // Said again until it is heard: the socket may not be there yet, and "init" does not last.
    await eventually(
      'both sessions have heard',
      async () => {
        await say(255);
        expect(await states()).toEqual(['init', 'init']);
      },
      PATIENCE,
    );
    await eventually('both sessions are down again', async () => expect(await states()).toEqual(['down', 'down']));
    const heard = speaker.log.match(/"state":"init"/g)?.length;
    await say(254);
    expect(await states()).toEqual(['down', 'down']);
    expect(speaker.log.match(/"state":"init"/g)?.length).toBe(heard);
  });

  it('BFD goes on while the speaker is busy', async () => {
    const router = await lab.router(
      `${ebgp} bfd on;`,
      'protocol bfd { interface "*" { interval 300 ms; multiplier 3; }; }',
    );
    const speaker = await lab.speaker({ ...options, peers: [{ ...peer, bfd: {} }] });
    await speaker.announce(routes);
    await knows(router);
    await eventually('BFD is up', async () => {
      expect((await peerOf(speaker)).bfd).toEqual({ state: 'up', detectMs: 900 });
    });
    const { since, lastError } = await peerOf(speaker);
    // Several times what the router would wait.
    await speaker.work(4000);
    expect(await peerOf(speaker)).toMatchObject({ state: 'established', since, bfd: { state: 'up' } });
    expect((await peerOf(speaker)).lastError).toEqual(lastError);
    await knows(router);
  });

  describe.each([
    ['on the same network', 'IPv4', OURS.ipv4, ROUTER.ipv4, 'direct;', {}],
    ['on the same network', 'IPv6', OURS.ipv6, ROUTER.ipv6, 'direct;', {}],
    ['some hops away', 'IPv4', OURS.ipv4, ROUTER.ipv4, 'multihop;', { multihop: true }],
  ])('BFD %s, %s', (_where, _family, own, router, hops, more) => {
    const bfd =
      'protocol bfd { interface "*" { interval 100 ms; multiplier 3; }; multihop { interval 100 ms; multiplier 3; }; }';
    const session = `local ${router} as 64513; neighbor ${own} as 64512; ${hops} ${both} bfd on; error wait time 1, 2;`;
    const peers = [
      { ...peer, address: router, ...more, bfd: { transmitMs: 100, receiveMs: 100 }, nextHop: OURS, localAddress: own },
    ];

    it('notices at once that the speaker, or the way to it, is gone', async () => {
      const bird = await lab.router(session, bfd);
      const speaker = await lab.speaker({ ...options, peers });
      await speaker.announce(routes);
      const up = async (): Promise<void> => {
        await eventually('BFD is up on both sides', async () => {
          const { bfd: seen } = await peerOf(speaker);
          expect(seen).toEqual({ state: 'up', detectMs: 300 });
          expect(await bird.ask('show bfd sessions')).toMatch(/Up\s+\S+\s+0\.100\s+0\.300/);
        });
        await knows(bird);
      };
      await up();
      const stopped = performance.now();
      speaker.signal('SIGSTOP');
      await forgets(bird);
      console.log(
        `The router gave up a speaker that stands still after ${(performance.now() - stopped).toFixed(0)} ms`,
      );
      speaker.signal('SIGCONT');
      await up();
      const last = (await peerOf(speaker)).lastError?.at ?? 0;
      const cut = performance.now();
      ip(`-n ${lab.ours} link set ${LINK} down`);
      await eventually('the speaker has given up the router', async () => {
        const { lastError } = await peerOf(speaker);
        expect(lastError?.at).toBeGreaterThan(last);
        expect(lastError?.words).toMatch(/BFD says/);
      });
      console.log(`The speaker gave up a router that it cannot reach after ${(performance.now() - cut).toFixed(0)} ms`);
      ip(`-n ${lab.ours} link set ${LINK} up`);
      // The kernel forgets addresses of IPv6 with the link.
      ip(`-n ${lab.ours} address replace ${OURS.ipv6}/64 dev ${LINK} nodad`);
      await up();
      expect(await speaker.metrics()).toContain('evenkeel_bgp_bfd_session_up{peer="router"} 1');
    });
  });
});
