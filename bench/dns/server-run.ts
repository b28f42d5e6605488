// The DNS server with the names of the benchmark, in a process of its own so that its CPU can be told.
// Run with: port, number of Services.
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { startDnsServer } from '#traffic/dns/dns-server.ts';
import { DOMAIN, zoneParts } from './names.ts';

const [port = '', services = ''] = process.argv.slice(2);
const server = await startDnsServer({
  listen: [{ address: '127.0.0.1', port: Number(port) }],
  domain: DOMAIN,
  ranges: ['10.96.0.0/16', '10.244.0.0/16'],
  upstreams: () => [],
  log: silentLogger,
  clock: systemClock,
});
server.publish(zoneParts(Number(services)));
process.on('SIGTERM', () => void server.close().then(() => process.exit()));
