// The name in the certificate by which servers behind this one know it.
// Alone, because whoever makes the certificate needs nothing else of the API server.
export const FRONT_PROXY_NAME = 'front-proxy-client';
