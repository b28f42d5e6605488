// What `up` says at its end of Services that cannot be reached.
import { expect, test } from 'vitest';
import { unservedLines } from './unserved.ts';

const failed = (code: string, message = code) => Object.assign(new Error(message), { code });

test('ports that this user may not listen at are named together, with what helps', () => {
  expect(unservedLines(new Map([['shop/web:80', failed('EACCES')]]))).toEqual([
    'One port of a Service is not served: this user may not listen below port 1024 (shop/web:80). Allow it with "sudo sysctl -w net.ipv4.ip_unprivileged_port_start=0" and start again, run as root, choose ports of 1024 or more, or come by an Ingress.',
  ]);
  expect(unservedLines(new Map([['default/kubernetes:https', failed('EACCES')]]))).toEqual([]);
  const many = Array.from({ length: 7 }, (_, n) => [`shop/web-${n}:80`, failed('EACCES')] as const);
  const [line] = unservedLines(new Map(many));
  expect(line).toContain('7 ports of Services are not served');
  expect(line).toContain('(shop/web-0:80, shop/web-1:80, shop/web-2:80, shop/web-3:80, shop/web-4:80 and 2 more)');
});

test('other reasons are told one by one, and listeners that are no Services not at all', () => {
  const errors = new Map([
    ['shop/web:http', failed('EADDRINUSE', 'Cannot serve Service "shop/web:http": the port is taken')],
    ['gateway-http', failed('EACCES')],
  ]);
  expect(unservedLines(errors)).toEqual(['Cannot serve Service "shop/web:http": the port is taken']);
  expect(unservedLines(new Map())).toEqual([]);
});
