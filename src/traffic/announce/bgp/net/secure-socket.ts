// Sockets that Node cannot make by itself: signed (RFC 2385), open to the own network only (RFC 5082), or of one VRF.
// Knows no message; needs src/lib/sys, and says so where that cannot be used.
import type { Server, Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { libcObstacle } from '#lib/sys/libc.ts';
import { connectOn, descriptorOf } from '#lib/sys/node-streams.ts';
import { bindSocket, closeSocket, openSocket, SOL_SOCKET, setSocketOption } from '#lib/sys/socket.ts';
import type { InternetAddress } from '#lib/sys/socket-address.ts';
import { setTcpMd5Key } from '#lib/sys/tcp-md5.ts';
import { addressFamily, withoutZone } from '../wire/family.ts';

/** What a peer asks of its connections beyond TCP. */
export interface Security {
  readonly address: string;
  readonly password?: string;
  readonly ttlSecurity?: boolean;
  /** An interface or a VRF. */
  readonly device?: string;
}

const SO_BINDTODEVICE = 25;
const SOL_IP = 0;
const SOL_IPV6 = 41;
const IP_TTL = 2;
const IP_MINTTL = 21;
const IPV6_UNICAST_HOPS = 16;
const IPV6_MINHOPCOUNT = 73;
/** What no router has counted down. */
const FULL_TTL = 255;

/** Why `security` cannot be had here, as a clause; undefined where it can, or where nothing is asked for. */
export function securityObstacle(security: Omit<Security, 'address'>): string | undefined {
  return isPlain(security) ? undefined : libcObstacle();
}

/** Whether Node's own sockets will do. */
export function isPlain({ password, ttlSecurity, device }: Omit<Security, 'address'>): boolean {
  return password === undefined && ttlSecurity !== true && device === undefined;
}

/** A socket that is on its way to the peer. Throws where the kernel refuses. */
export function connectSecurely(security: Security, port: number, localAddress: string | undefined): Socket {
  const { address } = security;
  const fd = openSocket(addressFamily(address) === 'ipv6' ? 'inet6' : 'inet', 'stream');
  try {
    if (security.password !== undefined) setTcpMd5Key(fd, socketAddress(address), Buffer.from(security.password));
    if (security.ttlSecurity === true) askForFullTtl(fd, addressFamily(address) === 'ipv6');
    if (security.device !== undefined) bindToDevice(fd, security.device);
    if (localAddress !== undefined) bindSocket(fd, socketAddress(localAddress));
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
  return connectOn(fd, { ...socketAddress(address), address, port });
}

/** From now on connections from that peer need its secret; without one they need none any more. */
export function expectSignature(server: Server, dualStack: boolean, security: Security): void {
  const fd = descriptorOf(server);
  if (fd === undefined) return;
  const four = addressFamily(security.address) === 'ipv4';
  const address = dualStack && four ? `::ffff:${security.address}` : security.address;
  setTcpMd5Key(fd, socketAddress(address), Buffer.from(security.password ?? ''));
}

/** On a connection that the peer has made: what follows must come with a full TTL, as what is sent does. */
export function restrictToNetwork(socket: Socket): void {
  const fd = descriptorOf(socket);
  // An IPv4 peer of a socket for both families is reached by IPv4, and has options of both.
  if (fd !== undefined)
    askForFullTtl(fd, socket.remoteFamily === 'IPv6' && !/^::ffff:\d+\./i.test(socket.remoteAddress ?? ''));
}

function bindToDevice(fd: number, device: string): void {
  try {
    setSocketOption(fd, SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(device));
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === 'ENODEV' ? 'this machine has none' : (cause as Error).message;
    throw new Error(`no interface or VRF "${device}" can be used: ${why}`, { cause });
  }
}

function askForFullTtl(fd: number, ipv6: boolean): void {
  setSocketOption(fd, ipv6 ? SOL_IPV6 : SOL_IP, ipv6 ? IPV6_UNICAST_HOPS : IP_TTL, FULL_TTL);
  setSocketOption(fd, ipv6 ? SOL_IPV6 : SOL_IP, ipv6 ? IPV6_MINHOPCOUNT : IP_MINTTL, FULL_TTL);
}

function socketAddress(address: string): InternetAddress {
  const zone = address.split('%')[1];
  const scope = zone === undefined ? 0 : scopeOf(zone);
  return { family: 'inet', address: withoutZone(address), port: 0, ...(scope === 0 ? {} : { scope }) };
}

/** The index of an interface. */
function scopeOf(name: string): number {
  for (const info of networkInterfaces()[name] ?? []) {
    if (info.family === 'IPv6' && info.scopeid !== undefined && info.scopeid !== 0) return info.scopeid;
  }
  throw new Error(`Interface "${name}" has no link-local address: it is down, or IPv6 is off`);
}
