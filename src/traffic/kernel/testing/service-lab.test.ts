// The lab itself, with no driver in it: everybody reaches everybody as themselves, refusals and silence are told apart.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Family } from '#lib/ip.ts';
import { RuleBook } from '#traffic/snapshot/rules/rule-book.ts';
import { compareWithTrace } from './as-traced.ts';
import {
  addressOf,
  clusterIP,
  externalIP,
  families,
  hostPort,
  labNode,
  outsideClient,
  places,
  worldAddress,
} from './lab-layout.ts';
import { sh, sweepNamespaces } from './lab-namespaces.ts';
import { LAB, type Probe, ServiceLab, serviceLabAllowed } from './service-lab.ts';

describe.skipIf(!serviceLabAllowed('the lab of layer-4 drivers'))('the lab of layer-4 drivers', () => {
  let lab: ServiceLab;
  beforeAll(async () => {
    lab = await ServiceLab.make();
  }, 120_000);
  afterAll(async () => await lab?.close());

  it('sweeps what those left that were killed, and leaves alone what is in use', () => {
    const { pid } = spawnSync('true');
    sh(`ip netns add ${LAB}-${pid}-0-n1`);
    sweepNamespaces(LAB);
    const left = readdirSync('/run/netns');
    expect(left).not.toContain(`${LAB}-${pid}-0-n1`);
    expect(left).toContain(`${lab.id}-n1`);
  });

  it('brings every packet to its place, with its own source', async () => {
    const { model } = new RuleBook(labNode({ serviceRanges: [] }));
    const probes = families.flatMap((family) =>
      places.flatMap((at) =>
        (['TCP', 'UDP'] as const).flatMap((protocol): Probe[] => [
          ...(['p1', 'p2', 'p3'] as const).map(
            (to): Probe => ({ at, protocol, to: addressOf[to][family], port: 8080 }),
          ),
          { at, protocol, to: addressOf.n1[family], port: hostPort },
          { at, protocol, to: addressOf.n1[family], port: 1 },
          { at, protocol, to: addressOf.p1[family], port: 1 },
          { at, protocol, to: worldAddress[family], port: 80 },
        ]),
      ),
    );
    const others = families.flatMap((family): Probe[] => [
      { at: 'outside', from: outsideClient(family, 55), protocol: 'TCP', to: addressOf.p3[family], port: 8084 },
      { at: 'n1', from: addressOf.n1Pods[family], protocol: 'UDP', to: addressOf.p3[family], port: 8084 },
      { at: 'outside', protocol: 'TCP', to: externalIP(family, 10), port: 81 },
      { at: 'p3', protocol: 'TCP', to: clusterIP(family, 10), port: 80 },
      { at: 'n1', protocol: 'TCP', to: clusterIP(family, 10), port: 80 },
    ]);
    // The world has no way to itself but its own.
    const compared = await compareWithTrace(
      lab,
      model,
      [...probes, ...others].filter(({ at }) => at !== 'world'),
    );
    expect(compared.length).toBeGreaterThan(100);
  });

  it.each(families)('tells silence from a refusal, %s', async (family: Family) => {
    const ip = family === 'IPv4' ? 'ip' : 'ip6';
    lab.sh(`${ip}tables -A FORWARD -d ${addressOf.p1[family]} -j DROP`);
    try {
      const probes = (['TCP', 'UDP'] as const).map(
        (protocol): Probe => ({ at: 'outside', protocol, to: addressOf.p1[family], port: 8080 }),
      );
      const results = await lab.probe(probes, () => true);
      expect(results.map(({ kind }) => kind)).toEqual(['silent', 'silent']);
    } finally {
      lab.sh(`${ip}tables -D FORWARD -d ${addressOf.p1[family]} -j DROP`);
    }
  });

  it('answers hundreds of probes at once, and keeps flows', async () => {
    const probe: Probe = { at: 'outside', protocol: 'TCP', to: addressOf.p2.IPv4, port: 8081 };
    const results = await lab.probe(Array<Probe>(500).fill(probe));
    expect(new Set(results.map(({ kind }) => kind))).toEqual(new Set(['answered']));
    for (const protocol of ['TCP', 'UDP'] as const) {
      const flow = await lab.open({ ...probe, protocol });
      expect([flow.first, await flow.say(), await flow.say()]).toMatchObject(
        Array(3).fill({ kind: 'answered', by: 'p2:8081', seenAs: addressOf.outside.IPv4 }),
      );
      await flow.shut();
    }
  });
});
