// Rules of requests for certificates.
// Knows nothing of who may approve or sign. Upstream source: pkg/apis/certificates/validation.
import type { CertificateSigningRequest } from 'kubernetes-types/certificates/v1.js';
import { readCertificateRequest } from '#lib/certificate-request.ts';
import { dnsSubdomain, pathSegment } from './names.ts';
import { at, child, type Report } from './report.ts';
import { type KindRules, rulesFor } from './rules.ts';

const MIN_SECONDS = 600;
const LEGACY = 'kubernetes.io/legacy-unknown';

const USAGES = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];

const request = rulesFor<CertificateSigningRequest>({
  name: pathSegment,
  validate(object, report) {
    validateConditions(object, report);
  },
  validateCreate(object, report) {
    validateSpec(object, report);
  },
  validateUpdate(next, previous, report) {
    const types = (next.status?.conditions ?? []).map(({ type }) => type);
    for (const { type } of previous.status?.conditions ?? []) {
      if (!types.includes(type)) {
        report.forbidden(
          child('status', 'conditions'),
          `updates may not remove a condition of type ${JSON.stringify(type)}`,
        );
      }
    }
    const before = previous.status?.certificate ?? '';
    if (before !== '' && (next.status?.certificate ?? '') !== before) {
      report.forbidden(child('status', 'certificate'), 'updates may not set or replace certificate content');
    }
  },
});

function validateSpec({ spec }: CertificateSigningRequest, report: Report): void {
  const path = 'spec';
  try {
    readCertificateRequest(Buffer.from(spec?.request ?? '', 'base64').toString('latin1'));
  } catch (error) {
    report.invalid(child(path, 'request'), spec?.request ?? '', (error as Error).message);
  }
  const usages: readonly string[] = spec?.usages ?? [];
  if (usages.length === 0) report.required(child(path, 'usages'));
  for (const [index, usage] of usages.entries()) {
    if (!USAGES.includes(usage)) report.notSupported(at(child(path, 'usages'), index), usage, USAGES);
    else if (usages.indexOf(usage) !== index) report.duplicate(at(child(path, 'usages'), index), usage);
  }
  validateSigner(spec?.signerName ?? '', report);
  if (spec?.expirationSeconds !== undefined && spec.expirationSeconds < MIN_SECONDS) {
    const why = 'may not specify a duration less than 600 seconds (10 minutes)';
    report.invalid(child(path, 'expirationSeconds'), spec.expirationSeconds, why);
  }
}

function validateSigner(name: string, report: Report): void {
  const path = child('spec', 'signerName');
  const [domain = '', ...rest] = name.split('/');
  if (name === '') {
    report.required(path);
  } else if (name === LEGACY) {
    report.invalid(path, name, 'the legacy signerName is not allowed via this API version');
  } else if (rest.length !== 1 || rest[0] === '' || !domain.includes('.')) {
    report.invalid(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
  } else {
    report.each(path, domain, dnsSubdomain(domain));
    report.each(path, rest[0] ?? '', dnsSubdomain(rest[0] ?? ''));
  }
}

const DECISIONS = ['Approved', 'Denied'];

function validateConditions({ status }: CertificateSigningRequest, report: Report): void {
  const path = child('status', 'conditions');
  const seen = new Set<string>();
  for (const [index, { type, status: holds }] of (status?.conditions ?? []).entries()) {
    const here = at(path, index);
    if (type === '') report.required(child(here, 'type'));
    if ([...DECISIONS, 'Failed'].includes(type) && holds !== 'True') {
      report.notSupported(child(here, 'status'), holds, ['True']);
    }
    if (seen.has(type)) report.duplicate(child(here, 'type'), type);
    seen.add(type);
    const other = DECISIONS.find((each) => each !== type);
    if (DECISIONS.includes(type) && other !== undefined && seen.has(other)) {
      report.invalid(child(here, 'type'), type, 'Approved and Denied conditions are mutually exclusive');
    }
  }
}

export const certificateRules: Readonly<Record<string, KindRules>> = {
  'certificates.k8s.io/CertificateSigningRequest': request,
};
