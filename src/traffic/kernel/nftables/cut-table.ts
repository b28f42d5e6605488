// A small table beside that of the driver, there only while TCP connections are being ended: whoever sends along a way
// that is cut is answered with RST. Text for `nft`; which ways, and for how long, is decided elsewhere.
import type { Family } from '#lib/ip.ts';
import type { CutWay } from '../contract.ts';
import { dialectOf } from './layout.ts';

const HOOKS = ['input', 'forward', 'output'] as const;
// What resets a connection belongs to it as well, and must get out: segments with RST are let pass.

/** Before our own rules and most of others', so that nobody lets pass what is to be answered. */
const PRIORITY = -10;

/**
 * What brings the tables of both families to these ways, in one transaction. A way is known by its connection, in both
 * directions: the front as the original destination, the endpoint as the source of answers.
 */
export function cutText(table: string, ways: readonly CutWay[]): string {
  return (['IPv4', 'IPv6'] as const).map((family) => familyText(`${table}-cut`, family, ways)).join('');
}

function familyText(table: string, family: Family, ways: readonly CutWay[]): string {
  const { ip, addressType } = dialectOf(family);
  const own = ways.filter((way) => way.family === family);
  const lines = [`add table ${ip} ${table}`, `delete table ${ip} ${table}`];
  if (own.length > 0) {
    const elements = own.map((way) => `${way.address} . ${way.port} . ${way.endpoint.address} . ${way.endpoint.port}`);
    const key = `ct original ${ip} daddr . ct original proto-dst . ct reply ${ip} saddr . ct reply proto-src`;
    lines.push(
      `add table ${ip} ${table}`,
      `add set ${ip} ${table} ways { type ${addressType} . inet_service . ${addressType} . inet_service; }`,
      `add element ${ip} ${table} ways { ${elements.join(', ')} }`,
      ...HOOKS.flatMap((hook) => [
        `add chain ${ip} ${table} ${hook} { type filter hook ${hook} priority ${PRIORITY}; policy accept; }`,
        `add rule ${ip} ${table} ${hook} tcp flags & rst == 0 ${key} @ways reject with tcp reset`,
      ]),
    );
  }
  return `${lines.join('\n')}\n`;
}
