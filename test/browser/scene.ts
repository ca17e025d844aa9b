/** A gateway, a browser and a session of each test's own, with pages and phones in it. */
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import type { Browser } from 'playwright-core';
import type { PhoneCodecName } from '../../src/sdp/phone-codecs.js';
import { placeCall, type PhoneCall } from '../../src/softphone/phone-call.js';
import { launchChromium } from '../support/chromium.js';
import type { EventFollower, StreamedEvent } from '../support/events.js';
import type { NewcomerOptions } from '../support/rest-client.js';
import { TestGateway, type GatewayOptions } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';
import { SessionPage } from './session-page.js';
import { WebApplication } from './web-application.js';

export { lastHeardMs, phoneHears, phoneHearsNot } from '../support/phone-hearing.js';

export interface ScenePhone {
  readonly participantId: string;
  readonly call: PhoneCall;
}

interface Arrival extends NewcomerOptions {
  /** Default: silence of a phone, nothing published by a page. */
  readonly toneHz?: number;
  /** Default the scene's own. */
  readonly sessionId?: string;
  /** What a phone offers. Default G.711. */
  readonly codecs?: readonly PhoneCodecName[];
}

export class Scene {
  readonly gateway: TestGateway;
  readonly browser: Browser;
  readonly application: WebApplication;
  readonly events: EventFollower;
  sessionId = '';
  readonly #pages: SessionPage[] = [];
  readonly #calls: PhoneCall[] = [];

  private constructor(
    gateway: TestGateway,
    browser: Browser,
    application: WebApplication,
    events: EventFollower,
  ) {
    this.gateway = gateway;
    this.browser = browser;
    this.application = application;
    this.events = events;
  }

  /** A phone that hears nobody hears nothing: what it hears is what somebody says. */
  static async open({ environment, ...options }: GatewayOptions): Promise<Scene> {
    const [gateway, browser, application] = await Promise.all([
      TestGateway.start({
        ...options,
        environment: { LANDBRIDGE_SOUNDS_HOLD_MUSIC_WHEN_ALONE: 'false', ...environment },
      }),
      launchChromium(),
      WebApplication.start(),
    ]);
    return new Scene(gateway, browser, application, await gateway.follow());
  }

  async begin(): Promise<void> {
    this.sessionId = await this.gateway.rest.createSession();
  }

  /** A page that is not connected. */
  async blankPage(participantId = ''): Promise<SessionPage> {
    const page = await SessionPage.open(this.browser, this.application, this.gateway, participantId);
    this.#pages.push(page);
    return page;
  }

  /** A page that has joined the session, and publishes its tone where it has one. */
  async page({ toneHz, sessionId = this.sessionId, ...options }: Arrival = {}): Promise<SessionPage> {
    const { id, token } = await this.gateway.rest.newcomer(sessionId, options);
    const page = await this.blankPage(id);
    expect(await page.connect(this.gateway, token)).toBeNull();
    if (toneHz !== undefined) await page.publishTone(toneHz);
    return page;
  }

  /** A phone that was answered. */
  async phone({ toneHz, codecs, sessionId = this.sessionId, ...options }: Arrival = {}): Promise<ScenePhone> {
    const { id, token } = await this.gateway.rest.newcomer(sessionId, options);
    const call = await placeCall({
      uri: `sip:join@127.0.0.1:${this.gateway.sipPort}`,
      token,
      source: toneHz === undefined ? { kind: 'silence' } : { kind: 'tone', frequencyHz: toneHz },
      ...(codecs !== undefined && { codecs }),
      lingerMs: 1000,
    });
    this.#calls.push(call);
    await call.answered;
    return { participantId: id, call };
  }

  async legOf(participantId: string): Promise<{ readonly id: string }> {
    const leg = (await this.gateway.rest.legs()).find((one) => one.participantId === participantId);
    if (leg === undefined) throw new Error('the participant has no leg');
    return leg;
  }

  subscribe(participantId: string, subscriptions: object): Promise<undefined> {
    const path = `/sessions/${this.sessionId}/participants/${participantId}/subscriptions`;
    return this.gateway.rest.done('PUT', path, subscriptions);
  }

  /** Every `participant.left` of the participant so far. Ask when its `call.ended` was seen. */
  async departures(participantId: string): Promise<StreamedEvent<'participant.left'>[]> {
    await this.events.wait('call.ended', (event) => event.participantId === participantId);
    return this.events.ofType('participant.left').filter((event) => event.participantId === participantId);
  }

  /** Nothing outlives a test: no leg, no complaint of a page. */
  async end(): Promise<void> {
    const pages = this.#pages.splice(0);
    await Promise.all([
      ...this.#calls.splice(0).map((call) => call.close()),
      ...pages.map((page) => page.close()),
    ]);
    // Chromium waits half a second for a closing page. One whose scripts are busy for longer, as on a loaded machine, never
    // gets to say BYE (seen: none at 700 ms, always below 450), and its leg ends with its consent (RFC 7675), after 30 s.
    await this.gateway.idle(40_000);
    expect(pages.flatMap(({ complaints }) => complaints)).toEqual([]);
  }

  async close(): Promise<void> {
    await waitFor('the media worker holds no leg and no stream', async () => {
      const figures = [...(await this.gateway.metrics())].filter(([name]) =>
        /^landbridge_worker_(phone_legs|browser_legs|streams)\{/.test(name),
      );
      return figures.length === 3 && figures.every(([, value]) => value === 0);
    });
    await this.events.close();
    await this.browser.close();
    await this.application.close();
    await this.gateway.stop();
  }
}

/** One gateway and one browser for a file of tests, a new session for each. */
export function useScene(options: GatewayOptions | (() => Promise<GatewayOptions>) = {}): () => Scene {
  let scene: Scene | undefined;
  const current = (): Scene => {
    if (scene === undefined) throw new Error('the scene is not open');
    return scene;
  };
  beforeAll(async () => {
    scene = await Scene.open(typeof options === 'function' ? await options() : options);
  });
  beforeEach(() => current().begin());
  afterEach(() => current().end());
  afterAll(() => scene?.close());
  return current;
}
