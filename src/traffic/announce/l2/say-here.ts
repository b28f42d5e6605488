// Says to the neighbours of an interface that an address is here now, for one that the kernel itself answers for.
// Holds no address and answers nobody; that is the responder's matter.
import { bindSocket, closeSocket, openSocket, send } from '#lib/sys/socket.ts';
import { addressBytes } from './address-bytes.ts';
import { findInterfaces } from './interfaces.ts';
import { gratuitousArps } from './wire/arp.ts';
import { ETHER_TYPE } from './wire/ethernet.ts';
import { unsolicitedAdvertisement } from './wire/ndp.ts';

/** Once, by gratuitous ARP or an unsolicited advertisement. Throws where that cannot be sent; a full queue may lose it. */
export function sayHere(address: string, name: string): void {
  const bytes = addressBytes(address);
  const { found, lacking } = findInterfaces([name]);
  const [link] = found;
  if (bytes === undefined || link === undefined) throw new Error(lacking[0]?.why ?? `"${address}" is no address`);
  const isV4 = bytes.length === 4;
  const fd = openSocket('packet', 'raw', 0);
  try {
    bindSocket(fd, { family: 'packet', protocol: isV4 ? ETHER_TYPE.arp : ETHER_TYPE.ipv6, link: link.index });
    const frames = isV4 ? gratuitousArps(bytes, link.hardware) : [unsolicitedAdvertisement(bytes, link.hardware)];
    for (const frame of frames) send(fd, frame);
  } finally {
    closeSocket(fd);
  }
}
