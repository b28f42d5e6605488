// Completes package-lock.json: a registry mirror may lack other platforms' optional packages, npm then leaves
// them out of the lockfile, and `npm ci` refuses it. Adds what `optionalDependencies` name; knows no package.
import { readFileSync, writeFileSync } from 'node:fs';

interface LockEntry {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  optionalDependencies?: Record<string, string>;
}

const PLATFORMS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const CPUS = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

const file = process.argv[2] ?? 'package-lock.json';
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, LockEntry> };
const added: string[] = [];
for (const owner of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(owner.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    if (lock.packages[key] !== undefined) continue;
    const words = name.split(/[-/]/);
    const os = PLATFORMS.filter((platform) => words.includes(platform));
    const cpu = CPUS.filter((arch) => words.includes(arch));
    // Without an exact version and a platform in its name the entry cannot be told; npm has to.
    if (!/^\d/.test(version) || (os.length === 0 && cpu.length === 0)) continue;
    lock.packages[key] = {
      version,
      ...(owner.dev === true ? { dev: true } : {}),
      optional: true,
      ...(os.length > 0 ? { os } : {}),
      ...(cpu.length > 0 ? { cpu } : {}),
    };
    added.push(name);
  }
}
const packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify({ ...lock, packages }, null, 2)}\n`);
process.stdout.write(added.length === 0 ? 'lockfile is complete\n' : `added ${added.length} optional packages\n`);
