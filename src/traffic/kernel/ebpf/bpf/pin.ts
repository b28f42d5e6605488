// Names for maps and links in a bpf file system, by which they outlive this process and are found again.
// Knows nothing of what is pinned.
import { rmSync } from 'node:fs';
import { Attribute, bpf, tryBpf } from './attribute.ts';

const NOT_FOUND = 2;

/** `path` must not exist, its folder must, on a mounted bpf file system. */
export function pin(fd: number, path: string): void {
  bpf('OBJ_PIN', new Attribute(16).text(0, path).u32(8, fd), `"${path}"`);
}

/** A descriptor of what is pinned there, or undefined when nothing is. */
export function openPin(path: string): number | undefined {
  const attribute = new Attribute(16).text(0, path);
  const fd = tryBpf('OBJ_GET', attribute);
  if (fd >= 0) return fd;
  if (fd === -NOT_FOUND) return undefined;
  return bpf('OBJ_GET', attribute, `"${path}"`);
}

/** Takes the name away; the object goes when nobody else holds it. */
export function unpin(path: string): void {
  rmSync(path, { force: true });
}
