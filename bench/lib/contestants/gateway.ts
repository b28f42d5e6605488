// The gateway engine alone: what the benchmarks put beside the other proxies. Ends on SIGTERM.
// Argument: a GatewayFile. Each message from its parent is a further update, answered once it is applied.

import { readFileSync } from 'node:fs';
import { silentLogger } from '#lib/log.ts';
import { startEngine } from '#traffic/proxy/engine.ts';
import { type GatewayFile, type PlainUpdate, unplain } from './evenkeel.ts';

const file = JSON.parse(readFileSync(process.argv[2] as string, 'utf8')) as GatewayFile;
let version = 1;
const engine = await startEngine({ workers: file.workers, log: silentLogger });
engine.onListenError((name, error) => {
  console.error(`Listener "${name}": ${error.message}`);
  process.exit(1);
});
engine.publish(unplain(file.update, version));
await engine.ready();

process.on('message', (update: PlainUpdate) => {
  engine.publish(unplain(update, ++version));
  void engine.applied().then(() => process.send?.('applied'));
});
process.on('SIGTERM', () => {
  void engine.close().then(() => process.exit(0));
});
// The benchmark is gone: nothing is left to serve.
process.on('disconnect', () => process.exit(0));
