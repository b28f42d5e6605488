// Addresses and ranges of addresses as Kubernetes' CEL has them: `ip('10.0.0.1')`, `cidr('10.0.0.0/8')`.
// Knows text by lib/address-range. Source: k8s.io/apiserver/pkg/cel/library/{ip,cidr}.go.
import { type Address, bitsOf, formatAddress, parseAddress } from '#lib/address-range.ts';
import { readsFirst } from '../costs.ts';
import { define, type Overload } from '../signature.ts';
import { CelError, Opaque, type Value } from '../values.ts';

class Ip extends Opaque {
  readonly typeName = 'net.IP';
  readonly address: Address;
  constructor(address: Address) {
    super();
    this.address = address;
  }
  equals(other: Value): boolean {
    return other instanceof Ip && sameAddress(this.address, other.address);
  }
}

class Cidr extends Opaque {
  readonly typeName = 'net.CIDR';
  readonly address: Address;
  readonly prefix: number;
  constructor(address: Address, prefix: number) {
    super();
    this.address = address;
    this.prefix = prefix;
  }
  equals(other: Value): boolean {
    return other instanceof Cidr && this.prefix === other.prefix && sameAddress(this.address, other.address);
  }
  /** The address with the bits beyond the prefix cleared. */
  network(address: Address = this.address): bigint {
    const rest = BigInt(bitsOf(this.address.family) - this.prefix);
    return (address.value >> rest) << rest;
  }
}

const sameAddress = (a: Address, b: Address): boolean => a.family === b.family && a.value === b.value;

function readIp(text: string): Ip | undefined {
  // Addresses of IPv4 in the clothes of IPv6 are not taken, as upstream.
  const address = /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(text) ? undefined : parseAddress(text);
  return address === undefined ? undefined : new Ip(address);
}

function readCidr(text: string): Cidr | undefined {
  const [base = '', bits = '', ...more] = text.split('/');
  const address = readIp(base)?.address;
  if (address === undefined || more.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(bits)) return undefined;
  return Number(bits) > bitsOf(address.family) ? undefined : new Cidr(address, Number(bits));
}

function needIp(text: string): Ip {
  const ip = readIp(text);
  if (ip === undefined)
    throw new CelError(
      `IP Address ${JSON.stringify(text)} parse error during conversion from string: not an IP address`,
    );
  return ip;
}

function needCidr(text: string): Cidr {
  const cidr = readCidr(text);
  if (cidr === undefined)
    throw new CelError(`network address parse error during conversion from string: ${JSON.stringify(text)} is no CIDR`);
  return cidr;
}

function within(cidr: Cidr, { address }: { address: Address }): boolean {
  return address.family === cidr.address.family && cidr.network() === cidr.network(address);
}

const withinCidr = (outer: Cidr, inner: Cidr): boolean => within(outer, inner) && outer.prefix <= inner.prefix;

const startsWith = (address: Address, four: readonly [bigint, number], six: readonly [bigint, number]): boolean => {
  const [value, bits] = address.family === 4 ? four : six;
  return address.value >> BigInt(bitsOf(address.family) - bits) === value;
};
const isLoopback = ({ address }: Ip): boolean => startsWith(address, [127n, 8], [1n, 128]);
const isLinkLocal = ({ address }: Ip): boolean => startsWith(address, [0xa9fen, 16], [0x3fan, 10]);
const isLinkLocalMulticast = ({ address }: Ip): boolean =>
  address.family === 4 ? address.value >> 8n === 0xe00000n : address.value >> 112n === 0xff02n;
const isMulticast = ({ address }: Ip): boolean => startsWith(address, [0xen, 4], [0xffn, 8]);
const isUnspecified = ({ address }: Ip): boolean => address.value === 0n;

export const networkLibrary: readonly Overload[] = [
  ...define('isIP(string) -> bool', (text: string) => readIp(text) !== undefined, readsFirst),
  ...define('ip(string) -> net.IP', needIp, readsFirst),
  ...define(
    '@ip.isCanonical(string) -> bool',
    (text: string) => formatAddress(needIp(text).address) === text,
    readsFirst,
  ),
  ...define('net.IP.family() -> int', ({ address }: Ip) => BigInt(address.family)),
  ...define('net.IP.isUnspecified() -> bool', isUnspecified),
  ...define('net.IP.isLoopback() -> bool', isLoopback),
  ...define('net.IP.isLinkLocalMulticast() -> bool', isLinkLocalMulticast),
  ...define('net.IP.isLinkLocalUnicast() -> bool', isLinkLocal),
  ...define(
    'net.IP.isGlobalUnicast() -> bool',
    (ip: Ip) =>
      !(isUnspecified(ip) || isLoopback(ip) || isMulticast(ip) || isLinkLocal(ip)) &&
      !(ip.address.family === 4 && ip.address.value === 0xffffffffn),
  ),
  ...define('string(net.IP) -> string', ({ address }: Ip) => formatAddress(address)),
  ...define('isCIDR(string) -> bool', (text: string) => readCidr(text) !== undefined, readsFirst),
  ...define('cidr(string) -> net.CIDR', needCidr, readsFirst),
  ...define('net.CIDR.containsIP(net.IP) -> bool', within),
  ...define('net.CIDR.containsIP(string) -> bool', (cidr: Cidr, text: string) => within(cidr, needIp(text))),
  ...define('net.CIDR.containsCIDR(net.CIDR) -> bool', withinCidr),
  ...define('net.CIDR.containsCIDR(string) -> bool', (cidr: Cidr, text: string) => withinCidr(cidr, needCidr(text))),
  ...define('net.CIDR.ip() -> net.IP', ({ address }: Cidr) => new Ip(address)),
  ...define(
    'net.CIDR.masked() -> net.CIDR',
    (cidr: Cidr) => new Cidr({ family: cidr.address.family, value: cidr.network() }, cidr.prefix),
  ),
  ...define('net.CIDR.prefixLength() -> int', ({ prefix }: Cidr) => BigInt(prefix)),
  ...define('string(net.CIDR) -> string', ({ address, prefix }: Cidr) => `${formatAddress(address)}/${prefix}`),
];
