// The certificates and keys that a configuration names: read, checked, and remembered by name for the watcher.
// Never says what is in a key.
import { createHash, X509Certificate } from 'node:crypto';
import { createCertificateReader } from '#control/controllers/traffic/read-certificate.ts';
import type { PrivateText } from '#traffic/model/ir.ts';
import { privateText } from '#traffic/model/private-text.ts';
import type { TlsPair } from '#traffic/model/secret.ts';
import { messageOf } from '../failure.ts';

/** The text of a file, its name as it stands in the configuration; throws when it cannot be read. */
export type ReadFile = (file: string) => string;

interface Refused {
  readonly error: string;
  readonly remedy: string;
}

const read = createCertificateReader();

export class FileReader {
  readonly #read: ReadFile;
  readonly #files = new Set<string>();

  constructor(readFile: ReadFile) {
    this.#read = readFile;
  }

  files(): readonly string[] {
    return [...this.#files];
  }

  /** A certificate chain and its key. */
  pair(certificateFile: string, keyFile: string): TlsPair | (Refused & { readonly field: string }) {
    const chain = this.#text(certificateFile);
    if ('error' in chain) return { ...chain, field: 'certificateFile' };
    const key = this.#text(keyFile);
    if ('error' in key) return { ...key, field: 'keyFile' };
    const facts = read(chain.text, key.text);
    if (!('error' in facts)) {
      return { ...facts, certificateChainPem: chain.text, privateKeyPem: privateText(key.text) };
    }
    // The reader speaks of the entries of a Secret.
    const ofKey = facts.error.startsWith('"tls.key"');
    const [file, field] = ofKey ? [keyFile, 'keyFile'] : [certificateFile, 'certificateFile'];
    const what = facts.error.replace(/^"tls\.(crt|key)" /, '').replace(/: store the pair.*$/, '');
    const remedy = ofKey
      ? 'Name the PEM file with the private key of this certificate'
      : 'Name the PEM file with the certificate, and its chain behind it';
    return { field, error: `File "${file}" ${what}`, remedy };
  }

  /** A file of certificates that are trusted. */
  authorities(file: string): { readonly text: string } | Refused {
    const found = this.#text(file);
    if ('error' in found) return found;
    try {
      new X509Certificate(found.text);
      return found;
    } catch (error) {
      const remedy = 'Name a PEM file with the certificates of the authorities to trust';
      return { error: `File "${file}" holds no PEM certificate (${messageOf(error)})`, remedy };
    }
  }

  /** A secret that somebody made up: a line of text. */
  secret(file: string): PrivateText | Refused {
    const found = this.#text(file);
    if ('error' in found) return found;
    const secret = found.text.trim();
    if (secret.length >= 16) return privateText(secret);
    return {
      error: `File "${file}" holds a key of ${secret.length} characters, which is too short`,
      remedy: 'Write at least 16 random ones, e.g. with "openssl rand -base64 32"',
    };
  }

  fingerprint(text: string): string {
    return createHash('sha256').update(text).digest('hex');
  }

  #text(file: string): { readonly text: string } | Refused {
    this.#files.add(file);
    try {
      return { text: this.#read(file) };
    } catch (error) {
      const remedy = 'Name a file that can be read; relative names start at the directory of the configuration';
      return { error: `Cannot read "${file}": ${messageOf(error)}`, remedy };
    }
  }
}
