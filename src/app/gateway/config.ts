// From the text of a configuration file to the traffic model, or to everything that is wrong with it, at once.
// Reads certificate files through the function it is given; knows no engine and no watcher.
import * as v from 'valibot';
import { type Document, LineCounter, parseDocument } from 'yaml';
import type { AccessLogSettings } from '#telemetry/access-record.ts';
import type { TraceSettings } from '#telemetry/traces/span-exporter.ts';
import type { Certificate, Cluster, Endpoint, TrafficModel } from '#traffic/model/ir.ts';
import type { HttpLimits } from '#traffic/proxy/http1/limits.ts';
import { locator, type ManifestProblem, type Position } from '../manifests/document.ts';
import { describe, yamlValue } from '../manifests/yaml-value.ts';
import { crossCheck } from './cross-check.ts';
import { fieldPath } from './field-path.ts';
import { FileReader, type ReadFile } from './referenced-files.ts';
import { salvageHost } from './salvage.ts';
import { type CertificateFiles, certificate } from './schema/certificate.ts';
import { type ClusterFile, cluster } from './schema/cluster.ts';
import { isRecord, type Schema } from './schema/kit.ts';
import { limits } from './schema/limits.ts';
import { listener } from './schema/listener.ts';
import { readRefusal } from './schema/refusal.ts';
import { accessLog, traces } from './schema/reporting.ts';
import { virtualHost } from './schema/route.ts';
import { suggestion } from './schema/suggestion.ts';

export interface GatewayConfig {
  readonly model: TrafficModel;
  /** Those that the file sets. */
  readonly limits: Partial<HttpLimits>;
  /** Off where the file says nothing of it. */
  readonly accessLog: AccessLogSettings | undefined;
  readonly traces: TraceSettings | undefined;
  /** Where a field stands, for what goes wrong later: a port that is taken. */
  locate(field: string): Position;
  /** Files that the configuration refers to, as named there. */
  readonly files: readonly string[];
}

/** In the order in which they are read. */
const SECTIONS = ['listeners', 'certificates', 'virtualHosts', 'clusters'] as const;
/** Of the whole gateway, in force from its start to its end. */
export const SETTINGS = ['limits', 'accessLog', 'traces'] as const;
const PARTS = [...SECTIONS, ...SETTINGS] as const;
type Section = (typeof SECTIONS)[number];
type Steps = ReadonlyArray<string | number>;

export type ConfigOutcome =
  | { readonly config: GatewayConfig }
  | { readonly problems: readonly ManifestProblem[]; readonly files: readonly string[] };

/** `file` is what messages call it; `read` gives the text of another file, its name as it stands in the configuration. */
export function parseConfig(text: string, file: string, read: ReadFile): ConfigOutcome {
  const lines = new LineCounter();
  const document = parseDocument(text, { merge: true, lineCounter: lines, uniqueKeys: true }) as Document;
  const resolved = yamlValue(document, file, lines);
  if ('problem' in resolved) return { problems: [resolved.problem], files: [] };
  const locate = locator(file, document, lines);
  const reading = new Reading(resolved.value, locate, new FileReader(read));
  return reading.outcome();
}

class Reading {
  readonly #problems: ManifestProblem[] = [];
  readonly #sections: Readonly<Record<Section, Readonly<Record<string, unknown>>>>;
  readonly #root: Readonly<Record<string, unknown>>;
  readonly #locate: (field: string) => Position;
  readonly #reader: FileReader;

