// `--cluster-signing-cert-file` and `-key-file`: the authority by which controllers sign requests for certificates.
// Knows files and words of the command line; how a certificate is signed is traffic/identity.
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { ControllerSettings } from '#control/controllers/settings.ts';
import { loadAuthority } from '#traffic/identity/authority.ts';
import { codeOf, messageOf, UsageFailure } from '../failure.ts';

export interface SigningFlags {
  readonly clusterSigningCertFile?: string;
  readonly clusterSigningKeyFile?: string;
}

export function addSigningOptions(command: Command): Command {
  return command
    .option(
      '--cluster-signing-cert-file <file>',
      'authority that approved CertificateSigningRequests are signed by (default: they are left to others)',
    )
    .option('--cluster-signing-key-file <file>', 'private key of that authority');
}

/** Throws a `UsageFailure` for files that cannot be used. */
export function signerOf(flags: SigningFlags): ControllerSettings['signCertificate'] {
  const { clusterSigningCertFile: certFile, clusterSigningKeyFile: keyFile } = flags;
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    throw new UsageFailure(
      'A certificate needs both halves of an authority, and one is missing',
      'Give --cluster-signing-cert-file and --cluster-signing-key-file together',
    );
  }
  const pair = { certPem: read(certFile), keyPem: read(keyFile) };
  try {
    loadAuthority(pair);
  } catch (error) {
    throw new UsageFailure(
      `"${certFile}" and "${keyFile}" are no authority: ${messageOf(error)}`,
      'Name the certificate (PEM) with --cluster-signing-cert-file and its key with --cluster-signing-key-file',
    );
  }
  return async (request, terms) => {
    const { signRequest } = await import('#traffic/identity/sign-request.ts');
    return signRequest(pair, request, terms);
  };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageFailure(`Cannot read "${file}": ${codeOf(error) ?? messageOf(error)}`, 'Name a readable PEM file');
  }
}
