// Sessions with a real router: it hears what is announced, as it is announced, and of every change.
// eBGP and iBGP, IPv4 and IPv6, each side as the one that connects.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { privilegedObstacle } from '#lib/sys/testing.ts';
import { eventually } from '../support/eventually.ts';
import { kernelAllows } from '../support/kernel.ts';
import { hasTool } from '../support/tools.ts';
import { Lab, LINK, OURS, ROUTER, type Router, type SpeakerProcess } from './lab.ts';

const wanted = 'BGP sessions with a router';
const possible = kernelAllows(privilegedObstacle(), wanted) && hasTool('bird', wanted);
const PATIENCE = 60_000;

const both = 'ipv4 { import all; export none; }; ipv6 { import all; export none; };';
const peer = { name: 'router', address: ROUTER.ipv4, as: 64513 } as const;
const speakerOptions = { localAs: 64512, routerId: OURS.ipv4, peers: [peer] } as const;
const ebgp = `local ${ROUTER.ipv4} as 64513; neighbor ${OURS.ipv4} as 64512; ${both}`;

describe.skipIf(!possible)('a session', { timeout: 180_000 }, () => {
  let lab: Lab;
  beforeAll(() => {
    lab = new Lab();
  });
  afterEach(() => lab.clear());
  afterAll(() => lab.remove());

  const established = (speaker: SpeakerProcess): Promise<void> =>
    eventually(
      'the session is established',
      async () => {
        const [status] = (await speaker.status()).peers;
        expect(status).toMatchObject({ state: 'established' });
      },
      PATIENCE,
    );
  const knows = (router: Router, check: (routes: string) => void): Promise<void> =>
    eventually('the router knows the routes', async () => check(await router.routes()), PATIENCE);

  it('over eBGP carries IPv4 and IPv6 with their communities, and no local preference of ours', async () => {
    const router = await lab.router(ebgp);
    const speaker = await lab.speaker(speakerOptions);
    await speaker.announce([
      {
        prefix: '198.51.100.7',
        localPref: 300,
        communities: ['64512:100', 'no-export', '4200000000:1:2'],
      },
      { prefix: '2001:db8:99::/64', communities: ['64512:101'] },
      { prefix: '203.0.113.0/24', nextHop: '192.0.2.9' },
    ]);
    await knows(router, (routes) => {
      expect(routes).toContain('198.51.100.7/32');
      expect(routes).toContain('2001:db8:99::/64');
    });
    const of = async (prefix: string): Promise<string> => router.ask(`show route ${prefix} all`);
    const four = await of('198.51.100.7/32');
    expect(four).toContain('BGP.as_path: 64512');
    expect(four).toContain(`BGP.next_hop: ${OURS.ipv4}`);
    expect(four).toContain('BGP.community: (64512,100) (65535,65281)');
    expect(four).toContain('BGP.large_community: (4200000000, 1, 2)');
    expect(four).toContain('BGP.local_pref: 100');
    const six = await of('2001:db8:99::/64');
    expect(six).toContain(`BGP.next_hop: ${OURS.ipv6}`);
    expect(six).toContain('BGP.community: (64512,101)');
    expect(await of('203.0.113.0/24')).toContain('BGP.next_hop: 192.0.2.9');
    const [status] = (await speaker.status()).peers;
    expect(status).toMatchObject({
      prefixes: 3,
      withheld: [],
      session: { routerId: ROUTER.ipv4, holdTimeSec: 90, families: ['ipv4', 'ipv6'], fourOctetAs: true },
    });
    const metrics = await speaker.metrics();
    expect(metrics).toContain('evenkeel_bgp_session_up{peer="router"} 1');
    expect(metrics).toContain('evenkeel_bgp_announced_prefixes{peer="router"} 3');
  });

  it('over iBGP carries the local preference, and an empty path', async () => {
    const router = await lab.router(ebgp.replace('as 64513', 'as 64512'));
    const speaker = await lab.speaker({ ...speakerOptions, peers: [{ ...peer, as: 'internal' }] });
    await speaker.announce([{ prefix: '198.51.100.7', localPref: 300 }, { prefix: '198.51.100.8' }]);
    await knows(router, (routes) => {
      expect(routes).toMatch(/198\.51\.100\.7\/32[^/]*BGP\.local_pref: 300/);
      expect(routes).toMatch(/198\.51\.100\.8\/32[^/]*BGP\.local_pref: 100/);
      expect(routes).not.toMatch(/as_path: \d/);
    });
  });

  it('hears of changes alone, many in few messages', async () => {
    const router = await lab.router(ebgp);
    const speaker = await lab.speaker(speakerOptions);
    await established(speaker);
    const updates = async (): Promise<number> =>
      Number(
        /messages_total\{peer="router",direction="sent",type="update"\} (\d+)/.exec(await speaker.metrics())?.[1] ?? 0,
      );
    const many = Array.from({ length: 2000 }, (_, i) => ({ prefix: `10.${i >> 8}.${i & 255}.1` }));
    const six = Array.from({ length: 2000 }, (_, i) => ({ prefix: `2001:db8:99::${(i + 1).toString(16)}` }));
    await speaker.announce([...many, ...six]);
    await eventually(
      'all routes are there',
      async () => expect(await router.ask('show route protocol node count')).toContain('2000 of'),
      PATIENCE,
    );
    await eventually('both families are there', async () => {
      expect((await router.ask('show protocols all node')).match(/Routes: +2000 imported/g)).toHaveLength(2);
    });
    // 5 bytes a prefix of IPv4, 17 of IPv6; two ends of routes.
    const before = await updates();
    expect(before).toBeLessThanOrEqual(3 + 9 + 2);
    await speaker.announce([...many.slice(1), ...six, { prefix: '203.0.113.0/24' }]);
    await knows(router, (routes) => {
      expect(routes).toContain('203.0.113.0/24');
      expect(routes).not.toContain('10.0.0.1/32');
    });
    expect(await updates()).toBe(before + 2);
    await speaker.announce([]);
    await knows(router, (routes) => expect(routes).not.toContain('/'));
    expect((await router.ask('show protocols all node')).match(/Routes: +0 imported/g)).toHaveLength(2);
  });

  it('is told everything again when the router asks', async () => {
    const router = await lab.router(ebgp);
    const speaker = await lab.speaker(speakerOptions);
    await speaker.announce([{ prefix: '198.51.100.7' }, { prefix: '2001:db8:99::/64' }]);
    await knows(router, (routes) => expect(routes).toContain('2001:db8:99::/64'));
    await router.ask('reload in node');
    await eventually('the router has asked', async () => {
      expect(await speaker.metrics()).toContain('direction="received",type="route_refresh"} 2');
    });
    await knows(router, (routes) => {
      expect(routes).toContain('198.51.100.7/32');
      expect(routes).toContain('2001:db8:99::/64');
    });
    await eventually('the router has heard all again', async () => {
      expect(await router.ask('show protocols all node')).toMatch(/Import updates: +2 /);
    });
  });

  it('says goodbye with a reason, after its routes', async () => {
    const router = await lab.router(ebgp);
    const speaker = await lab.speaker(speakerOptions);
    await speaker.announce([{ prefix: '198.51.100.7' }]);
    await knows(router, (routes) => expect(routes).toContain('198.51.100.7/32'));
    await speaker.close({ reason: 'Node drains ☂' });
    expect(await router.routes()).not.toContain('198.51.100.7');
    await eventually('the router tells why', () => expect(router.log).toContain('Node drains'));
    expect(router.log).toContain('Administrative shutdown');
  });

  it('tells why the router has closed it', async () => {
    const router = await lab.router(ebgp);
    const speaker = await lab.speaker(speakerOptions);
    await established(speaker);
    await router.ask('disable node "maintenance"');
    await eventually('the reason is told', async () => {
      const [status] = (await speaker.status()).peers;
      expect(status?.lastError?.words).toMatch(/closed the session: cease, administrative shutdown.*maintenance/);
    });
    await router.ask('enable node');
    await established(speaker);
  });

  it('comes back with a router that has died', async () => {
    const router = await lab.router(ebgp);
    const speaker = await lab.speaker(speakerOptions);
    await speaker.announce([{ prefix: '198.51.100.7' }]);
    await knows(router, (routes) => expect(routes).toContain('198.51.100.7/32'));
    await router.kill();
    await eventually('the end is noticed', async () => {
      const [status] = (await speaker.status()).peers;
      expect(status?.state).not.toBe('established');
      expect(status?.prefixes).toBe(0);
    });
    await router.start();
    await knows(router, (routes) => expect(routes).toContain('198.51.100.7/32'));
  });

  it('is made by whoever connects, and by one of two that do', async () => {
    const listening = { ...speakerOptions, listen: { address: '::', port: 179 } };
    const passive = await lab.speaker({ ...listening, peers: [{ ...peer, passive: true }] });
    await passive.announce([{ prefix: '198.51.100.7' }]);
    const router = await lab.router(`${ebgp} connect delay time 1; error wait time 1, 2;`);
    await knows(router, (routes) => expect(routes).toContain('198.51.100.7/32'));
    await passive.kill();
    const active = await lab.speaker(listening);
    await active.announce([{ prefix: '198.51.100.8' }]);
    await knows(router, (routes) => expect(routes).toContain('198.51.100.8/32'));
    expect((await active.status()).peers).toMatchObject([{ state: 'established' }]);
  });

  it('uses four bytes for AS numbers only where both do', async () => {
    const wide = { ...speakerOptions, localAs: 4_200_000_001 };
    const router = await lab.router(`${ebgp.replace('as 64512', 'external')} enable as4 off;`);
    const speaker = await lab.speaker(wide);
    await speaker.announce([{ prefix: '198.51.100.7' }]);
    // AS4_PATH says what does not fit into AS_PATH.
    await knows(router, (routes) => expect(routes).toMatch(/198\.51\.100\.7\/32[^/]*BGP\.as_path: 4200000001/));
    expect((await speaker.status()).peers).toMatchObject([{ session: { fourOctetAs: false } }]);
    await lab.clear();
    const modern = await lab.router(ebgp.replace('as 64512', 'as 4200000001'));
    const wideSpeaker = await lab.speaker(wide);
    await wideSpeaker.announce([{ prefix: '198.51.100.7' }]);
    await knows(modern, (routes) => expect(routes).toMatch(/198\.51\.100\.7\/32[^/]*BGP\.as_path: 4200000001/));
    expect((await wideSpeaker.status()).peers).toMatchObject([{ session: { fourOctetAs: true } }]);
  });

  it('with a router that knows no capabilities carries IPv4', async () => {
    const router = await lab.router(`${ebgp.replace(/ipv6 \{.*/, '')} capabilities off;`);
    const speaker = await lab.speaker(speakerOptions);
    await speaker.announce([{ prefix: '198.51.100.7' }, { prefix: '2001:db8:99::/64' }]);
    await knows(router, (routes) => expect(routes).toContain('198.51.100.7/32'));
    const [status] = (await speaker.status()).peers;
    expect(status).toMatchObject({
      prefixes: 1,
      withheld: [{ why: 'The session carries no ipv6', prefixes: 1 }],
      session: { families: ['ipv4'], fourOctetAs: false, keptOnRestart: [] },
    });
  });

  it('over IPv6, also between link-local addresses, names next hops of both families', async () => {
    const router = await lab.router(`local ${ROUTER.ipv6} as 64513; neighbor ${OURS.ipv6} as 64512; ${both}`);
    const speaker = await lab.speaker({ ...speakerOptions, peers: [{ ...peer, address: ROUTER.ipv6 }] });
    const routes = [{ prefix: '198.51.100.7' }, { prefix: '2001:db8:99::/64' }];
    await speaker.announce(routes);
    await knows(router, (known) => {
      expect(known).toContain(`BGP.next_hop: ${OURS.ipv4}`);
      expect(known).toContain(`BGP.next_hop: ${OURS.ipv6}`);
    });
    await lab.clear();
    const local = `local ${ROUTER.linkLocal}%${LINK} as 64513; neighbor ${OURS.linkLocal}%${LINK} as 64512; ${both}`;
    const near = await lab.router(local);
    const own = { ...peer, address: `${ROUTER.linkLocal}%${LINK}` };
    await (await lab.speaker({ ...speakerOptions, peers: [own] })).announce(routes);
    await knows(near, (known) => {
      expect(known).toContain(`BGP.next_hop: ${OURS.ipv4}`);
      expect(known).toContain(`BGP.next_hop: ${OURS.ipv6} ${OURS.linkLocal}`);
    });
  });

  it('is signed with a password, whoever connects, and is none where passwords differ', async () => {
    const secret = 'correct horse';
    const router = await lab.router(`${ebgp} password "${secret}"; connect delay time 1; error wait time 1, 2;`);
    const right = await lab.speaker({ ...speakerOptions, peers: [{ ...peer, password: secret }] });
    await right.announce([{ prefix: '198.51.100.7' }]);
    await knows(router, (routes) => expect(routes).toContain('198.51.100.7/32'));
    expect(JSON.stringify(await right.status())).not.toContain(secret);
    await right.close();
    await right.kill();
    const passive = { ...peer, password: secret, passive: true };
    for (const address of ['::', '0.0.0.0']) {
      const waiting = await lab.speaker({ ...speakerOptions, listen: { address, port: 179 }, peers: [passive] });
      await waiting.announce([{ prefix: '198.51.100.8' }]);
      await knows(router, (routes) => expect(routes).toContain('198.51.100.8/32'));
      // Whoever does not sign is not heard, and the session goes on.
      await waiting.setPeers([{ ...passive, password: 'incorrect' }]);
      await knows(router, (routes) => expect(routes).not.toContain('198.51.100.8'));
      await waiting.setPeers([passive]);
      await knows(router, (routes) => expect(routes).toContain('198.51.100.8/32'));
      await waiting.close();
      await waiting.kill();
    }
    const wrong = await lab.speaker({ ...speakerOptions, peers: [{ ...peer, password: 'incorrect' }] });
    await eventually('the reason is told', async () => {
      const [status] = (await wrong.status()).peers;
      expect(status?.lastError?.words).toBe(
        '192.0.2.2 port 179 did not answer within 10 s, as it does where passwords differ',
      );
    });
  });

  it.each([
    ['IPv4', OURS.ipv4, ROUTER.ipv4],
    ['IPv6', OURS.ipv6, ROUTER.ipv6],
  ])('over %s is kept to the own network where both want it', async (_family, own, address) => {
    const protocol = `local ${address} as 64513; neighbor ${own} as 64512; ${both} connect delay time 1;`;
    const router = await lab.router(`${protocol} ttl security on;`);
    const speaker = await lab.speaker({ ...speakerOptions, peers: [{ ...peer, address, ttlSecurity: true }] });
    await speaker.announce([{ prefix: '198.51.100.7' }]);
    await knows(router, (routes) => expect(routes).toContain('198.51.100.7/32'));
    await speaker.kill();
    const listening = { ...speakerOptions, listen: { address: '::', port: 179 } };
    const waiting = await lab.speaker({
      ...listening,
      peers: [{ ...peer, address, ttlSecurity: true, passive: true }],
    });
    await waiting.announce([{ prefix: '198.51.100.8' }]);
    await knows(router, (routes) => expect(routes).toContain('198.51.100.8/32'));
  });

  it('stays while others come, change and go', async () => {
    const router = await lab.router(ebgp);
    const speaker = await lab.speaker(speakerOptions);
    await speaker.announce([{ prefix: '198.51.100.7' }, { prefix: '198.51.100.8', peers: ['other'] }]);
    await established(speaker);
    const [{ since } = { since: 0 }] = (await speaker.status()).peers;
    const other = { name: 'other', address: '192.0.2.77', as: 64514 };
    await speaker.setPeers([peer, other]);
    await speaker.setPeers([peer]);
    expect((await speaker.status()).peers).toMatchObject([{ state: 'established', since }]);
    await knows(router, (routes) => {
      expect(routes).toContain('198.51.100.7/32');
      expect(routes).not.toContain('198.51.100.8');
    });
    await speaker.setPeers([{ ...peer, holdTimeSec: 30 }]);
    await eventually('the session has the new hold time', async () => {
      expect((await speaker.status()).peers).toMatchObject([{ state: 'established', session: { holdTimeSec: 30 } }]);
    });
  });

  it('with the wrong AS is refused in words', async () => {
    await lab.router(ebgp);
    const speaker = await lab.speaker({ ...speakerOptions, peers: [{ ...peer, as: 64999 }] });
    await eventually('the reason is told', async () => {
      const [status] = (await speaker.status()).peers;
      expect(status?.lastError?.words).toBe('The peer is AS 64513, not 64999');
    });
  });
});
