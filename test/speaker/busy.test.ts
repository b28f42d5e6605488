// A speaker whose main thread is busy, as with a large compilation of Services, is no dead speaker: nothing moves.
// Real speakers in namespaces; what they are busy with comes from `busy-on-signal.ts`.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { privilegedObstacle } from '#lib/sys/testing.ts';
import { eventually } from '../support/eventually.ts';
import { kernelAllows } from '../support/kernel.ts';
import { hasTool } from '../support/tools.ts';
import { BUSY_MS } from './busy-on-signal.ts';
import { CLIENT, Lab, LINK } from './lab.ts';

const wanted = 'speakers that are busy';
const possible =
  kernelAllows(privilegedObstacle(), wanted) && ['arping', 'curl'].every((tool) => hasTool(tool, wanted));
const preload = new URL('./busy-on-signal.ts', import.meta.url).href;
const VIP = '192.0.2.200';

describe.skipIf(!possible)('two speakers, one of them busy', { timeout: 120_000 }, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = new Lab();
    await lab.start(2);
  }, 60_000);
  afterEach(() => lab.clear());
  afterAll(() => lab.remove());

  it('keeps its addresses, answers for them meanwhile, and is not taken for dead', async () => {
    await lab.pool();
    await lab.service('web', [VIP], ['n1', 'n2']);
    const speakers = new Map(
      await Promise.all(['n1', 'n2'].map(async (name) => [name, await lab.speaker(name, [], preload)] as const)),
    );
    const held = await eventually('somebody answers', async () => {
      const name = await lab.whoAnswers(VIP, 1_000);
      if (name === undefined) throw new Error('Nobody');
      return name;
    });
    const busy = speakers.get(held);
    const other = speakers.get(held === 'n1' ? 'n2' : 'n1');
    if (busy === undefined || other === undefined) throw new Error(`No speaker at ${held}`);
    const changes = async (): Promise<string | undefined> =>
      /^evenkeel_speaker_membership_changes_total \S+$/m.exec(await other.page('/metrics'))?.[0];
    await eventually('they hear each other', async () => {
      expect(await other.page('/metrics')).toContain('evenkeel_speaker_alive_peers 1');
    });
    const before = await changes();
    const from = performance.now();
    busy.signal('SIGUSR2');
    await eventually('it is busy', () => expect(busy.log).toContain('Busy'));
    const asked = await lab.in(lab.client, 'arping', '-c', '1', '-w', '1', '-I', LINK, '-s', CLIENT, VIP);
    expect(asked.toLowerCase()).toContain(lab.hardwareOf(lab.node(held)));
    expect(busy.log).not.toContain('Idle');
    await eventually('it is idle again', () => expect(busy.log).toContain('Idle'));
    expect(performance.now() - from).toBeGreaterThanOrEqual(BUSY_MS);
    // What was thought of it meanwhile would be known by now, and a move would be with the client.
    expect(await changes()).toBe(before);
    expect(lab.neighbour(VIP)).toBe(lab.hardwareOf(lab.node(held)));
    expect(await lab.whoAnswers(VIP, 1_000)).toBe(held);
  });
});
