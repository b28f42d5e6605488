// Images as a container engine has them: looked up, pulled when the policy says so, and read for what they start.
// Knows the engine's API; runs nothing.
import type { IncomingMessage } from 'node:http';
import { type Image, ImageError, type ImageRequest, type ImageService } from '../image/image-service.ts';
import { apiPrefix, type EngineKind } from './dialect.ts';
import { type EngineApi, EngineError } from './engine-api.ts';

interface Inspected {
  readonly Id: string;
  readonly Config?: {
    readonly Entrypoint?: readonly string[] | null;
    readonly Cmd?: readonly string[] | null;
    readonly Env?: readonly string[] | null;
    readonly WorkingDir?: string;
    readonly User?: string;
  };
}

export class EngineImages implements ImageService {
  readonly #api: EngineApi;
  readonly #kind: EngineKind;

  constructor(api: EngineApi, kind: EngineKind) {
    this.#api = api;
    this.#kind = kind;
  }

  async ensure({ image, pullPolicy }: ImageRequest): Promise<Image> {
    const present = await this.#inspect(image);
    if (present !== undefined && pullPolicy !== 'Always') return imageOf(present, false);
    if (pullPolicy === 'Never') {
      const message = `Container image "${image}" is not present with pull policy of Never: load it into ${this.#kind}`;
      throw new ImageError('ErrImageNeverPull', message);
    }
    await this.#pull(image);
    const pulled = await this.#inspect(image);
    if (pulled !== undefined) return imageOf(pulled, true);
    throw new ImageError('ErrImagePull', `failed to pull image "${image}": ${this.#kind} does not show it afterwards`);
  }

  async #inspect(image: string): Promise<Inspected | undefined> {
    try {
      return await this.#api.json<Inspected>(
        'GET',
        `${apiPrefix(this.#kind)}/images/${encodeURIComponent(image)}/json`,
      );
    } catch (error) {
      if (error instanceof EngineError && error.status === 404) return undefined;
      throw this.#failure(image, error);
    }
  }

  async #pull(image: string): Promise<void> {
    try {
      const name = /@|:[^/]+$/.test(image) ? image : `${image}:latest`;
      const path = `${apiPrefix(this.#kind)}/images/create?fromImage=${encodeURIComponent(name)}`;
      const failure = await pullFailure(await this.#api.open('POST', path));
      if (failure !== undefined) throw new Error(failure);
    } catch (error) {
      throw this.#failure(image, error);
    }
  }

  #failure(image: string, error: unknown): ImageError {
    const text = error instanceof Error ? error.message : String(error);
    return new ImageError('ErrImagePull', `failed to pull image "${image}" with ${this.#kind}: ${text}`);
  }
}

/** A pull answers 200 at once and tells of its failure in one of the lines that follow. */
async function pullFailure(answer: IncomingMessage): Promise<string | undefined> {
  let text = '';
  for await (const chunk of answer) text += (chunk as Buffer).toString('utf8');
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const { error } = JSON.parse(line) as { error?: string };
    if (error !== undefined && error !== '') return error;
  }
  return undefined;
}

function imageOf({ Id, Config = {} }: Inspected, pulled: boolean): Image {
  const env = (Config.Env ?? []).map((entry): [string, string] => {
    const at = entry.indexOf('=');
    return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
  });
  const { WorkingDir = '', User = '' } = Config;
  return {
    id: Id,
    entrypoint: Config.Entrypoint ?? [],
    args: Config.Cmd ?? [],
    env: Object.fromEntries(env),
    workingDir: WorkingDir === '' ? '/' : WorkingDir,
    ...(User === '' ? {} : { user: User }),
    engine: true,
    pulled,
  };
}
