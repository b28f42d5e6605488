// The gateway engine alone: what the benchmarks put beside the other proxies. Ends on SIGTERM.
// Argument: a GatewayFile. Each message from its parent is a further update, answered once it is applied.

import { readFileSync } from 'node:fs';
import { deserialize } from 'node:v8';
import { type Logger, silentLogger } from '#lib/log.ts';
import type { TrafficUpdate } from '#traffic/model/ir.ts';
import { startEngine } from '#traffic/proxy/engine.ts';
import type { GatewayFile } from './evenkeel.ts';

const file = deserialize(readFileSync(process.argv[2] as string)) as GatewayFile;
let version = 1;
/** What goes wrong has to be seen: a worker that ends is replaced, and a benchmark might not notice. */
const log: Logger = {
  ...silentLogger,
  warn: (fields, message) => console.error(message, fields),
  error: (fields, message) => console.error(message, fields),
  child: () => log,
};
const engine = await startEngine({ workers: file.workers, log });
engine.onListenError((name, error) => {
  console.error(`Listener "${name}": ${error.message}`);
  process.exit(1);
});
engine.publish({ ...file.update, version });
await engine.ready();

process.on('message', (update: Omit<TrafficUpdate, 'version'>) => {
  engine.publish({ ...update, version: ++version });
  void engine.applied().then(() => process.send?.('applied'));
});
process.on('SIGTERM', () => {
  void engine.close().then(() => process.exit(0));
});
// The benchmark is gone: nothing is left to serve.
process.on('disconnect', () => process.exit(0));
