// The suite that every layer-4 driver runs: real packets between namespaces, held to the tracer of the rule model.
// Knows drivers by their contract alone; what one of them lacks it says itself.
import { afterAll, beforeAll, describe } from 'vitest';
import type { DriverSetup } from './testing/driver-under-test.ts';
import { families } from './testing/lab-layout.ts';
import { changeRows } from './testing/rows/changes.ts';
import { choiceRows } from './testing/rows/choice.ts';
import { drainRows } from './testing/rows/drain.ts';
import { drawnRows } from './testing/rows/drawn.ts';
import { lifeRows } from './testing/rows/life.ts';
import { Scene } from './testing/rows/scene.ts';
import { verdictRows } from './testing/rows/verdicts.ts';
import { ServiceLab, serviceLabAllowed } from './testing/service-lab.ts';

export function describeL4Driver(name: string, setup: DriverSetup): void {
  const allowed = serviceLabAllowed(`the layer-4 driver ${name}`, setup.tools);
  describe.skipIf(!allowed)(`layer-4 driver ${name}`, () => {
    let lab: ServiceLab | undefined;
    const { groupOf, pace } = setup;
    beforeAll(
      async () => {
        lab = await ServiceLab.make({ groupOf, ...pace });
      },
      120_000 * (pace?.slowness ?? 1),
    );
    afterAll(async () => await lab?.close(), 60_000 * (pace?.slowness ?? 1));
    const scene = new Scene(setup, () => {
      if (lab === undefined) throw new Error('The lab is not there');
      return lab;
    });

    describe.each(pace?.families ?? families)('%s', (family) => {
      verdictRows(scene, family);
      choiceRows(scene, family);
      changeRows(scene, family);
      drainRows(scene, family);
    });
    describe('from its beginning to its end', () => {
      beforeAll(async () => await scene.end(), scene.patience());
      lifeRows(scene);
      drawnRows(scene);
    });
  });
}
