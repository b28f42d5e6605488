// Load report headers: every form that endpoints send, and everything that must not be taken for a report.
// Binary reports are written here byte by byte, by the wire format alone.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLoadReport } from './parse.ts';
import type { LoadReport } from './report.ts';

function report(parts: Partial<LoadReport>) {
  return { type: 'report', report: { applicationUtilization: 0, cpuUtilization: 0, rps: 0, eps: 0, ...parts } };
}

describe('parseLoadReport', () => {
  it.each([
    ['TEXT cpu_utilization=0.3,rps_fractional=100', report({ cpuUtilization: 0.3, rps: 100 })],
    ['TEXT cpu_utilization=0.3, eps=2, rps_fractional=1e2', report({ cpuUtilization: 0.3, rps: 100, eps: 2 })],
    ['TEXT application_utilization=1.2,mem_utilization=0.1', report({ applicationUtilization: 1.2 })],
    ['TEXT named_metrics.kv_cache=0.4,cpu_utilization=0.5', report({ cpuUtilization: 0.5 })],
    ['cpu_utilization:0.3,rps_fractional:100', report({ cpuUtilization: 0.3, rps: 100 })],
    ['JSON {"cpu_utilization":0.3,"rps_fractional":100,"eps":1}', report({ cpuUtilization: 0.3, rps: 100, eps: 1 })],
    ['JSON {"applicationUtilization":"0.7","rpsFractional":9}', report({ applicationUtilization: 0.7, rps: 9 })],
    ['JSON {"named_metrics":{"kv_cache":0.4},"cpu_utilization":0.5}', report({ cpuUtilization: 0.5 })],
    ['JSON {"cpu_utilization":null}', report({})],
  ])('reads %s', (value, expected) => {
    expect(parseLoadReport(value)).toEqual(expected);
  });

  it.each([
    ['TEXT ', /empty/],
    ['TEXT cpu_utilization', /"" as metric "cpu_utilization"/],
    ['TEXT cpu_utilization=high', /"high" as metric "cpu_utilization": use a number/],
    ['TEXT cpu_utilization=-1', /"-1"/],
    ['TEXT eps=Infinity', /"Infinity"/],
    ['TEXT eps=NaN', /"NaN"/],
    ['TEXT eps=1,eps=2', /names metric "eps" twice/],
    ['TEXT =1', /without a name/],
    ['JSON {', /no JSON/],
    ['JSON [1]', /no JSON object/],
    ['JSON {"eps":true}', /"true" as metric "eps"/],
    ['BIN !', /no base64/],
  ])('refuses %s', (value, reason) => {
    expect(parseLoadReport(value)).toEqual({ type: 'invalid', reason: expect.stringMatching(reason) });
  });

  it('refuses what is too long to be a report', () => {
    const reason = 'Load report is 9010 characters long: 8192 at most';
    expect(parseLoadReport('x'.repeat(9010))).toEqual({ type: 'invalid', reason });
  });

  it('survives whatever a backend sends', () => {
    const prefix = fc.constantFrom('', 'TEXT ', 'JSON ', 'BIN ');
    fc.assert(
      fc.property(prefix, fc.string(), (word, rest) => {
        expect(['report', 'invalid']).toContain(parseLoadReport(word + rest).type);
      }),
    );
  });

  it('reads in text what was written in text', () => {
    const amount = fc.double({ min: 0, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(amount, amount, amount, amount, (applicationUtilization, cpuUtilization, rps, eps) => {
        const text = `TEXT application_utilization=${applicationUtilization},cpu_utilization=${cpuUtilization},rps_fractional=${rps},eps=${eps}`;
        expect(parseLoadReport(text)).toEqual(report({ applicationUtilization, cpuUtilization, rps, eps }));
      }),
    );
  });
});

/** A double in the protobuf wire format. */
function double(field: number, value: number): number[] {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return [field * 8 + 1, ...bytes];
}

function binary(...bytes: number[]): string {
  return Uint8Array.from(bytes).toBase64();
}

describe('a binary load report', () => {
  it('reads the fields that weights need and skips all others', () => {
    const rps = [3 * 8, 0xac, 0x02];
    const namedMetric = [8 * 8 + 2, 5, 10, 1, 120, 17, 0];
    const fixed32 = [15 * 8 + 5, 1, 2, 3, 4];
    const value = binary(...double(1, 0.3), ...rps, ...namedMetric, ...double(6, 100), ...fixed32, ...double(9, 0.8));
    const expected = report({ cpuUtilization: 0.3, rps: 100, applicationUtilization: 0.8 });
    expect(parseLoadReport(`BIN ${value}`)).toEqual(expected);
  });

  it('takes an empty message for a report that says nothing, as protobuf does', () => {
    expect(parseLoadReport('BIN ')).toEqual(report({}));
  });

  it.each([
    [binary(...double(1, 0.3).slice(0, 5)), /ends within a field/],
    [binary(...double(1, -1)), /"-1" in field 1/],
    [binary(...double(7, Number.NaN)), /"NaN" in field 7/],
    [binary(8 * 8 + 2, 100, 1), /ends within a field/],
    [binary(3 * 8, 0x80), /ends within a field/],
    [binary(15 * 8 + 5, 1), /ends within a field/],
    [binary(8 + 3), /wire type 3/],
    [binary(0), /no protobuf message/],
    [binary(...new Array<number>(12).fill(0xff)), /no protobuf message/],
  ])('refuses %s', (value, reason) => {
    expect(parseLoadReport(`BIN ${value}`)).toEqual({ type: 'invalid', reason: expect.stringMatching(reason) });
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(['report', 'invalid']).toContain(parseLoadReport(`BIN ${bytes.toBase64()}`).type);
      }),
    );
  });
});
