// A program that gives up its rights and serves a node port by the user-space driver, until it is told to end.
// Prints what it was warned of, and "serving"; run with: node port, port of the endpoint.
import { libcObstacle } from '#lib/sys/libc.ts';
import { RuleBook } from '#traffic/snapshot/rules/rule-book.ts';
import { l4Endpoint, l4Port, nodeFacts } from '#traffic/snapshot/rules/testing.ts';
import { createUserspaceDriver } from '../driver.ts';

const NOBODY = 65_534;
const [nodePort, endpoint] = process.argv.slice(2).map(Number);

// Files of packages may be readable to some only.
libcObstacle();
if (process.getuid?.() === 0) {
  process.setgroups?.([]);
  process.setgid?.(NOBODY);
  process.setuid?.(NOBODY);
}
const driver = createUserspaceDriver({ warn: (message) => console.log(`Warning: ${message}`) });
const book = new RuleBook(nodeFacts({ addresses: ['127.0.0.1'], nodePortAddresses: ['127.0.0.1'] }));
const port = l4Port({
  nodePort: nodePort ?? 0,
  endpoints: [l4Endpoint('127.0.0.1', { port: endpoint ?? 0 })],
});
book.change(new Map([[port.name, port]]));
await driver.apply(book.whole());
console.log('serving');
process.stdin.on('data', () => {});
process.stdin.on('end', () => {
  void driver.close().then(() => process.exit(0));
});
