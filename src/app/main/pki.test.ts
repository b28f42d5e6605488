// Certificates over several starts: the same while they fit, new ones when they do not.
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openPki } from './pki.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'evenkeel-pki-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const names = { apiAddresses: ['127.96.0.1'], nodes: [{ name: 'local', addresses: ['127.0.0.1'] }] };

test('a second start finds the same certificates, readable by their owner only', async () => {
  const first = await openPki(dir, names, Date.now());
  const second = await openPki(dir, names, Date.now());
  expect(second.apiServer).toEqual(first.apiServer);
  expect(second.adminToken).toBe(first.adminToken);
  expect(second.authority.certPem).toBe(first.authority.certPem);
  for (const file of readdirSync(dir)) expect(statSync(join(dir, file)).mode & 0o077).toBe(0);
  const admin = new X509Certificate(first.admin.certPem);
  expect(admin.subject).toContain('O=system:masters');
});

test('a leaf is made anew for another address, near its end, and when its file is cut short', async () => {
  const first = await openPki(dir, names, Date.now());
  const moved = await openPki(dir, { ...names, apiAddresses: ['127.96.0.1', '10.1.2.3'] }, Date.now());
  expect(moved.apiServer.certPem).not.toBe(first.apiServer.certPem);
  expect(new X509Certificate(moved.apiServer.certPem).checkIP('10.1.2.3')).toBe('10.1.2.3');
  expect(moved.nodes).toEqual(first.nodes);
  const later = await openPki(dir, names, Date.now() + 300 * 24 * 60 * 60 * 1000);
  expect(later.nodes.get('local')?.serving.certPem).not.toBe(first.nodes.get('local')?.serving.certPem);
  truncateSync(join(dir, 'admin.pem'), 300);
  const again = await openPki(dir, names, Date.now());
  expect(new X509Certificate(again.admin.certPem).verify(new X509Certificate(first.authority.certPem).publicKey)).toBe(
    true,
  );
});
