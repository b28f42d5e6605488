// How requests for certificates are printed.
// Knows columns and cells only.
import type { CertificateSigningRequest } from 'kubernetes-types/certificates/v1.js';
import { humanDuration } from './duration.ts';
import { ageColumn, column, nameColumn, nameOf, objectAge, type Printer, printer } from './printer.ts';

const request = printer<CertificateSigningRequest>(
  [
    nameColumn,
    ageColumn,
    column('SignerName', 'Who is to sign the certificate'),
    column('Requestor', 'Who asked for it'),
    column('RequestedDuration', 'How long it is to be valid'),
    column('Condition', 'What has become of the request'),
  ],
  (object, now) => {
    const { signerName = '', username = '', expirationSeconds } = object.spec ?? {};
    return [
      nameOf(object),
      objectAge(object, now),
      signerName === '' ? '<none>' : signerName,
      username,
      expirationSeconds === undefined ? '<none>' : humanDuration(expirationSeconds * 1000),
      conditionOf(object),
    ];
  },
);

/** What was decided, what went wrong, and whether the certificate is there: `Approved,Issued`. */
function conditionOf({ status }: CertificateSigningRequest): string {
  const types = (status?.conditions ?? []).map(({ type }) => type);
  const decided = ['Denied', 'Approved'].find((type) => types.includes(type)) ?? 'Pending';
  const failed = types.includes('Failed') ? ',Failed' : '';
  return `${decided}${failed}${(status?.certificate ?? '') === '' ? '' : ',Issued'}`;
}

export const certificatePrinters: Readonly<Record<string, Printer>> = {
  'certificates.k8s.io/CertificateSigningRequest': request,
};
