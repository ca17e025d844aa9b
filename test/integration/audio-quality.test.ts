/** How good a leg says its audio is, beside what was really lost. */
import { describe, expect, it } from 'vitest';
import { compactNtp, parseRtcp, type ReportBlock } from '../../src/media/worker/rtp/rtcp.js';
import { usePhoneLegs } from '../support/phone-legs.js';
import { portOf } from '../support/test-phone.js';
import { takeRtpPorts } from '../support/rtp-ports.js';
import { EventFollower } from '../support/events.js';
import { callAndConnect } from '../support/gateway-phone.js';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

const range = await takeRtpPorts(100);

describe('the quality of a phone', () => {
  const { called, caller } = usePhoneLegs(range);
  const silence = new Uint8Array(160).fill(0xff);

  it('is what was lost of the packets that it sent', async () => {
    const a = await called();
    for (let n = 0; n < 300; n++) {
      // Every tenth is lost, but for the first and the last, of which nobody can know.
      if (n % 10 === 5) {
        a.phone.sequenceNumber = (a.phone.sequenceNumber + 1) & 0xffff;
        a.phone.timestamp = (a.phone.timestamp + 160) >>> 0;
      } else a.phone.send(a.port, silence);
      if (n % 30 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await waitFor('all came', () => a.leg.statistics().packetsReceived === 270);
    const { received, sent } = a.leg.statistics().audio!;
    expect(received).toMatchObject({ packets: 270, packetsLost: 30, totalLossPercent: 10, lossPercent: 10 });
    expect(received?.mos).toBeGreaterThan(2.9);
    expect(received?.mos).toBeLessThan(3.6);
    expect(sent).toBeNull();
  });

  it('is what the phone reports that it lost of ours, with the round trip, though it only reports', async () => {
    const a = await caller({ rtcpIntervalMs: 400 });
    a.port = portOf(await a.leg.answer(a.phone.sdp({ attributes: ['a=sendrecv', 'a=rtcp-mux'] })));
    a.phone.talk(a.port, 440);
    await a.phone.listen(3);
    a.phone.hush();
    const lastReport = () =>
      a.phone.rtcp
        .flatMap((octets) => parseRtcp(octets) ?? [])
        .findLast((packet) => packet.type === 'sender-report');
    const { ssrc, ntpSeconds, ntpFraction } = await waitFor(
      'it is sent a report',
      () => lastReport() ?? null,
    );
    const block: ReportBlock = {
      ssrc,
      fractionLost: 64,
      packetsLost: 0x7f_ffff,
      highestSequence: a.phone.heard.at(-1)!.sequenceNumber,
      jitter: 160,
      lastSenderReport: compactNtp(ntpSeconds, ntpFraction),
      delaySinceLastSenderReport: 0,
    };
    a.phone.sendRtcp(a.port, [{ type: 'receiver-report', ssrc: a.phone.ssrc, reports: [block] }]);
    const { sent, roundTripMs, packetsSent } = await waitFor('the report came', () => {
      const { audio, packetsSent } = a.leg.statistics();
      return audio?.sent === null || audio === null ? null : { ...audio, packetsSent };
    });
    expect(sent).toMatchObject({ lossPercent: 25, jitterMs: 20, jitterMaxMs: 20 });
    expect((sent?.packets ?? 0) + (sent?.packetsLost ?? 0)).toBeLessThanOrEqual(packetsSent + 1);
    expect(sent?.mos).toBeLessThan(2.5);
    expect(roundTripMs).toBeGreaterThanOrEqual(0);
    expect(roundTripMs).toBeLessThan(10_000);
    expect(a.facts.filter((fact) => fact.startsWith('ended'))).toEqual([]);
  });
});

describe('a gateway', () => {
  it('tells of the quality of each connection to who listens, without an id to come back to, and in metrics', async () => {
    const gateway = await TestGateway.start({ environment: { LANDBRIDGE_EVENTS_LEG_QUALITY_SECONDS: '1' } });
    try {
      const { id, token } = await gateway.rest.createParticipant();
      const events = await EventFollower.open(gateway.rest);
      const phone = await callAndConnect(gateway, token, { toneHz: 440 });
      const { data, participantId } = await events.wait('leg.quality');
      expect(participantId).toBe(id);
      expect(data).toMatchObject({ legKind: 'phone', received: { packetsLost: 0 }, oneWay: null });
      const { id: established } = await events.wait('call.established');
      const again = await EventFollower.open(gateway.rest, { after: established });
      expect(again.seen.map(({ type }) => type)).not.toContain('leg.quality');
      await again.close();
      const metrics = await (await fetch(`${gateway.origin}/metrics`)).text();
      expect(metrics).toMatch(/^landbridge_leg_mos_count\{kind="phone",direction="received"\} [1-9]/m);
      await phone.close();
      await events.close();
    } finally {
      await gateway.stop();
    }
  });
});
