// Until when the certificates that are served are valid, as a metric: one that expires takes its hosts along.
// Knows certificates as PEM text; whoever asks says which are in force.
import { X509Certificate } from 'node:crypto';
import type { MetricSource } from '#telemetry/exposition.ts';
import { proxyMetrics } from '#telemetry/proxy-metrics.ts';
import { MetricRecorder } from '#telemetry/recorder.ts';
import type { Certificate } from '#traffic/model/ir.ts';

export class CertificateExpiry {
  readonly #recorder = new MetricRecorder({ expiry: proxyMetrics.certificateExpiry }, 16 * 1024);
  /** Seconds since the epoch, by fingerprint: reading a certificate costs more than a scrape should. */
  #known = new Map<string, number>();

  get source(): MetricSource {
    return this.#recorder.source;
  }

  measure(certificates: Iterable<Certificate>): void {
    const known = new Map<string, number>();
    const values: [string[], number][] = [];
    for (const { name, fingerprint, certificateChainPem } of certificates) {
      const expiry = this.#known.get(fingerprint) ?? expiryOf(certificateChainPem);
      if (expiry === undefined) continue;
      known.set(fingerprint, expiry);
      values.push([[name], expiry]);
    }
    this.#known = known;
    this.#recorder.replace(proxyMetrics.certificateExpiry, values);
  }
}

/** Of the first one, which is what clients are shown. */
function expiryOf(chainPem: string): number | undefined {
  try {
    return new X509Certificate(chainPem).validToDate.getTime() / 1000;
  } catch {
    return undefined;
  }
}
