import { describe, expect, it } from 'vitest';
import type { Application } from '../user-agent/application.js';
import { Routes } from './routes.js';

const application = (): Application => ({
  request: () => undefined,
  acknowledged: () => undefined,
  cancelled: () => undefined,
  response: () => undefined,
  dialogEnded: () => undefined,
  callRecord: () => undefined,
});

describe('routes', () => {
  it('give new requests to the applications in turn, and forget those that leave', () => {
    const routes = new Routes();
    const [a, b] = [application(), application()];
    routes.add('invite', a);
    routes.add('invite', b);
    routes.add('invite', a);
    expect([1, 2, 3].map(() => routes.choose('INVITE'))).toEqual([a, b, a]);
    routes.removeAll(b);
    expect([1, 2].map(() => routes.choose('INVITE'))).toEqual([a, a]);
    routes.remove('invite', a);
    expect(routes.choose('INVITE')).toBeNull();
  });

  it('remember that a method was asked for once', () => {
    const routes = new Routes();
    const a = application();
    expect(routes.isKnown('MESSAGE')).toBe(false);
    routes.add('message', a);
    routes.removeAll(a);
    expect(routes.isKnown('MESSAGE')).toBe(true);
    expect([...routes.knownMethods()]).toEqual(['MESSAGE']);
  });

  it('are for method names only', () => {
    const routes = new Routes();
    expect(routes.add('in vite', application())).toBe(false);
    expect(routes.add('x'.repeat(40), application())).toBe(false);
  });
});
