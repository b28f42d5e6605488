// What a runtime says about images: whether one is here, and what a container made of it starts with.
// An interface only; mapped commands and pulled images implement it.

/** What an image brings along, as in the OCI image configuration. */
export interface Image {
  /** As in `imageID` of the container's status. */
  readonly id: string;
  readonly entrypoint: readonly string[];
  /** Arguments when the container names neither `command` nor `args`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Directory the command starts in when the container names none. */
  readonly workingDir?: string;
  /** `user[:group]`, by name or number, when the container names none. */
  readonly user?: string;
  /** Held by a container engine, with a root file system of its own. */
  readonly engine?: true;
  /** Stands in for an image that is not here: what the container would run is not looked at. */
  readonly stub?: true;
  /** Fetched just now, rather than present before. */
  readonly pulled: boolean;
}

export interface ImageRequest {
  readonly image: string;
  readonly pullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  /** Whether the container is there to do something and end, rather than to serve. */
  readonly task: boolean;
  /** Ports that the container declares. */
  readonly ports: readonly { readonly containerPort: number; readonly protocol: string }[];
  /** Whether another of the pod's containers serves, so that one without ports has nothing to listen for. */
  readonly aside?: boolean;
}

/** The image cannot be used; the message is meant for the pod's status and names the remedy. */
export class ImageError extends Error {
  readonly reason: 'ErrImagePull' | 'ErrImageNeverPull' | 'InvalidImageName';

  constructor(reason: ImageError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface ImageService {
  /** Throws `ImageError`. */
  ensure(request: ImageRequest): Promise<Image>;
}
