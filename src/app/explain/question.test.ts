// Requests as people write them on a command line.
import { describe, expect, it } from 'vitest';
import { questionOf } from './question.ts';

describe('a question', () => {
  it.each([
    ['http://Shop.Local:8080/a/../b?c=d#e', { scheme: 'http', host: 'shop.local', port: 8080, target: '/a/../b?c=d' }],
    ['https://shop.local', { scheme: 'https', host: 'shop.local', port: 443, target: '/' }],
    ['shop.local/x', { scheme: 'http', host: 'shop.local', port: 80, target: '/x' }],
    ['localhost:8080', { host: 'localhost', port: 8080, target: '/' }],
    ['http://[::1]:8080?x', { host: '[::1]', port: 8080, target: '/?x' }],
    ['http://a.test/café', { target: '/caf%C3%A9' }],
  ])('%s', (url, expected) => {
    expect(questionOf({ url })).toMatchObject(expected);
  });

  it.each([
    ['X-Canary: yes', ['X-Canary', 'yes']],
    ['x-canary=yes', ['x-canary', 'yes']],
    ['authorization: Basic YQ==', ['authorization', 'Basic YQ==']],
    ['x-empty:', ['x-empty', '']],
  ])('takes the header "%s"', (text, expected) => {
    expect(questionOf({ url: 'http://a', headers: [text] }).headers).toEqual([expected]);
  });

  it.each([
    [{ url: 'ftp://a' }, '"ftp://a" is no http or https URL'],
    [{ url: '' }, '"" is no http or https URL'],
    [{ url: 'http://a', headers: ['nonsense'] }, '"nonsense" is no header'],
    [{ url: 'http://a', headers: ['a: b\r\nc: d'] }, 'is no header'],
    [{ url: 'http://a', method: 'G T' }, '"G T" is no HTTP method'],
    [{ url: 'http://a', client: 'me' }, '"me" is no IP address'],
  ])('refuses %j', (asked, message) => {
    expect(() => questionOf(asked)).toThrow(message);
  });
});
