// Stubs beside mapped images: who stands in, and for whom.
import { expect, test } from 'vitest';
import { ImageError, type ImageRequest } from './image-service.ts';
import { MappedImages } from './mapped-images.ts';
import { StubImages } from './stub-images.ts';

const mapped = new MappedImages(() => ({ known: { command: ['run'] } }));
const stubs = new StubImages(mapped);
const request = (image: string, rest: Partial<ImageRequest> = {}): ImageRequest => ({
  image,
  pullPolicy: 'IfNotPresent',
  task: false,
  ports: [],
  ...rest,
});

test('an image without a command is refused with the three remedies, and by the policy Never in its own words', async () => {
  await expect(mapped.ensure(request('shop/cart:1'))).rejects.toThrow(
    /evenkeel.yaml.*--image shop\/cart=.*--stub-images/,
  );
  await expect(mapped.ensure(request('x', { pullPolicy: 'Never' }))).rejects.toMatchObject({
    reason: 'ErrImageNeverPull',
  });
  await expect(mapped.ensure(request('x'))).rejects.toBeInstanceOf(ImageError);
});

test.each(['Foo BAR', 'shop/Cart', 'cart:', 'cart:1:2', 'a//b', 'cart@sha256:12'])(
  'no image can be named %j, whatever stands in for others',
  async (image) => {
    for (const images of [mapped, stubs]) {
      await expect(images.ensure(request(image))).rejects.toMatchObject({
        reason: 'InvalidImageName',
        message: expect.stringContaining(`couldn't parse image name "${image}"`),
      });
    }
  },
);

test.each([
  'nginx',
  'Registry.example:5000/shop/cart_a--b:V1.2',
  '[::1]:5000/cart',
  `localhost/x__y@sha256:${'a'.repeat(64)}`,
])('%s can be the name of an image', async (image) => {
  await expect(mapped.ensure(request(image))).rejects.toMatchObject({ reason: 'ErrImagePull' });
});

test('a known image is what it is, also where stubs are allowed', async () => {
  expect(await stubs.ensure(request('known:3'))).toMatchObject({ entrypoint: ['run'] });
});

test('a stub answers on the TCP ports that the container declares', async () => {
  const ports = [
    { containerPort: 80, protocol: 'TCP' },
    { containerPort: 53, protocol: 'UDP' },
    { containerPort: 9090, protocol: 'TCP' },
  ];
  expect(await stubs.ensure(request('nginx', { ports }))).toMatchObject({ stub: true, env: { ECHO_PORTS: '80,9090' } });
});

test('a task is done at once', async () => {
  const { entrypoint } = await stubs.ensure(request('migrate', { task: true }));
  expect(entrypoint.join(' ')).toContain('migrate is not here');
});

test('a stub beside a container that serves takes no port from it, and says what it is', async () => {
  const { entrypoint, env } = await stubs.ensure(request('busybox', { aside: true }));
  expect([entrypoint.join(' '), env]).toEqual([expect.stringMatching(/busybox is not here.*--image busybox=/), {}]);
  const ports = [{ containerPort: 80, protocol: 'TCP' }];
  expect(await stubs.ensure(request('nginx', { ports, aside: true }))).toMatchObject({ env: { ECHO_PORTS: '80' } });
  expect(await stubs.ensure(request('nginx'))).toMatchObject({ env: { ECHO_PORTS: '8080' } });
});
