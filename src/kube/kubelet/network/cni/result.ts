// The answer to ADD in every version of the specification: which addresses the pod has got.
// Pure: reads what a plugin answered, and trusts none of it.
import ipaddr from 'ipaddr.js';

/** Address without its prefix length, in its usual form; `undefined` when it is none. */
function addressOf(cidr: unknown): string | undefined {
  if (typeof cidr !== 'string') return undefined;
  const [address = ''] = cidr.split('/');
  return ipaddr.isValid(address) ? ipaddr.parse(address).toString() : undefined;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Addresses in the order of the answer: those of interfaces in the sandbox, where it says which ones are. */
function addressesOf(result: unknown): string[] {
  const { ips, interfaces, ip4, ip6 } = record(result);
  const inSandbox = (index: unknown): boolean => {
    if (typeof index !== 'number') return true;
    const { sandbox } = record(list(interfaces)[index]);
    return typeof sandbox === 'string' && sandbox !== '';
  };
  const found = [
    ...list(ips)
      .map(record)
      .filter((one) => inSandbox(one.interface))
      .map((one) => addressOf(one.address)),
    // Up to 0.2.0 there was one of each family.
    addressOf(record(ip4).ip),
    addressOf(record(ip6).ip),
  ];
  return found.filter((one) => one !== undefined);
}

/** At most one address a family, `primary` first. */
export function podIpsOf(result: unknown, primary: 4 | 6): string[] {
  const all = addressesOf(result);
  const four = all.find((address) => !address.includes(':'));
  const six = all.find((address) => address.includes(':'));
  return (primary === 4 ? [four, six] : [six, four]).filter((one) => one !== undefined);
}
