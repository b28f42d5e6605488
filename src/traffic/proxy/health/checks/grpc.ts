// A gRPC check: grpc.health.v1.Health/Check over HTTP/2, healthy when the service is SERVING.
// Knows the call; its messages stand in grpc-message.ts.

import { bad, type Check, good } from './check.ts';
import { healthRequest, servingStatus } from './grpc-message.ts';
import { hostOf } from './http.ts';
import { callHttp2, type Http2Answer } from './http2-call.ts';

export const checkGrpc: Check = (target, done) => {
  const headers = {
    ':method': 'POST',
    ':path': '/grpc.health.v1.Health/Check',
    ':scheme': target.tls === undefined ? 'http' : 'https',
    ':authority': hostOf(target),
    'content-type': 'application/grpc',
    te: 'trailers',
    'user-agent': 'evenkeel-health-check',
  };
  return callHttp2(target, headers, healthRequest(target.check.grpcService ?? ''), (answer) => done(judged(answer)));
};

function judged(answer: Http2Answer) {
  if (answer.type === 'failed') return bad(answer.reason);
  if (answer.status !== 200) return bad(`Answered ${answer.status}`);
  const code = answer.fields['grpc-status'];
  if (code !== '0') return bad(code === undefined ? 'No gRPC status' : `gRPC status ${String(code)}`);
  const status = servingStatus(answer.body);
  if (status === undefined) return bad('Answer is no health check response');
  return status === 'SERVING' ? good(status) : bad(status);
}
