// Runs inside a container's Node.js processes: gives them the pod's address and the cluster's names.
// Plain CommonJS without any import of ours, so that every Node.js version loads it; knows only its environment.
'use strict';

const dns = require('node:dns');
const fs = require('node:fs');
const net = require('node:net');

const podIp = process.env.EVENKEEL_POD_IP || '';
const namespace = process.env.EVENKEEL_NAMESPACE || 'default';
const namesFile = process.env.EVENKEEL_NAMES_FILE || '';
// Addresses of pods, Services and Gateways in the loopback network, whatever its ranges are.
const CLUSTER = /^127\.(?!0\.)/;

let names = {};
let stamp = '';

/** The names as they are now; the file is replaced as a whole, so its inode tells of a change. */
function currentNames() {
  try {
    const { ino, mtimeMs } = fs.statSync(namesFile);
    const now = `${ino}/${mtimeMs}`;
    if (now !== stamp) {
      names = JSON.parse(fs.readFileSync(namesFile, 'utf8')).names;
      stamp = now;
    }
  } catch {
    // No file, no cluster names: every name is looked up as if we were not here.
  }
  return names;
}

/** Addresses of a cluster name in any of its forms, most of them seen from this pod's namespace. */
function clusterAddresses(hostname) {
  const host = hostname.toLowerCase().replace(/\.$/, '');
  const base = host.replace(/\.svc\.cluster\.local$/, '').replace(/\.svc$/, '');
  const known = currentNames();
  // `web` is ours, `web.shop` names its namespace; a headless pod `db-0.db` may be either.
  const found = known[`${base}.${namespace}`] || known[base];
  return Array.isArray(found) && found.length > 0 ? found : undefined;
}

let turn = 0;

/** Headless names have several addresses: each lookup begins with the next. */
function rotate(addresses) {
  const start = turn++ % addresses.length;
  return addresses.slice(start).concat(addresses.slice(0, start));
}

const originalLookup = dns.lookup;

function lookup(...args) {
  const [hostname, options] = args;
  const done = args[args.length - 1];
  const wanted = typeof options === 'number' ? { family: options } : (typeof options === 'object' && options) || {};
  const found = typeof hostname === 'string' ? clusterAddresses(hostname) : undefined;
  if (found === undefined || wanted.family === 6 || wanted.family === 'IPv6') {
    return Reflect.apply(originalLookup, dns, args);
  }
  const addresses = rotate(found);
  process.nextTick(() => {
    if (wanted.all) {
      done(
        null,
        addresses.map((address) => ({ address, family: 4 })),
      );
    } else done(null, addresses[0], 4);
  });
  return {};
}
// What util.promisify reads off the original, so that promisified callers get the object form from ours too.
for (const symbol of Object.getOwnPropertySymbols(originalLookup)) {
  Object.defineProperty(lookup, symbol, Object.getOwnPropertyDescriptor(originalLookup, symbol));
}
dns.lookup = lookup;

const originalPromise = dns.promises.lookup;
dns.promises.lookup = (hostname, options) => {
  const wanted = typeof options === 'number' ? { family: options } : options || {};
  const found = typeof hostname === 'string' ? clusterAddresses(hostname) : undefined;
  if (found === undefined || wanted.family === 6 || wanted.family === 'IPv6') {
    return Reflect.apply(originalPromise, dns.promises, [hostname, options]);
  }
  const addresses = rotate(found).map((address) => ({ address, family: 4 }));
  return Promise.resolve(wanted.all ? addresses : addresses[0]);
};

const ANY = new Set(['', '0.0.0.0', '::', '0:0:0:0:0:0:0:0', '[::]']);

/** `listen` on every address becomes `listen` on the pod's: replicas may then share a port. */
if (podIp !== '') {
  const originalListen = net.Server.prototype.listen;
  net.Server.prototype.listen = function listen(...args) {
    const [first] = args;
    if (typeof first === 'object' && first !== null) {
      const tcp = first.port !== undefined && !first.path && first.fd === undefined && !first._handle;
      if (tcp && ANY.has(first.host || '')) args[0] = { ...first, host: podIp };
    } else if (first === undefined || typeof first === 'function') {
      args.splice(0, first === undefined ? 1 : 0, 0, podIp);
    } else if (typeof first === 'number' || /^\d+$/.test(first)) {
      if (typeof args[1] !== 'string') args.splice(1, args[1] === undefined || args[1] === null ? 1 : 0, podIp);
      else if (ANY.has(args[1])) args[1] = podIp;
    }
    return Reflect.apply(originalListen, this, args);
  };

  const originalConnect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function connect(...args) {
    // net.connect hands over its arguments already normalised, as one array.
    const normalized = Array.isArray(args[0]) ? args[0] : undefined;
    const first = normalized ? normalized[0] : args[0];
    if (typeof first === 'object' && first !== null) {
      if (!first.localAddress && !first.path && leadsIntoCluster(first.host)) {
        const options = { ...first, localAddress: podIp };
        if (normalized) normalized[0] = options;
        else args[0] = options;
      }
    } else if (typeof args[1] === 'string' && leadsIntoCluster(args[1])) {
      args.splice(0, 2, { port: Number(first), host: args[1], localAddress: podIp });
    }
    return Reflect.apply(originalConnect, this, args);
  };
}

/** Whether a connection to this host goes to a pod or a Service: then it comes from the pod's own address. */
function leadsIntoCluster(host) {
  if (typeof host !== 'string') return false;
  if (net.isIP(host) !== 0) return CLUSTER.test(host);
  const found = clusterAddresses(host);
  return found !== undefined && CLUSTER.test(found[0]);
}

require('node:module').syncBuiltinESMExports?.();
