// The one Service of these tests, as objects, and the program that answers behind it.
// Knows no proxy.

/** A node and a Service of node port 30080 with one endpoint, for `evenkeel apply`. */
export const objects = (endpoint: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'List',
    items: [
      {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: 'n1' },
        spec: { podCIDRs: ['10.244.1.0/24'] },
        status: { addresses: [{ type: 'InternalIP', address: '192.0.2.1' }] },
      },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'web', namespace: 'default' },
        spec: { type: 'NodePort', ports: [{ port: 80, targetPort: 9000, nodePort: 30_080 }] },
      },
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
        addressType: 'IPv4',
        ports: [{ name: '', port: 9000 }],
        endpoints: [{ addresses: [endpoint], nodeName: 'n1' }],
      },
    ],
  });

/** A program of Node.js: both addresses answer with themselves. */
export const SERVER = `
for (const address of ['192.0.2.1', '192.0.2.2']) {
  require('node:http').createServer((q, s) => s.end(address)).listen(9000, address);
}
`;

/** A program of Node.js that connects, says so, and says by which error its connection ends. */
export const CLIENT = `
const socket = require('node:net').connect(30080, '192.0.2.1', () => console.log('connected'));
socket.on('error', ({ code }) => console.log('ended by ' + code));
socket.on('end', () => console.log('ended by its server'));
`;
