// Events: what is created, what is counted, what is folded together and what is dropped.
// Pure, without a server.
import { describe, expect, test } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import { EventCorrelator, type EventFacts, type Verdict } from './event-correlator.ts';

const facts = (message: string, extra: Partial<EventFacts> = {}): EventFacts => ({
  component: 'kubelet',
  about: 'v1|Pod|default/a|uid',
  type: 'Warning',
  reason: 'BackOff',
  message,
  ...extra,
});

function correlator() {
  const clock = new FakeClock();
  const inner = new EventCorrelator(clock);
  let names = 0;
  const note = (message: string, extra?: Partial<EventFacts>): Verdict =>
    inner.correlate(facts(message, extra), () => `event-${++names}`);
  return { clock, note };
}

describe('event correlation', () => {
  test('counts a repetition on the event that exists', () => {
    const { note } = correlator();
    const first = note('restarting');
    expect(first).toMatchObject({ action: 'create', observation: { name: 'event-1', count: 1 } });
    expect(note('restarting')).toMatchObject({ action: 'count', observation: { name: 'event-1', count: 2 } });
    expect(note('restarting', { reason: 'Other' })).toMatchObject({
      action: 'create',
      observation: { name: 'event-2' },
    });
  });

  test('folds many different messages for one reason into one event', () => {
    const { note } = correlator();
    for (let i = 1; i < 10; i++) expect(note(`try ${i}`)).toMatchObject({ action: 'create', message: `try ${i}` });
    expect(note('try 10')).toMatchObject({ action: 'create', message: '(combined from similar events): try 10' });
    expect(note('try 11')).toMatchObject({ action: 'count', message: '(combined from similar events): try 11' });
  });

  test('stops folding when nothing similar came for ten minutes', () => {
    const { note, clock } = correlator();
    for (let i = 1; i <= 12; i++) note(`try ${i}`);
    clock.advance(600_001);
    expect(note('try again')).toMatchObject({ action: 'create', message: 'try again' });
  });

  test('lets 25 events of one object pass at once and then one every five minutes', () => {
    const { note, clock } = correlator();
    const passed = Array.from({ length: 40 }, () => note('again')).filter(({ action }) => action !== 'drop');
    expect(passed).toHaveLength(25);
    expect(note('again', { about: 'v1|Pod|default/b|uid' }).action).toBe('create');
    clock.advance(300_000);
    expect(note('again').action).toBe('count');
    expect(note('again').action).toBe('drop');
  });
});
