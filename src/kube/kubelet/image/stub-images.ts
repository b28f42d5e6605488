// Lets manifests run whose images nobody has: the echo server answers on the ports that the container declares.
// Knows the echo image and the service it falls back from.
import { echoImages } from '../echo/image.ts';
import { type Image, ImageError, type ImageRequest, type ImageService } from './image-service.ts';

/** What a container without declared ports listens on. */
const DEFAULT_PORT = 8080;

export class StubImages implements ImageService {
  readonly #images: ImageService;

  constructor(images: ImageService) {
    this.#images = images;
  }

  async ensure(request: ImageRequest): Promise<Image> {
    try {
      return await this.#images.ensure(request);
    } catch (error) {
      if (!(error instanceof ImageError) || error.reason === 'InvalidImageName') throw error;
      return stubOf(request);
    }
  }
}

function stubOf({ image, ports, task }: ImageRequest): Image {
  const common = { id: `stub://${image}`, args: [], stub: true, pulled: false } as const;
  // A migration or a backup has nothing to serve: it is done at once, and what waits for it goes on.
  if (task) {
    const script = `console.log(${JSON.stringify(`${image} is not here: a stub ends in its place`)})`;
    return { ...common, entrypoint: [process.execPath, '-e', script], env: {} };
  }
  const tcp = ports.filter(({ protocol }) => protocol === 'TCP').map(({ containerPort }) => containerPort);
  const numbers = tcp.length === 0 ? [DEFAULT_PORT] : [...new Set(tcp)];
  return {
    ...common,
    entrypoint: echoImages['evenkeel.dev/echo']?.command ?? [],
    env: { ECHO_PORTS: numbers.join(','), ECHO_PROBES: 'any' },
  };
}
