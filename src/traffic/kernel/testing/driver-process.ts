// A driver in a process of its own, so that a test can kill it. Run with: module, function, namespace, owner.
// Obeys one order, to apply; answers when it is done.
import type { RuleUpdate } from '#traffic/snapshot/rules/rule-model.ts';
import type { DriverOptions, L4Driver } from '../contract.ts';

const [module = '', create = '', netns = '', owner = ''] = process.argv.slice(2);
const made = (await import(module)) as Record<string, (options: DriverOptions) => L4Driver>;
const driver = made[create]?.({ netns, owner, warn: (message) => console.error(message) });

process.on('message', (update: RuleUpdate) => {
  process.send?.('begun');
  driver?.apply(update).then(
    () => process.send?.('applied'),
    (error: unknown) => process.send?.(String(error)),
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
