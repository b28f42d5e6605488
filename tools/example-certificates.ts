// Writes the certificates of the examples anew: `node tools/example-certificates.ts`. They are public, and good for nothing else.
// Knows which example needs which names.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Authority, createAuthority, type KeyPair } from '#traffic/identity/authority.ts';

const DAYS = 36_500;
const FOLDER = join(import.meta.dirname, '..', 'examples', 'gateway-api');
const NOTE = '# Made for this example alone; the keys are public. The authority is ca.pem.\n';

function indented(pem: string): string {
  return pem
    .trim()
    .split('\n')
    .map((line) => `    ${line}\n`)
    .join('');
}

function secret(namespace: string, name: string, { certPem, keyPem }: KeyPair): string {
  return `---
apiVersion: v1
kind: Secret
metadata: { name: ${name}, namespace: ${namespace} }
type: kubernetes.io/tls
stringData:
  tls.crt: |
${indented(certPem)}  tls.key: |
${indented(keyPem)}`;
}

function bundle(namespace: string, name: string, { certPem }: KeyPair): string {
  return `---
apiVersion: v1
kind: ConfigMap
metadata: { name: ${name}, namespace: ${namespace} }
data:
  ca.crt: |
${indented(certPem)}`;
}

async function write(
  example: string,
  authority: Authority,
  objects: readonly string[],
  client?: KeyPair,
): Promise<void> {
  const folder = join(FOLDER, example);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'certificates.yaml'), NOTE + objects.join(''));
  await writeFile(join(folder, 'ca.pem'), authority.certPem);
  if (client !== undefined) await writeFile(join(folder, 'client.pem'), client.certPem + client.keyPem);
}

const authority = await createAuthority({ commonName: 'Authority of the examples', days: DAYS });
const issue = (...dnsNames: string[]): Promise<KeyPair> =>
  authority.issue({ commonName: dnsNames[0] ?? '', dnsNames, days: DAYS });

const clients = await createAuthority({ commonName: 'Clients of the examples', days: DAYS });
await write(
  'client-certificates',
  authority,
  [
    secret('client-certificates', 'partners', await issue('partners.example')),
    bundle('client-certificates', 'clients', clients),
  ],
  await clients.issue({ commonName: 'alice', client: true, days: DAYS }),
);
await write('tls-passthrough', authority, [
  secret('tls-passthrough', 'vault', await issue('vault.example')),
  secret('tls-passthrough', 'mail', await issue('mail.example')),
]);
await write('backend-tls', authority, [
  secret('backend-tls', 'bank', await issue('bank.internal')),
  bundle('backend-tls', 'authority', authority),
]);
