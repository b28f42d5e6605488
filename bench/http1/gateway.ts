// The gateway engine alone, with one worker and a fixed model: what the benchmark puts beside the other proxies.
// Arguments: port, backend ports. Ends on SIGTERM.

import { silentLogger } from '#lib/log.ts';
import { startEngine } from '#traffic/proxy/engine.ts';
import { cluster, endpoint, listener, simpleModel } from '#traffic/proxy/testing/model.ts';

const [port = 0, ...backends] = process.argv.slice(2).map(Number);
const engine = await startEngine({ workers: 1, log: silentLogger });
const name = 'test/web/http';
engine.publish({
  ...simpleModel([]),
  listeners: new Map([['http', listener('http', 'http', port)]]),
  clusters: new Map([[name, cluster(name, { policy: { type: 'least_request', choices: 2 } })]]),
  endpoints: new Map([[name, backends.map((backend) => endpoint(backend))]]),
});
await engine.ready();
process.on('SIGTERM', () => {
  void engine.close().then(() => process.exit(0));
});
