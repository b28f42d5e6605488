// What is forecast, and when it is believed: seasons, noise, shifts, restarts.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '#traffic/balancer/seeded-random.ts';
import { Forecaster, type ForecastSettings } from './forecaster.ts';
import { Mean, Persistence, Seasonal, Trend } from './models.ts';

const STEP = 1000;
const settings: ForecastSettings = { seasonMs: 60 * STEP, stepMs: STEP, horizonMs: 5 * STEP, maxError: 0.2 };

/** Ten, and fifty in seconds 30 to 39 of each minute. */
const bursts = (second: number): number => (second % 60 >= 30 && second % 60 < 40 ? 50 : 10);

function fed(seconds: number, demand: (second: number) => number, more: Partial<ForecastSettings> = {}): Forecaster {
  const forecaster = new Forecaster({ ...settings, ...more });
  for (let second = 0; second < seconds; second++) forecaster.observe(second * STEP, demand(second));
  return forecaster;
}

describe('a forecast', () => {
  test('sees a burst before it comes, once a season has been compared', () => {
    const forecaster = fed(60 * 5 + 27, bursts);
    const foreseen = forecaster.forecast((60 * 5 + 27) * STEP);
    expect(foreseen).toMatchObject({ model: 'seasonal', trusted: true });
    expect(foreseen.demand).toBeGreaterThan(45);
    expect(foreseen.skill).toBeGreaterThan(0.9);
  });

  test('does not see it from farther away than its horizon', () => {
    expect(fed(60 * 5 + 20, bursts).forecast((60 * 5 + 20) * STEP).demand).toBeLessThan(15);
  });

  test('is not believed before a whole season has been compared', () => {
    const foreseen = fed(100, bursts).forecast(100 * STEP);
    expect(foreseen.trusted).toBe(false);
    expect(foreseen.reason).toMatch(/compared with \d+ of 60 steps of a season/);
    expect(new Forecaster(settings).forecast(0)).toMatchObject({ trusted: false, demand: undefined });
  });

  test('is not believed any more when the pattern is gone', () => {
    const forecaster = fed(60 * 8, (second) =>
      second < 300 ? bursts(second) : bursts(second + 17 * Math.floor(second / 60)),
    );
    expect(forecaster.forecast(60 * 8 * STEP).trusted).toBe(false);
  });

  test.each([
    ['constant demand', () => 20],
    ['noise', (_: number, random: () => number) => 20 * (0.7 + 0.6 * random())],
    ['nothing at all', () => 0],
  ])('of %s changes nothing', (_, demand) => {
    const random = seededRandom(3);
    const forecaster = fed(60 * 10, (second) => demand(second, random));
    expect(forecaster.forecast(60 * 10 * STEP).trusted).toBe(false);
  });

  test('goes on after a restart as if nothing had been', () => {
    const before = fed(60 * 5, bursts);
    const after = new Forecaster(settings);
    expect(after.restore(JSON.parse(JSON.stringify(before.state())))).toBe(true);
    for (let second = 60 * 5; second < 60 * 6 + 28; second++) {
      before.observe(second * STEP, bursts(second));
      after.observe(second * STEP, bursts(second));
    }
    const at = (60 * 6 + 28) * STEP;
    expect(after.forecast(at).demand).toBeCloseTo(before.forecast(at).demand ?? 0, 1);
    expect(after.forecast(at).trusted).toBe(true);
  });

  test('does not take over what was learned by other settings, or is no knowledge', () => {
    const known = fed(200, bursts).state();
    expect(new Forecaster({ ...settings, seasonMs: 30 * STEP }).restore(known)).toBe(false);
    const broken = { ...known, scores: known.scores.map((score) => ({ ...score, knowledge: [] })) };
    expect(new Forecaster(settings).restore(broken)).toBe(false);
  });
});

const demands = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 });

describe('models of any demand', () => {
  test('never foresee what is below nothing or no number', () => {
    fc.assert(
      fc.property(demands, fc.nat(500), (values, ahead) => {
        for (const model of [new Seasonal(24), new Trend(), new Persistence(), new Mean(10)]) {
          for (const [step, value] of values.entries()) model.observe(step, value);
          const value = model.at(values.length + ahead) ?? 0;
          expect(Number.isFinite(value), model.name).toBe(true);
          expect(value, model.name).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  test('no forecast exceeds what was seen by more than a busier day may', () => {
    fc.assert(
      fc.property(demands, (values) => {
        const model = new Seasonal(24);
        for (const [step, value] of values.entries()) model.observe(step, value);
        const most = Math.max(...values);
        for (let step = 0; step < 24; step++) expect(model.at(step) ?? 0).toBeLessThanOrEqual(most * 1.5 + 1e-6);
      }),
    );
  });

  test('times that go backwards are left out', () => {
    const forecaster = fed(200, bursts);
    const before = forecaster.forecast(200 * STEP);
    forecaster.observe(5 * STEP, 1e9);
    expect(forecaster.forecast(200 * STEP)).toEqual(before);
  });
});
