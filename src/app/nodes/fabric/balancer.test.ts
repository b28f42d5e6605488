// Addresses of LoadBalancer Services within a cluster's network: their share of the fabric, and what is refused.
// Pure; that they can be reached is tried in test/load-balancer.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planBalancer, poolAddresses } from './balancer.ts';
import { overlaps, parseCidr } from './cidr.ts';
import { defaultRanges, planFabric } from './plan.ts';

const plan = planFabric('ek-1', defaultRanges, 3, true);

function withFabric(fabric: string, nodes = 1) {
  return planFabric('ek-1', { ...defaultRanges, fabric }, nodes, true);
}

describe('planBalancer', () => {
  test('takes the last part of the fabric', () => {
    expect(planBalancer(plan)).toEqual(['10.240.0.224/27', 'fd00:10:240::f000/116']);
    expect(planBalancer(withFabric('10.1.0.0/16'))).toEqual(['10.1.224.0/19']);
  });

  test('takes nothing where nodes are, where there is no room, or when it is told so', () => {
    expect(planBalancer(withFabric('10.240.0.0/24', 230))).toEqual([]);
    expect(planBalancer(withFabric('10.240.0.0/28', 3))).toEqual([]);
    expect(planBalancer(plan, 'none')).toEqual([]);
  });

  test.each(['10.240.0.128/26', '10.250.0.0/24', '10.250.0.0/24,fd00:10:250::/112'])(
    'takes %s when asked to',
    (asked) => {
      expect(planBalancer(plan, asked).join()).toBe(asked);
    },
  );

  test('leaves out IPv6 where the cluster has none', () => {
    expect(planBalancer(withFabric('10.240.0.0/24'), '10.250.0.0/24,fd00:10:250::/112')).toEqual(['10.250.0.0/24']);
  });

  test.each([
    ['some', '"some" is no range of addresses'],
    ['10.240.0.0/26', 'holds 10.240.0.1, the address of a node or of the machine'],
    ['10.240.0.12/30', 'holds 10.240.0.12'],
    ['10.240.0.0/16', '--lb-pool 10.240.0.0/16 and --fabric-cidr 10.240.0.0/24 overlap'],
    ['10.244.9.0/24', '--lb-pool 10.244.9.0/24 and --pod-cidr 10.244.0.0/16 overlap'],
    ['10.96.9.0/24', '--lb-pool 10.96.9.0/24 and --service-cidr 10.96.0.0/16 overlap'],
    ['10.250.0.0/31', 'is not one range of each family, with 4 addresses or more'],
    ['10.250.0.0/24,10.251.0.0/24', 'is not one range of each family'],
    ['127.97.0.0/24', 'cannot be those of --network netns'],
  ])('refuses %s', (asked, message) => {
    expect(() => planBalancer(plan, asked)).toThrow(message);
  });

  test('never meets a node, whatever the range of the fabric and however many there are', () => {
    const bits = fc.integer({ min: 8, max: 28 });
    fc.assert(
      fc.property(bits, fc.integer({ min: 1, max: 240 }), (length, nodes) => {
        fc.pre(2 ** (32 - length) >= nodes + 12);
        const fabric = withFabricOf(length, nodes);
        for (const text of planBalancer(fabric)) {
          const range = parseCidr(text);
          for (const address of [...fabric.machine, ...fabric.nodes.flatMap(({ addresses }) => addresses)]) {
            const one = parseCidr(`${address}/32`);
            expect(range !== undefined && one !== undefined && overlaps(range, one)).toBe(false);
          }
        }
      }),
    );
  });
});

function withFabricOf(bits: number, nodes: number) {
  const ranges = { fabric: `11.0.0.0/${bits}`, pods: '12.0.0.0/8', services: '13.0.0.0/16' };
  return planFabric('ek-1', ranges, nodes, false);
}

test('A pool has neither the first nor the last address of a block', () => {
  expect(poolAddresses('10.240.0.224/27')).toBe('10.240.0.225-10.240.0.254');
  expect(poolAddresses('fd00:10:240::f000/116')).toBe('fd00:10:240::f000/116');
});
