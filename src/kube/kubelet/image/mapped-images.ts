// Images that are commands of this machine, by the map people write.
// Pulls nothing; knows the map only.
import { type ImageMap, isReference, missingImageMessage, resolveImage } from '../images.ts';
import { type Image, ImageError, type ImageRequest, type ImageService } from './image-service.ts';

export class MappedImages implements ImageService {
  readonly #images: () => ImageMap;

  /** `images` is asked anew for every container that starts. */
  constructor(images: () => ImageMap) {
    this.#images = images;
  }

  async ensure({ image, pullPolicy }: ImageRequest): Promise<Image> {
    const found = resolveImage(this.#images(), image);
    if (found === undefined) throw isReference(image) ? missing(image, pullPolicy) : invalid(image);
    return {
      id: `process://${image}`,
      entrypoint: found.command,
      args: [],
      env: found.env ?? {},
      ...(found.workingDir === undefined ? {} : { workingDir: found.workingDir }),
      pulled: false,
    };
  }
}

function invalid(image: string): ImageError {
  return new ImageError(
    'InvalidImageName',
    `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format: ` +
      'it is [REGISTRY/]NAME[:TAG][@DIGEST], and names are in lower case',
  );
}

function missing(image: string, pullPolicy: ImageRequest['pullPolicy']): ImageError {
  if (pullPolicy !== 'Never') return new ImageError('ErrImagePull', missingImageMessage(image));
  return new ImageError(
    'ErrImageNeverPull',
    `Container image "${image}" is not present with pull policy of Never: ${missingImageMessage(image)}`,
  );
}
