import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { DomainEvent, EventData, EventType } from '../domain/facts/event.js';
import { Metrics } from './metrics.js';

function event<T extends EventType>(type: T, data: EventData[T], time = 0): DomainEvent {
  return {
    id: randomUUID(),
    type,
    accountId: 'a',
    sessionId: null,
    participantId: null,
    tag: null,
    sequence: 1,
    time,
    data,
  } as DomainEvent;
}
const call = (legId: string) => ({
  legId,
  door: 'sip',
  callId: 'c',
  clientId: null,
  voiceCallId: null,
  trunkId: null,
  stir: null,
  headers: null,
  caller: null,
});

async function linesOf(metrics: Metrics): Promise<string[]> {
  return (await metrics.expose()).split('\n');
}

describe('Metrics', () => {
  it('count requests by route, not by path', async () => {
    const metrics = new Metrics();
    metrics.requestAnswered({
      method: 'GET',
      route: '/v1/accounts/:accountId/sessions',
      status: 200,
      durationMs: 3,
    });
    metrics.requestAnswered({
      method: 'GET',
      route: '/v1/accounts/:accountId/sessions',
      status: 200,
      durationMs: 30,
    });
    const lines = await linesOf(metrics);
    expect(lines).toContain(
      'landbridge_http_requests_total{method="GET",route="/v1/accounts/:accountId/sessions",status="200"} 2',
    );
    expect(lines).toContain(
      'landbridge_http_request_seconds_bucket{le="0.005",method="GET",route="/v1/accounts/:accountId/sessions"} 1',
    );
  });

  it('count facts, joins by kind, ends by reason, refusals by code, and time the setup of calls', async () => {
    const metrics = new Metrics();
    metrics.factKept(event('call.arrived', call('l1'), 1000));
    metrics.factKept(event('call.answered', { ...call('l1'), legKind: 'phone' }, 1008));
    metrics.factKept(
      event('participant.joined', {
        legId: 'l1',
        legKind: 'phone',
        displayName: null,
        attributes: {},
        caller: null,
      }),
    );
    metrics.factKept(
      event('call.ended', {
        ...call('l1'),
        legKind: 'phone',
        wasEstablished: true,
        durationMs: 5,
        outcome: { endedBy: 'participant', reason: 'hangup' },
      }),
    );
    metrics.factKept(event('call.answered', { ...call('unknown'), legKind: 'phone' }, 1008));
    metrics.refused('sip', 'token-expired');
    const lines = await linesOf(metrics);
    expect(lines).toContain('landbridge_events_total{type="call.answered"} 2');
    expect(lines).toContain('landbridge_legs_joined_total{kind="phone"} 1');
    expect(lines).toContain(
      'landbridge_calls_ended_total{door="sip",ended_by="participant",reason="hangup"} 1',
    );
    expect(lines).toContain('landbridge_legs_refused_total{door="sip",code="token-expired"} 1');
    expect(lines).toContain('landbridge_call_setup_seconds_bucket{le="0.01",door="sip"} 1');
    expect(lines).toContain('landbridge_call_setup_seconds_count{door="sip"} 1');
  });

  it('tell how good the audio of legs is, both ways', async () => {
    const metrics = new Metrics();
    const good = {
      ...{ lossPercent: 0, jitterMs: 1, mos: 4.4, packets: 500, packetsLost: 0, totalLossPercent: 0 },
      ...{ jitterP95Ms: 1, jitterMaxMs: 1, mosMean: 4.4, mosWorst: 4.4 },
    };
    const about = { legId: 'l1', legKind: 'phone', roundTripMs: null } as const;
    metrics.factKept(event('leg.quality', { ...about, received: good, sent: null, oneWay: null }));
    const bad = { ...good, lossPercent: 100, mos: 1 };
    metrics.factKept(event('leg.quality', { ...about, received: good, sent: bad, oneWay: 'not-heard' }));
    const lines = await linesOf(metrics);
    expect(lines).toContain('landbridge_leg_mos_bucket{le="4.34",kind="phone",direction="received"} 0');
    expect(lines).toContain('landbridge_leg_mos_count{kind="phone",direction="received"} 2');
    expect(lines).toContain('landbridge_leg_mos_bucket{le="1.5",kind="phone",direction="sent"} 1');
    expect(lines).toContain('landbridge_leg_loss_ratio_bucket{le="0",kind="phone",direction="received"} 2');
    expect(lines).toContain('landbridge_leg_one_way_total{kind="phone",how="not-heard"} 1');
  });

  it('read other parts’ figures when asked, and forget what is gone', async () => {
    const metrics = new Metrics();
    let legs: Record<string, number> = { phone: 2, browser: 1 };
    let refusals: Record<number, number> = { 405: 3 };
    metrics.observeLegs(() => legs);
    metrics.observeEventReaders(() => 4);
    metrics.observeSip(() => ({
      transport: {
        messagesReceived: 10,
        messagesSent: 9,
        messagesIgnored: 0,
        datagramsDropped: 0,
        malformed: 1,
        sendErrors: 0,
        connectionsOpen: 2,
        connectionsRefused: 0,
        connectionsDropped: 0,
      },
      transactions: 5,
      dialogs: 2,
      retransmissionsSent: 1,
      retransmissionsReceived: 0,
      transactionTimeouts: 0,
      dialogsCreated: 7,
      dialogsEndedByServer: 0,
      cancelled: 0,
      answersWithheld: 0,
      scannersIgnored: 0,
      sweepsSeen: 0,
      bans: 0,
      refusals,
    }));
    metrics.observeMedia(() => ({
      workers: [
        {
          worker: 0,
          legs: 1,
          health: {
            phoneLegs: 1,
            browserLegs: 0,
            streams: 1,
            eventLoopLagP99Ms: 2,
            ticks: 50,
            ticksSkipped: 0,
            tickLatenessP99Ms: 1,
            tickLatenessMaxMs: 3,
            cpuMs: 1500,
            residentBytes: 1024,
            portsTakenUnrested: 0,
            linkPacketsDropped: 0,
          },
        },
        { worker: 1, legs: 0, health: null },
      ],
      workersLost: 1,
    }));
    const first = await linesOf(metrics);
    expect(first).toContain('landbridge_legs{kind="browser"} 1');
    expect(first).toContain('landbridge_event_readers 4');
    expect(first).toContain('landbridge_sip_messages_received_total 10');
    expect(first).toContain('landbridge_sip_dialogs 2');
    expect(first).toContain('landbridge_sip_refusals_total{status="405"} 3');
    expect(first).toContain('landbridge_worker_cpu_seconds_total{worker="0"} 1.5');
    expect(first).toContain('landbridge_workers 2');
    expect(first).toContain('landbridge_workers_lost_total 1');
    expect(first.join('\n')).not.toContain('worker="1"');
    legs = { phone: 1 };
    refusals = { 405: 4 };
    const second = await linesOf(metrics);
    expect(second).toContain('landbridge_legs{kind="phone"} 1');
    expect(second.join('\n')).not.toContain('kind="browser"');
    expect(second).toContain('landbridge_sip_refusals_total{status="405"} 4');
  });

  it('of two gateways in one process do not meet', async () => {
    const [one, other] = [new Metrics(), new Metrics()];
    one.refused('sip', 'overloaded');
    expect(await other.expose()).not.toContain('overloaded');
  });
});
