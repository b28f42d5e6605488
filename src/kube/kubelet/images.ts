// Image names to commands: what a container image stands for when containers are plain processes.
// Knows the file people write it in (evenkeel.yaml), not how it is read.

/** What an image is when it is a process. */
export interface ProcessImage {
  readonly command: readonly string[];
  /** Directory the command starts in when the container names none. */
  readonly workingDir?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Keys are image names with or without tag, e.g. `shop/cart` or `shop/cart:1.2`. */
export type ImageMap = Readonly<Record<string, ProcessImage>>;

/** The host of a registry in front of an image name: a first part with a dot or a port. */
const REGISTRY = /^[^/]*[.:][^/]*\//;

const WORD = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
/** As the specification of OCI references has it: registry, name, tag, digest. */
const REFERENCE = new RegExp(
  `^(?:(?:[A-Za-z0-9.-]+|\\[[0-9A-Fa-f:]+\\])(?::\\d+)?/)?${WORD}(?:/${WORD})*(?::\\w[\\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9+._-]*:[0-9A-Fa-f]{32,})?$`,
);

/** Whether an image may have such a name anywhere. */
export function isReference(image: string): boolean {
  return REFERENCE.test(image);
}

/** Names under which an image may stand in the map, most exact first: a map need not say where an image comes from. */
function candidates(image: string): string[] {
  const withoutDigest = image.replace(/@[^/]*$/, '');
  const withoutTag = withoutDigest.replace(/:[^/:]*$/, '');
  const short = (name: string): string => name.replace(REGISTRY, '').replace(/^library\//, '');
  const names = [image, withoutDigest, withoutTag];
  if (withoutTag === withoutDigest) names.push(`${withoutTag}:latest`);
  return [...new Set([...names, ...names.map(short)])];
}

/** The process behind an image name: the exact name wins over the name without its tag. */
export function resolveImage(images: ImageMap, image: string): ProcessImage | undefined {
  for (const name of candidates(image)) {
    const found = Object.hasOwn(images, name) ? images[name] : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Why an image cannot run here, and what to write to change that. */
export function missingImageMessage(image: string): string {
  const key = image.replace(/@[^/]*$/, '').replace(/:[^/:]*$/, '');
  return (
    `failed to resolve image "${image}": no command is known for it; ` +
    `add "${key}: { command: [...] }" below "images:" in evenkeel.yaml, start with "--image ${key}=COMMAND", ` +
    'or let the echo server stand in for it with --stub-images'
  );
}
