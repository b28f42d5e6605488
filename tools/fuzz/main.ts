// Entry of the fuzzers: `npm run fuzz -- http1 --minutes 10 --seed 1`. Exits with 1 and keeps the input when it finds something.
// Knows the names of the fuzzers and counts; the laws stand in their files.

import { parseArgs } from 'node:util';
import type { RouteFilter } from '#traffic/model/ir.ts';
import { fuzzApiServer } from './apiserver/run.ts';
import { fuzzBgp } from './bgp.ts';
import { corpusOf, type Kind, keep } from './corpus.ts';
import { DnsRig } from './dns.ts';
import { fuzzClientFrames, fuzzServerFrames } from './http2.ts';
import { fuzzLayer2 } from './layer2.ts';
import { fuzzParsers } from './parsers.ts';
import { Random } from './random.ts';
import { type Finding, fuzzRequest } from './requests.ts';
import { fuzzResponse } from './responses.ts';
import { Rig } from './rig.ts';

type Fuzz = (rig: Rig, corpus: readonly string[], random: Random) => Promise<Finding | undefined>;

const MINUTE = 60_000;
/** Clients at once, each with chance of its own: what it sends depends on the seed alone. */
const LANES = 6;
/** Cases of a lane between two looks at leaks, memory and the log. */
const ROUND = 100;
/** Rounds until memory is compared. */
const WARM = 5;
/** Megabytes that a run may grow by once it is warm: a leak of a kilobyte a case would be beyond it within minutes. */
const GROWTH = 150;

/** What routes do in one round after the other: nothing, or something that holds messages back or changes their heads. */
const setups: readonly (readonly RouteFilter[])[] = [
  [],
  [{ type: 'buffer_request', maxBytes: 8192 }],
  [
    { type: 'request_headers', set: [{ name: 'X-Fuzz', value: '1' }], remove: ['X'] },
    { type: 'response_headers', add: [{ name: 'X-Fuzz', value: '1' }], remove: ['Server'] },
    { type: 'buffer_response', maxBytes: 8192 },
  ],
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    help: { type: 'boolean', default: false },
  },
});
const [name = ''] = positionals;
const minutes = Number(values.minutes);
const seed = Number(values.seed);
const runs: Readonly<Record<string, () => Promise<number>>> = {
  http1: () => fuzzMessages('requests', fuzzRequest, 'responses', fuzzResponse),
  http2: () => fuzzMessages('client-frames', fuzzClientFrames, 'server-frames', fuzzServerFrames),
  parsers: () => fuzzPure(fuzzParsers),
  bgp: () => fuzzPure(fuzzBgp),
  l2: () => fuzzPure(fuzzLayer2),
  dns: fuzzDns,
  apiserver: () => fuzzApiServer(seed, { minutes }),
};
const run = runs[name];
const usage = `Usage: npm run fuzz -- ${Object.keys(runs).join('|')} [--minutes N] [--seed N]`;
if (values.help) console.log(usage);
else if (run === undefined || !(minutes > 0) || !Number.isInteger(seed)) {
  console.error(usage);
  process.exitCode = 2;
} else {
  console.log(`Fuzzing ${name} for ${minutes} min, seed ${seed}`);
  process.exitCode = (await run()) === 0 ? 0 : 1;
}

/** What clients send and what backends do, in turn, on several lanes through one engine; how many laws were broken. */
async function fuzzMessages(asked: Kind, fuzzAsked: Fuzz, answered: Kind, fuzzAnswered: Fuzz): Promise<number> {
  const corpora = [corpusOf(asked), corpusOf(answered)] as const;
  const rig = new Rig();
  await rig.start();
  const began = performance.now();
  const found = new Set<string>();
  let cases = 0;
  const report = (kind: Kind, finding: Finding): void => {
    // One input a law is enough to go on with.
    if (found.has(finding.law)) return;
    found.add(finding.law);
    console.error(`Case ${cases}: ${finding.detail}`);
    if (finding.input === '') return;
    console.error(`  ${JSON.stringify(finding.input)}\n  kept as ${keep(kind, finding.law, finding.input)}`);
  };
  const lane = async (random: Random): Promise<void> => {
    for (let step = 0; step < ROUND; step++) {
      const answer = step % 3 === 2;
      const finding = await (answer ? fuzzAnswered(rig, corpora[1], random) : fuzzAsked(rig, corpora[0], random));
      cases++;
      if (finding !== undefined) report(answer ? answered : asked, finding);
    }
  };
  const lanes = Array.from({ length: LANES }, (_, index) => new Random(seed + index));
  for (let round = 1; performance.now() - began < minutes * MINUTE; round++) {
    await rig.route(setups[round % setups.length] ?? []);
    await Promise.all(lanes.map(lane));
    if (rig.errors.length > 0)
      report(asked, { law: 'The engine failed', detail: rig.errors.splice(0).join('\n'), input: '' });
    const leaked = await rig.leaks();
    if (leaked !== '') report(asked, { law: 'Something leaks', detail: leaked, input: '' });
    if (round === WARM) rig.settle();
    const growth = round < WARM ? 0 : rig.growth();
    if (growth > GROWTH) report(asked, { law: 'Memory grows', detail: `${growth.toFixed(0)} MB`, input: '' });
    if (round % 20 === 0)
      console.log(`${cases} cases, ${growth.toFixed(0)} MB beyond the warm start, ${found.size} found`);
  }
  await rig.close();
  const spent = ((performance.now() - began) / MINUTE).toFixed(1);
  console.log(`${cases} cases in ${spent} min: ${found.size} laws broken`);
  return found.size;
}

/** What needs no engine, case by case; returns how many laws were broken. */
async function fuzzPure(fuzz: (random: Random) => Finding | undefined): Promise<number> {
  const random = new Random(seed);
  const began = performance.now();
  const found = new Set<string>();
  let cases = 0;
  while (performance.now() - began < minutes * MINUTE) {
    const finding = fuzz(random);
    cases++;
    if (finding === undefined || found.has(finding.law)) continue;
    found.add(finding.law);
    console.error(`Case ${cases}: ${finding.detail}\n  ${Buffer.from(finding.input, 'latin1').toString('base64')}`);
  }
  console.log(`${cases} cases: ${found.size} laws broken`);
  return found.size;
}

/** The DNS server by UDP and TCP, with a resolver behind it that is no better than its clients. */
async function fuzzDns(): Promise<number> {
  const random = new Random(seed);
  const rig = new DnsRig(random);
  await rig.start();
  const began = performance.now();
  const found = new Set<string>();
  for (let round = 1; performance.now() - began < minutes * MINUTE; round++) {
    const finding = await rig.round();
    if (round % 200 === 0) console.log(`${rig.cases} cases, ${rig.growth().toFixed(0)} MB beyond the warm start`);
    const grown = rig.growth() > GROWTH ? { law: 'Memory grows', detail: `${rig.growth()} MB`, input: '' } : undefined;
    for (const one of [finding, grown]) {
      if (one === undefined || found.has(one.law)) continue;
      found.add(one.law);
      console.error(
        `Case ${rig.cases}: ${one.law}: ${one.detail}\n  ${Buffer.from(one.input, 'latin1').toString('hex')}`,
      );
    }
  }
  await rig.close();
  console.log(`${rig.cases} cases: ${found.size} laws broken`);
  return found.size;
}
