// Reads requests for certificates (PKCS #10, RFC 2986): whom they are for, and that the sender holds the key.
// Knows names and signatures; nothing of who signs the certificate.
import { createPublicKey, verify } from 'node:crypto';
import { DER, type DerValue, derChildren, derValues, oidText } from './der.ts';

export interface CertificateRequestFacts {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  /** As text. */
  readonly ips: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
}

const OID = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  extensions: '1.2.840.113549.1.9.14',
  names: '2.5.29.17',
};
/** Signature algorithm -> digest; Ed25519 has none of its own. */
const DIGESTS: Readonly<Record<string, string | null>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.3.101.112': null,
};

/** Throws an error with upstream's words when the text is no such request, or its signature is not right. */
export function readCertificateRequest(pem: string): CertificateRequestFacts {
  const match = /-----BEGIN ([A-Z0-9 ]+)-----([\s\S]+?)-----END \1-----/.exec(pem);
  if (match?.[1] !== 'CERTIFICATE REQUEST') throw new Error('PEM block type must be CERTIFICATE REQUEST');
  const bytes = Buffer.from(match[2] ?? '', 'base64');
  let parts: DerValue[];
  let facts: CertificateRequestFacts;
  try {
    parts = derChildren(derValues(bytes)[0], DER.sequence);
    facts = factsOf(parts[0]);
  } catch (error) {
    throw new Error(`malformed certificate request: ${(error as Error).message}`, { cause: error });
  }
  if (!isSigned(parts)) throw new Error('the signature is not that of the key in the request');
  return facts;
}

function isSigned([info, algorithm, signature]: readonly DerValue[]): boolean {
  try {
    const [oid] = derChildren(algorithm, DER.sequence);
    const digest = oid === undefined ? undefined : DIGESTS[oidText(oid)];
    const spki = derChildren(info, DER.sequence)[2];
    if (info === undefined || spki === undefined || digest === undefined || signature?.tag !== DER.bitString) {
      return false;
    }
    const key = createPublicKey({ key: Buffer.from(spki.whole), format: 'der', type: 'spki' });
    // The first octet says how many bits of the last are of no use: none, in signatures.
    return verify(digest, info.whole, key, signature.content.subarray(1));
  } catch {
    return false;
  }
}

function factsOf(info: DerValue | undefined): CertificateRequestFacts {
  const [, subject, , attributes] = derChildren(info, DER.sequence);
  const commonNames: string[] = [];
  const organizations: string[] = [];
  for (const set of derChildren(subject, DER.sequence)) {
    for (const pair of derChildren(set, DER.set)) {
      const [oid, value] = derChildren(pair, DER.sequence);
      if (oid === undefined || value === undefined) continue;
      if (oidText(oid) === OID.commonName) commonNames.push(text(value));
      if (oidText(oid) === OID.organization) organizations.push(text(value));
    }
  }
  return { commonName: commonNames.at(-1) ?? '', organizations, ...namesOf(attributes) };
}

type Names = Pick<CertificateRequestFacts, 'dnsNames' | 'ips' | 'emails' | 'uris'>;

/** Of the extension subjectAltName, where the request asks for one. */
function namesOf(attributes: DerValue | undefined): Names {
  const names = { dnsNames: [] as string[], ips: [] as string[], emails: [] as string[], uris: [] as string[] };
  for (const attribute of attributes === undefined ? [] : derValues(attributes.content)) {
    const [oid, values] = derChildren(attribute, DER.sequence);
    if (oid === undefined || oidText(oid) !== OID.extensions) continue;
    for (const extension of derChildren(derChildren(values, DER.set)[0], DER.sequence)) {
      const [name, ...rest] = derChildren(extension, DER.sequence);
      const value = rest.at(-1);
      if (name === undefined || value?.tag !== DER.octetString || oidText(name) !== OID.names) continue;
      for (const each of derChildren(derValues(value.content)[0], DER.sequence)) addName(names, each);
    }
  }
  return names;
}

function addName(names: { [kind in keyof Names]: string[] }, value: DerValue): void {
  // The tags of GeneralName (RFC 5280): [1] rfc822Name, [2] dNSName, [6] URI, [7] iPAddress.
  if (value.tag === 0x81) names.emails.push(text(value));
  if (value.tag === 0x82) names.dnsNames.push(text(value));
  if (value.tag === 0x86) names.uris.push(text(value));
  if (value.tag === 0x87) names.ips.push(ipText(value.content));
}

function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from(
    { length: bytes.length / 2 },
    (_, at) => (bytes[at * 2] ?? 0) * 256 + (bytes[at * 2 + 1] ?? 0),
  );
  return groups.map((group) => group.toString(16)).join(':');
}

/** BMPString has two octets for a character; all others are read as UTF-8, which printable ones are. */
function text({ tag, content }: DerValue): string {
  if (tag !== 0x1e) return Buffer.from(content).toString('utf8');
  return Buffer.from(content).swap16().toString('utf16le');
}
