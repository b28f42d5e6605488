// Makes the recorded demand in examples/traces: `node tools/traces.ts` writes the same files each time.
// They are made up, after the shapes that shops and services have; the numbers come from a seeded generator.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../src/traffic/balancer/seeded-random.ts';

const DAYS = 7;
const MINUTES = 24 * 60;
const folder = join(import.meta.dirname, '../examples/traces');

/** Requests a second at a minute of a day. */
type Shape = (minute: number, day: number, random: () => number) => number;

/** A shop: nights are quiet, doors open at eight, a sale at noon, and an evening; weekends are somewhat quieter. */
const shop: Shape = (minute, day, random) => {
  const hour = minute / 60;
  const waves = 90 + 60 * Math.max(0, Math.sin(((hour - 6) / 18) * Math.PI));
  const opening = hour >= 8 && hour < 10 ? 260 : 0;
  const sale = hour >= 12 && hour < 12.75 ? 420 : 0;
  const evening = hour >= 19 && hour < 22 ? 180 : 0;
  const weekend = day % 7 >= 5 ? 0.85 : 1;
  return (waves + opening + sale + evening) * weekend * (1 + 0.05 * gauss(random));
};

/** Jobs that others start on the hour, for ten minutes, from seven to seven. */
const hourly: Shape = (minute, _, random) => {
  const working = minute >= 7 * 60 && minute < 19 * 60;
  const base = working ? 80 : 40;
  return (base + (working && minute % 60 < 10 ? 320 : 0)) * (1 + 0.05 * gauss(random));
};

function steady(): Shape {
  return (_minute, _day, random) => 200 * Math.max(0.2, 1 + 0.15 * gauss(random));
}

/** Goes where it likes: today says nothing of tomorrow. */
function wandering(): Shape {
  let level = 200;
  return (_minute, _day, random) => {
    level = Math.min(600, Math.max(60, level * (1 + 0.02 * gauss(random)) + 0.02 * (200 - level)));
    return level;
  };
}

function gauss(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function write(name: string, about: string, shape: Shape): void {
  const random = seededRandom(7);
  const lines = [`# ${about}`, 'seconds,requests per second'];
  for (let day = 0; day < DAYS; day++) {
    for (let minute = 0; minute < MINUTES; minute += 1) {
      const rate = Math.max(0, shape(minute, day, random));
      lines.push(`${(day * MINUTES + minute) * 60},${rate.toFixed(0)}`);
    }
  }
  writeFileSync(join(folder, `${name}.csv`), `${lines.join('\n')}\n`);
}

mkdirSync(folder, { recursive: true });
write('shop', 'A shop over a week: it opens at eight, has a sale at noon, and an evening.', shop);
write('hourly', 'Jobs on the hour, from seven to seven, each day.', hourly);
write('steady', 'The same all the time, with noise: nothing to foresee.', steady());
write('wandering', 'A level that goes where it likes: nothing to foresee.', wandering());
