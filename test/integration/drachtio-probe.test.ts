/** Probes over real sockets, with a server that a test plays. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.js';
import { silentLogger, type Logger } from '../../src/domain/logger.js';
import { HearingWatch } from '../../src/doors/sip/hearing-watch.js';
import { ServerProbe } from '../../src/doors/sip/server-probe.js';
import { waitFor } from '../support/wait-for.js';

function answerTo(request: string, status = 200): string {
  const copied = request.split('\r\n').filter((line) => /^(?:Via|From|To|Call-ID|CSeq):/.test(line));
  return [`SIP/2.0 ${String(status)} Whatever`, ...copied, 'Content-Length: 0', '', ''].join('\r\n');
}

const callIdOf = (request: string): string => /^Call-ID: (\S+)/m.exec(request)?.[1] ?? '';

let server: Socket;
let stranger: Socket;
let onRequest: (text: string, from: RemoteInfo) => void;
beforeEach(async () => {
  [server, stranger] = [createSocket('udp4').bind(0, '127.0.0.1'), createSocket('udp4').bind(0, '127.0.0.1')];
  await Promise.all([once(server, 'listening'), once(stranger, 'listening')]);
  onRequest = () => undefined;
  server.on('message', (bytes, from) => onRequest(bytes.toString(), from));
});
afterEach(() => {
  server.close();
  stranger.close();
});

const address = () => ({ protocol: 'udp', host: '127.0.0.1', port: server.address().port });

describe('a probe', () => {
  const probes: ServerProbe[] = [];
  afterEach(() => probes.splice(0).forEach((probe) => probe.close()));
  function newProbe(to = address(), timeoutMs = 2000): ServerProbe {
    const probe = new ServerProbe({ address: to, timeoutMs, clock: systemClock });
    probes.push(probe);
    return probe;
  }

  it('is heard when it came to us and its answer came back, whatever that says', async () => {
    const probe = newProbe();
    for (const status of [200, 503]) {
      onRequest = (text, from) => {
        expect(text).toMatch(/^OPTIONS sip:probe@127\.0\.0\.1:\d+ SIP\/2\.0\r\n/);
        probe.heard(callIdOf(text));
        server.send(answerTo(text, status), from.port, from.address);
      };
      expect(await probe.send()).toBe('heard');
    }
  });

  it('is answered elsewhere when it did not come to us, and failed where that is no success', async () => {
    const probe = newProbe();
    onRequest = (text, from) => server.send(answerTo(text), from.port, from.address);
    expect(await probe.send()).toBe('elsewhere');
    onRequest = (text, from) => server.send(answerTo(text, 503), from.port, from.address);
    expect(await probe.send()).toBe('failed');
  });

  it('takes no answer from a stranger, none to something else, and nothing that is none', async () => {
    const probe = newProbe();
    onRequest = (text, from) => {
      probe.heard('somebody else’s');
      stranger.send(answerTo(text), from.port, from.address);
      server.send(answerTo(text.replaceAll(callIdOf(text), 'other')), from.port, from.address);
      server.send('\r\n\r\n', from.port, from.address);
      server.send(`SIP/2.0 100 Trying\r\nCall-ID: ${callIdOf(text)}\r\n\r\n`, from.port, from.address);
    };
    expect(await probe.send()).toBe('failed');
  });

  it('goes over TCP where there is no UDP, with a connection that is closed afterwards', async () => {
    const listener: Server = createServer();
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const probe = newProbe({
      protocol: 'tcp',
      host: '127.0.0.1',
      port: (listener.address() as AddressInfo).port,
    });
    listener.on('connection', (socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => {
        probe.heard(callIdOf(bytes.toString()));
        socket.write(answerTo(bytes.toString()));
      });
    });
    expect(await probe.send()).toBe('heard');
    await waitFor('it is closed', async () => {
      return new Promise<boolean>((resolve) => listener.getConnections((_, count) => resolve(count === 0)));
    });
    listener.close();
    expect(await probe.send()).toBe('failed');
  });

  it('fails at once when it is closed', async () => {
    const probe = newProbe(address(), 60_000);
    const sent = probe.send();
    probe.close();
    expect(await sent).toBe('failed');
    expect(await probe.send()).toBe('failed');
  });
});

describe('the watch over a server’s hearing', () => {
  let deaf = 0;
  let isAnswering = false;
  const lines: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    info: (_, message) => void lines.push(message),
    warn: (_, message) => void lines.push(message),
    error: (_, message) => void lines.push(message),
  };
  let hearing: HearingWatch;
  beforeEach(() => {
    deaf = 0;
    isAnswering = false;
    lines.length = 0;
    hearing = new HearingWatch({
      // Longer than a busy machine may keep an answer.
      probeMs: 500,
      failures: 2,
      clock: systemClock,
      logger,
      isAnswering: () => Promise.resolve(isAnswering),
      onDeaf: () => void (deaf += 1),
    });
  });
  afterEach(() => hearing.stop());
  const answering = (text: string, from: RemoteInfo) => {
    hearing.heard(callIdOf(text));
    server.send(answerTo(text), from.port, from.address);
  };

  it('does not call deaf what it never reached, and says once that it cannot tell', async () => {
    hearing.start([address()]);
    await waitFor('many probes are lost', () => hearing.probesFailed > 6);
    expect([hearing.isDeaf, deaf]).toEqual([false, 0]);
    expect(lines).toEqual([expect.stringContaining('cannot be told')]);
    let answered = 0;
    onRequest = (text, from) => {
      answering(text, from);
      answered += 1;
    };
    const { probesFailed } = hearing;
    await waitFor('some probes are answered', () => answered >= 4);
    expect(hearing.probesFailed).toBeLessThanOrEqual(probesFailed + 1);
  });

  it('tries one address after the other until one answers', async () => {
    onRequest = answering;
    const silent = createSocket('udp4').bind(0, '127.0.0.1');
    await once(silent, 'listening');
    let isReached = false;
    onRequest = (text, from) => {
      isReached = true;
      answering(text, from);
    };
    hearing.start([{ protocol: 'udp', host: '127.0.0.1', port: silent.address().port }, address()]);
    await waitFor('the second is reached', () => isReached);
    silent.close();
  });

  it('tells that the server is deaf, until it hears again', async () => {
    let isReached = false;
    onRequest = (text, from) => {
      isReached = true;
      answering(text, from);
    };
    hearing.start([address()]);
    await waitFor('it is heard', () => isReached);
    onRequest = () => undefined;
    await waitFor('it is deaf', () => deaf > 0);
    expect(hearing.isDeaf).toBe(true);
    // The connection is dropped and made anew.
    hearing.stop();
    hearing.start([address()]);
    expect(hearing.isDeaf).toBe(true);
    onRequest = answering;
    await waitFor('it hears', () => !hearing.isDeaf);
    expect(lines).toEqual([expect.stringContaining('is deaf'), expect.stringContaining('hears again')]);
  });

  it('without any address says that it cannot tell', () => {
    hearing.start([]);
    expect(hearing.isDeaf).toBe(false);
    expect(lines).toEqual([expect.stringContaining('cannot be told')]);
  });

  it('does not take a server for deaf that others share, as long as it answers on its admin connection', async () => {
    let probes = 0;
    onRequest = (text, from) => {
      probes += 1;
      if (probes === 1) hearing.heard(callIdOf(text));
      if (probes < 3) server.send(answerTo(text), from.port, from.address);
    };
    isAnswering = true;
    hearing.start([address()]);
    await waitFor('many are lost', () => hearing.probesFailed > 5);
    expect([hearing.isDeaf, deaf]).toEqual([false, 0]);
    isAnswering = false;
    await waitFor('it is deaf', () => deaf > 0);
  });

  it('does not take a server for deaf that tells of requests and answers on its admin connection', async () => {
    let isHeard = false;
    onRequest = (text, from) => {
      if (isHeard) hearing.told();
      else answering(text, from);
      isHeard = true;
    };
    isAnswering = true;
    hearing.start([address()]);
    await waitFor('many are lost', () => hearing.probesFailed > 5);
    expect([hearing.isDeaf, deaf]).toEqual([false, 0]);
    expect(lines).toEqual([expect.stringContaining('probes over SIP are lost')]);
    // It answers, but tells nothing any more.
    onRequest = () => undefined;
    await waitFor('it is deaf', () => deaf > 0);
  });
});
