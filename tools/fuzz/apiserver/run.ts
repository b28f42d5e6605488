// A run of the fuzzer of the API server: rounds of requests on several lanes, and a look at memory after each.
// Knows how long and what to print; the laws stand in rig.ts.
import { Random } from '../random.ts';
import { ApiServerRig } from './rig.ts';

const MINUTE = 60_000;
const LANES = 4;
/** Requests of a lane between two looks at what is stored. */
const ROUND = 250;
/** Rounds until memory is compared. */
const WARM = 4;
/** Megabytes that a run may grow by once it is warm: caches of compiled rules and schemas are bounded well below. */
const GROWTH = 60;

export interface Limits {
  readonly minutes?: number;
  readonly rounds?: number;
}

/** How many laws were broken. */
export async function fuzzApiServer(
  seed: number,
  { minutes = Infinity, rounds = Infinity }: Limits,
  print: Pick<Console, 'log' | 'error'> = console,
): Promise<number> {
  const rig = new ApiServerRig();
  await rig.start();
  const lanes = Array.from({ length: LANES }, (_, index) => new Random(seed + index));
  const found = new Set<string>();
  const report = (finding: { law: string; detail: string; input: string } | undefined): void => {
    if (finding === undefined || found.has(finding.law)) return;
    found.add(finding.law);
    print.error(`Case ${rig.cases}: ${finding.law}: ${finding.detail}\n  ${finding.input.slice(0, 4000)}`);
  };
  const lane = async (random: Random): Promise<void> => {
    for (let step = 0; step < ROUND; step++) report(await rig.ask(random));
  };
  const began = performance.now();
  for (let round = 1; round <= rounds && performance.now() - began < minutes * MINUTE; round++) {
    await Promise.all(lanes.map(lane));
    report(await rig.sweep());
    if (round === WARM) rig.settle();
    const growth = round < WARM ? 0 : rig.growth();
    if (growth > GROWTH) report({ law: 'Memory grows', detail: `${growth.toFixed(0)} MB`, input: '' });
    if (round % 4 === 0)
      print.log(`${rig.cases} cases, ${growth.toFixed(1)} MB beyond the warm start, ${found.size} found`);
  }
  await rig.close();
  const codes = [...rig.codes].sort().map(([code, times]) => `${times} x ${code}`);
  print.log(`${rig.cases} cases (${codes.join(', ')}): ${found.size} laws broken`);
  return found.size;
}
