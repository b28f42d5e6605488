// Lets manifests run whose images nobody has: the echo server answers on the ports that the container declares, and a
// container that is not there to serve only stays, so that it is not in the way of the one that does.
// Knows the echo image and the service it falls back from.
import { echoImages } from '../echo/image.ts';
import { type Image, ImageError, type ImageRequest, type ImageService } from './image-service.ts';

/** What a container without declared ports listens on. */
const DEFAULT_PORT = 8080;
/** Whoever types at it is told again what it is; it ends as any program does. */
const STAY = "process.stdin.on('data', () => console.log(text)); setInterval(() => {}, 2 ** 30)";

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

function stubOf({ image, ports, task, aside = false }: ImageRequest): Image {
  const common = { id: `stub://${image}`, args: [], stub: true, pulled: false } as const;
  // A migration or a backup has nothing to serve: it is done at once, and what waits for it goes on.
  if (task) {
    const script = `console.log(${JSON.stringify(`${image} is not here: a stub ends in its place`)})`;
    return { ...common, entrypoint: [process.execPath, '-e', script], env: {} };
  }
  const tcp = ports.filter(({ protocol }) => protocol === 'TCP').map(({ containerPort }) => containerPort);
  if (tcp.length === 0 && aside) {
    const text = `${image} is not here: a stub stays in its place; map it in evenkeel.yaml, or by --image ${image}=COMMAND`;
    const script = `const text = ${JSON.stringify(text)}; console.log(text); ${STAY}`;
    return { ...common, entrypoint: [process.execPath, '-e', script], env: {} };
  }
  const numbers = tcp.length === 0 ? [DEFAULT_PORT] : [...new Set(tcp)];
  return {
    ...common,
    entrypoint: echoImages['evenkeel.dev/echo']?.command ?? [],
    env: { ECHO_PORTS: numbers.join(','), ECHO_PROBES: 'any' },
  };
}