  constructor(value: unknown, locate: (field: string) => Position, reader: FileReader) {
    this.#locate = locate;
    this.#reader = reader;
    if (value !== null && value !== undefined && !isRecord(value)) {
      this.#report('', `The file is ${describe(value)}, not an object`, `It has the parts ${PARTS.join(', ')}`);
    }
    const root = isRecord(value) ? value : {};
    for (const key of Object.keys(root)) {
      if (PARTS.some((one) => one === key)) continue;
      this.#report(fieldPath([key]), `Field "${key}" does not exist`, suggestion(key, PARTS));
    }
    this.#root = root;
    this.#sections = {
      listeners: this.#section(root, 'listeners'),
      certificates: this.#section(root, 'certificates'),
      virtualHosts: this.#section(root, 'virtualHosts'),
      clusters: this.#section(root, 'clusters'),
    };
    if (isRecord(value) && Object.keys(this.#sections.listeners).length === 0 && this.#problems.length === 0) {
      this.#report(
        '',
        'The file has no listeners: nothing would be served',
        'Add e.g. "listeners: { web: { port: 8080 } }"',
      );
    }
    if (value === null || value === undefined) {
      this.#report('', 'The file is empty', 'Start with "listeners:"; "evenkeel gateway --help" shows an example');
    }
  }

  outcome(): ConfigOutcome {
    const listeners = this.#entries('listeners', listener, (made, field) => made(this.#textAt(field)));
    const certificates = this.#entries(
      'certificates',
      () => certificate,
      (made) => made,
    );
    const virtualHosts = this.#entries('virtualHosts', virtualHost, (made) => made, salvageHost);
    const clusters = this.#entries('clusters', cluster, (made) => made);
    const model: TrafficModel = {
      listeners,
      certificates: this.#certificates(certificates),
      virtualHosts,
      clusters: this.#clusters(clusters),
      endpoints: new Map<string, readonly Endpoint[]>([...clusters].map(([name, { endpoints }]) => [name, endpoints])),
      services: new Map(),
      clients: new Map(),
    };
    const names = {
      listeners: new Set(Object.keys(this.#sections.listeners)),
      clusters: new Set(Object.keys(this.#sections.clusters)),
    };
    for (const { field, message, remedy } of crossCheck(model, names)) this.#report(field, message, remedy);
    const files = this.#reader.files();
    const settings = {
      limits: this.#setting('limits', limits) ?? {},
      accessLog: this.#setting('accessLog', accessLog),
      traces: this.#setting('traces', traces),
    };
    if (this.#problems.length > 0) return { problems: inOrder(this.#problems), files };
    return { config: { model, ...settings, locate: this.#locate, files } };
  }

  #setting<T>(name: (typeof SETTINGS)[number], schema: Schema<T>): T | undefined {
    const value = this.#root[name];
    if (value === undefined || (value === null && name === 'limits')) return undefined;
    const result = v.safeParse(schema, value);
    if (result.success) return result.output;
    this.#refuse(result.issues, [name]);
    return undefined;
  }

  #certificates(files: ReadonlyMap<string, CertificateFiles>): Map<string, Certificate> {
    const certificates = new Map<string, Certificate>();
    for (const [name, { certificateFile, keyFile, hostnames }] of files) {
      const field = fieldPath(['certificates', name]);
      const pair = this.#pairAt(field, certificateFile, keyFile);
      if (pair === undefined) continue;
      if (hostnames === undefined && pair.hostnames.length === 0) {
        this.#report(
          `${field}.certificateFile`,
          `Certificate "${certificateFile}" names no host`,
          'Write "hostnames", or "hostnames: []" to serve it where no other fits',
        );
      }
      const lower = (hostnames ?? pair.hostnames).map((host) => host.toLowerCase());
      certificates.set(name, {
        name,
        hostnames: lower,
        certificateChainPem: pair.certificateChainPem,
        privateKeyPem: pair.privateKeyPem,
        fingerprint: pair.fingerprint,
      });
    }
    return certificates;
  }

  #clusters(files: ReadonlyMap<string, ClusterFile>): Map<string, Cluster> {
    const clusters = new Map<string, Cluster>();
    for (const [name, { cluster, tls, affinityKeyFile }] of files) {
      const config = this.#withAffinityKey(cluster, affinityKeyFile);
      if (tls === undefined) {
        clusters.set(name, config);
        continue;
      }
      const { caFile, clientCertificate, ...rest } = tls;
      const field = `${fieldPath(['clusters', name])}.tls`;
      const caPem = caFile === undefined ? undefined : this.#textAt(field)(caFile);
      const own =
        clientCertificate === undefined
          ? undefined
          : this.#pairAt(`${field}.clientCertificate`, clientCertificate.certificateFile, clientCertificate.keyFile);
      const fingerprint = JSON.stringify([rest, caPem ?? '', own?.fingerprint ?? '']);
      clusters.set(name, {
        ...config,
        tls: {
          ...rest,
          ...(caPem === undefined ? {} : { caPem }),
          ...(own === undefined
            ? {}
            : {
                clientCertificate: { certificateChainPem: own.certificateChainPem, privateKeyPem: own.privateKeyPem },
              }),
          fingerprint: this.#reader.fingerprint(fingerprint),
        },
      });
    }
    return clusters;
  }

  #withAffinityKey(cluster: ClusterFile['cluster'], file: string | undefined): Omit<Cluster, 'tls'> {
    const { affinity } = cluster;
    if (file === undefined || affinity?.type !== 'cookie') return cluster;
    const key = this.#reader.secret(file);
    if (!('error' in key)) return { ...cluster, affinity: { ...affinity, key } };
    this.#report(`${fieldPath(['clusters', cluster.name])}.affinity.keyFile`, key.error, key.remedy);
    return cluster;
  }

  /** Text of a file of certificates; empty, and reported, when it cannot be used. */
  #textAt(field: string): (file: string) => string {
    return (file) => {
      const found = this.#reader.authorities(file);
      if ('text' in found) return found.text;
      this.#report(field, found.error, found.remedy);
      return '';
    };
  }

  #pairAt(field: string, certificateFile: string, keyFile: string) {
    const pair = this.#reader.pair(certificateFile, keyFile);
    if (!('error' in pair)) return pair;
    this.#report(`${field}.${pair.field}`, pair.error, pair.remedy);
    return undefined;
  }

  #section(root: Readonly<Record<string, unknown>>, name: Section): Readonly<Record<string, unknown>> {
    const value = root[name];
    if (value === undefined) return {};
    if (isRecord(value)) return value;
    this.#report(
      name,
      `Field "${name}" is ${describe(value)}, not an object`,
      'Write each entry with its name in front',
    );
    return {};
  }

  /** Every entry of a section that is right by itself; what is wrong with the others is reported. */
  #entries<T, R>(
    section: Section,
    schema: (name: string) => Schema<T>,
    finish: (value: T, field: string) => R,
    salvage?: (value: unknown, paths: readonly Steps[], name: string) => unknown,
  ): Map<string, R> {
    const entries = new Map<string, R>();
    for (const [name, value] of Object.entries(this.#sections[section])) {
      const result = v.safeParse(schema(name), value);
      if (result.success) {
        entries.set(name, finish(result.output, fieldPath([section, name])));
        continue;
      }
      const paths = this.#refuse(result.issues, [section, name]);
      const rest = salvage === undefined ? undefined : v.safeParse(schema(name), salvage(value, paths, name));
      if (rest?.success === true) entries.set(name, finish(rest.output, fieldPath([section, name])));
    }
    return entries;
  }

  /** Reports what a schema found, `at` being where it looked; returns the steps from there to each. */
  #refuse(issues: readonly v.BaseIssue<unknown>[], at: Steps): readonly Steps[] {
    return issues.map(({ path = [], message: text }) => {
      const steps = path.map(({ key }) => key as string | number);
      const field = fieldPath([...at, ...steps]);
      const { message, remedy } = readRefusal(text, field);
      this.#report(field, message, remedy);
      return steps;
    });
  }

  #report(field: string, message: string, remedy: string): void {
    this.#problems.push({ position: this.#locate(field), field, message, remedy });
  }
}

function inOrder(problems: readonly ManifestProblem[]): readonly ManifestProblem[] {
  return [...problems].sort((a, b) => a.position.line - b.position.line || a.position.column - b.position.column);
}
