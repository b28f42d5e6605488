// The program on a socket drops exactly those whom the tracer leaves without an answer, run here instruction by instruction.
// Knows classic BPF as far as the program uses it.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Family } from '#lib/ip.ts';
import { encodeSocketAddress } from '#lib/sys/socket-address.ts';
import { RuleBook } from '#traffic/snapshot/rules/rule-book.ts';
import { l4Endpoint, l4Port, nodeFacts } from '#traffic/snapshot/rules/testing.ts';
import { trace } from '#traffic/snapshot/rules/trace.ts';
import { codes, filterBytes, type Instruction, NETWORK_HEADER, sourceFilter } from './source-filter.ts';

/** As the kernel runs it on a packet from there; throws where the kernel's checker would refuse it. */
function keeps(program: readonly Instruction[], source: string, family: Family): boolean {
  const header = new Uint8Array(40);
  const address = encodeSocketAddress({ family: 'inet', address: source, port: 0 });
  if (family === 'IPv4') header.set(address.subarray(4, 8), 12);
  else header.set(address.subarray(8, 24), 8);
  let accumulator = 0;
  for (let at = 0; ; ) {
    const one = program[at];
    if (one === undefined) throw new Error(`Runs out at ${at}`);
    if (one.jt > 255 || one.jf > 255) throw new Error(`Jumps too far at ${at}`);
    at += 1;
    if (one.code === codes.load) accumulator = new DataView(header.buffer).getUint32(one.k - NETWORK_HEADER);
    else if (one.code === codes.and) accumulator = (accumulator & one.k) >>> 0;
    else if (one.code === codes.jumpEqual) at += accumulator === one.k ? one.jt : one.jf;
    else if (one.code === codes.jump) at += one.k;
    else return one.k !== 0;
  }
}

const v4 = (max: number) => fc.integer({ min: 0, max }).map((low) => `10.${low >> 8}.${low & 255}.1`);
const v6 = (max: number) => fc.integer({ min: 0, max }).map((low) => `fd00:${low.toString(16)}::1`);
const range = (address: fc.Arbitrary<string>, most: number): fc.Arbitrary<string> =>
  fc.tuple(address, fc.integer({ min: 0, max: most })).map(([one, length]) => `${one}/${length}`);

it.each(['IPv4', 'IPv6'] as const)('drops whom the tracer drops, %s', (family) => {
  const address = family === 'IPv4' ? v4(0x3ff) : v6(0x3ff);
  const ranges = range(address, family === 'IPv4' ? 32 : 128);
  const facts = fc.record({
    podRanges: fc.array(ranges, { maxLength: 2 }),
    addresses: fc.array(address, { maxLength: 3 }),
    sources: fc.option(fc.array(ranges, { maxLength: 3 }), { nil: undefined }),
    internalLocal: fc.boolean(),
    externalLocal: fc.boolean(),
    at: fc.constantFrom('n1', 'n2'),
    clients: fc.array(address, { minLength: 1, maxLength: 10 }),
  });
  const external = family === 'IPv4' ? '203.0.113.5' : '2001:db8::5';
  fc.assert(
    fc.property(facts, ({ podRanges, addresses, sources, internalLocal, externalLocal, at, clients }) => {
      const node = nodeFacts({ podRanges, addresses });
      const endpoints = [l4Endpoint(family === 'IPv4' ? '10.244.0.2' : 'fd00:244::2', { node: at })];
      const book = new RuleBook(node);
      const port = l4Port({
        family,
        internalLocal,
        externalLocal,
        endpoints,
        loadBalancerIPs: [external],
        loadBalancerSources: sources,
      });
      book.change(new Map([[port.name, port]]));
      const rules = book.model.ports.get(port.name);
      if (rules === undefined) throw new Error('No rules');
      for (const front of rules.fronts) {
        const program = sourceFilter(rules, front, node);
        for (const from of [...clients, ...addresses]) {
          const { verdict } = trace(book.model, { from, to: front.address, port: front.port, protocol: 'TCP' });
          expect(program === undefined || keeps(program, from, family)).toBe(verdict !== 'drop');
        }
      }
    }),
  );
});

it('lets everybody through where nobody is dropped, and is left out where it is too long', () => {
  const book = new RuleBook(nodeFacts());
  const port = l4Port({ loadBalancerIPs: ['203.0.113.5'], endpoints: [l4Endpoint('10.244.0.2')] });
  book.change(new Map([[port.name, port]]));
  const rules = book.model.ports.get(port.name);
  const [front] = rules?.fronts ?? [];
  if (rules === undefined || front === undefined) throw new Error('No front');
  expect(sourceFilter(rules, front, nodeFacts())).toBeUndefined();
  const many = Array.from({ length: 3000 }, (_, at) => `10.${at >> 8}.${at & 255}.0/24`);
  expect(sourceFilter(rules, { ...front, allowedSources: many }, nodeFacts())).toBeUndefined();
});

it('is written as the kernel reads it', () => {
  const bytes = filterBytes([{ code: codes.jumpEqual, jt: 1, jf: 2, k: 0x01020304 }]);
  expect(new Uint16Array(bytes.buffer)[0]).toBe(codes.jumpEqual);
  expect([...bytes.subarray(2, 4)]).toEqual([1, 2]);
  expect(new Uint32Array(bytes.buffer)[1]).toBe(0x01020304);
});
