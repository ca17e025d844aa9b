/** `<landbridge-session>` in a customer's page with a strict Content-Security-Policy, against the whole gateway. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { phoneHears, useScene } from './scene.js';

const scene = useScene();
const pages: Page[] = [];
/** Errors of the pages and of their consoles. */
const complaints: string[] = [];

interface Told {
  readonly name: string;
  readonly code?: string;
  readonly by?: string;
}
declare const told: Told[];

afterEach(async () => {
  await Promise.all(pages.splice(0).map((page) => page.context().close({ reason: 'the test is over' })));
  // A closed context says no goodbyes.
  for (const { id } of await scene().gateway.rest.legs())
    await scene().gateway.rest.request('DELETE', `/legs/${id}`);
  await scene().gateway.idle();
  expect(complaints.splice(0)).toEqual([]);
});

/** A customer's page with the component in it. A real server: what a page may reach depends on where it comes from. */
const site = createServer(({ url = '' }, response) => {
  const { searchParams } = new URL(url, siteOrigin);
  const origin = searchParams.get('gateway') ?? '';
  const sources = [
    "default-src 'none'; img-src data:",
    `script-src ${origin} 'nonce-listen'`,
    `connect-src ${origin.replace('http', 'ws')}`,
  ];
  response.setHeader('content-security-policy', sources.join('; '));
  response.setHeader('content-type', 'text/html');
  response.end(`<!doctype html><html lang="en"><title>customer</title>
    <meta name="viewport" content="width=device-width">
    <link rel="icon" href="data:,">
    <script type="module" src="${origin}/sdk/landbridge-session.js"></script>
    <h1>Support</h1>
    <landbridge-session token="${searchParams.get('token') ?? ''}"></landbridge-session>
    <script nonce="listen">
      globalThis.told = [];
      for (const name of ['joined', 'left', 'error'])
        document.querySelector('landbridge-session').addEventListener(name, ({ detail }) =>
          told.push({ name, code: detail.code, by: detail.by }));
    </script>`);
});
let siteOrigin = '';
beforeAll(async () => {
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
  siteOrigin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
});
afterAll(() => {
  site.closeAllConnections();
  site.close();
});

async function open(
  token: string,
  { width = 1000, before }: { width?: number; before?: () => void } = {},
): Promise<Page> {
  const context = await scene().browser.newContext({ viewport: { width, height: 760 } });
  const page = await context.newPage();
  pages.push(page);
  page.setDefaultTimeout(10_000);
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  if (before !== undefined) await page.addInitScript(before);
  await page.goto(`${siteOrigin}/?${new URLSearchParams({ gateway: scene().gateway.origin, token })}`);
  return page;
}

async function newToken(fields: object = {}): Promise<string> {
  return (await scene().gateway.rest.newcomer(scene().sessionId, { fields })).token;
}

function press(page: Page, name: string): Promise<void> {
  return page.getByRole('button', { name, exact: true }).click();
}

function tile(page: Page, name: string) {
  return page.getByRole('listitem').filter({ has: page.getByText(name, { exact: true }) });
}

async function joined(fields: object = {}, width?: number): Promise<Page> {
  const page = await open(await newToken(fields), width === undefined ? {} : { width });
  await press(page, 'Join');
  await tile(page, 'You').waitFor();
  await page.waitForFunction(() => told.some(({ name }) => name === 'joined'));
  return page;
}

describe('the component', () => {
  it('brings a person and a caller together: heard, named, seen to speak, muted', async () => {
    const phone = await scene().phone({ toneHz: 440, fields: { displayName: 'Ann Lee' } });
    const page = await joined();
    const ann = tile(page, 'Ann Lee');
    await ann.and(page.locator('[data-speaking]')).waitFor();
    await ann.getByText('by phone').waitFor();
    expect(await ann.locator('audio').evaluate((audio: HTMLAudioElement) => audio.paused)).toBe(false);
    await waitFor('the beep of the fake microphone', () => phone.call.heard.levelDbfs(200) > -40);
    await tile(page, 'You').and(page.locator('[data-speaking]')).waitFor();

    await press(page, 'Mute');
    await tile(page, 'You').getByText('muted').waitFor();
    await waitFor('the microphone is muted', () => phone.call.heard.levelDbfs(1500) < -60);
    await press(page, 'Unmute');
    await waitFor('it is heard again', () => phone.call.heard.levelDbfs(200) > -40);

    await phone.call.close();
    await page.getByText('Nobody else is here yet.').waitFor();
    await press(page, 'Leave');
    await page.getByRole('heading', { name: 'You have left.' }).waitFor();
    expect(await page.evaluate(() => told)).toEqual([{ name: 'joined' }, { name: 'left', by: 'local' }]);
    await scene().gateway.idle();
  });

  it('keeps whom a moderator mutes, marked, and says so; after leaving it says of nobody else that they left', async () => {
    const phone = await scene().phone({ toneHz: 440, fields: { displayName: 'Ann Lee' } });
    const page = await joined();
    const ann = tile(page, 'Ann Lee');
    await ann.and(page.locator('[data-speaking]')).waitFor();
    await page.setViewportSize({ width: 375, height: 700 });
    await page.setViewportSize({ width: 1000, height: 760 });
    const note = ann.getByText('by phone');
    expect(await note.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0);
    const stream = `/sessions/${scene().sessionId}/participants/${phone.participantId}/streams/microphone`;
    await scene().gateway.rest.done('POST', `${stream}/mute`);
    await ann.getByText('muted').waitFor();
    await ann.locator('audio').waitFor({ state: 'detached' });
    await scene().gateway.rest.done('POST', `${stream}/unmute`);
    await ann.and(page.locator('[data-speaking]')).waitFor();
    expect(await ann.getByText('muted').isVisible()).toBe(false);
    // Somebody who publishes nothing is there too, and goes.
    const listener = await scene().page({ fields: { displayName: 'Ben' } });
    await waitFor('it is said that Ben joined', async () => (await announced(page)).includes('Ben joined'));
    await listener.disconnect();
    await tile(page, 'Ben').waitFor({ state: 'detached' });
    await press(page, 'Leave');
    await page.getByRole('heading', { name: 'You have left.' }).waitFor();
    expect(await announced(page)).toEqual([
      'Ann Lee is no longer muted',
      'Ben joined',
      'Ben left',
      'You have left.',
    ]);
  });

  it('says of nobody who is only heard no longer that they left', async () => {
    const phone = await scene().phone({ toneHz: 440, fields: { displayName: 'Ann Lee' } });
    const page = await joined();
    const says = (text: string) =>
      waitFor(`it says: ${text}`, async () => (await announced(page)).at(-1) === text);
    await says('Ann Lee joined');
    const own = (await scene().gateway.rest.legs()).find(({ kind }) => kind === 'browser')!.participantId;
    await scene().subscribe(own, {});
    await says('You no longer hear Ann Lee');
    await scene().subscribe(own, { sessionId: scene().sessionId });
    await says('You hear Ann Lee again');
    await scene().gateway.rest.done('DELETE', `/sessions/${scene().sessionId}/participants/${own}`);
    const outside =
      'You are in no session at the moment: nobody hears you, until somebody lets you in again.';
    await says(outside);
    await page.getByRole('listitem').filter({ hasText: outside }).waitFor();
    // Whoever comes back before her stream is gone has never stopped hearing her.
    await tile(page, 'Ann Lee').waitFor({ state: 'detached' });
    await scene().gateway.rest.addToSession(scene().sessionId, own);
    // In either order: both are true at the same moment.
    await waitFor('it says that we are back, and whom we hear', async () => {
      const all = await announced(page);
      const heardAgain = all.filter((text) => text === 'You hear Ann Lee again').length;
      return all.includes('You are in a session again.') && heardAgain === 2;
    });
    await phone.call.close();
    await says('Ann Lee left');
  });

  it('tells whom a moderator mutes, who would go on talking to nobody', async () => {
    const page = await joined();
    const says = (text: string) =>
      waitFor(`it says: ${text}`, async () => (await announced(page)).at(-1) === text);
    await tile(page, 'You').and(page.locator('[data-speaking]')).waitFor();
    const own = (await scene().gateway.rest.legs())[0]!.participantId;
    const stream = `/sessions/${scene().sessionId}/participants/${own}/streams/microphone`;
    await scene().gateway.rest.done('POST', `${stream}/mute`);
    await tile(page, 'You').getByText('a moderator has muted you').waitFor();
    await says('A moderator has muted you.');
    expect(await tile(page, 'You').and(page.locator('[data-speaking]')).count()).toBe(0);
    await scene().gateway.rest.done('POST', `${stream}/unmute`);
    await tile(page, 'You').and(page.locator('[data-speaking]')).waitFor();
    await says('You are no longer muted by a moderator.');
    await press(page, 'Leave');
    await page.getByRole('heading', { name: 'You have left.' }).waitFor();
  });

  it('shows cameras and a shared screen to the others, and takes them away again', async () => {
    const [a, b] = await Promise.all([joined({ displayName: 'Ann' }), joined({ displayName: 'Ben' })]);
    await press(a, 'Camera on');
    const ann = tile(b, 'Ann');
    await ann.locator('video:not([hidden])').waitFor();
    await waitForFrames(b, 'Ann');
    await press(a, 'Share screen');
    await waitForFrames(b, 'Ann’s screen');
    await tile(a, 'You').getByText('sharing your screen').waitFor();
    await press(a, 'Stop sharing');
    await tile(b, 'Ann’s screen').waitFor({ state: 'detached' });
    await press(a, 'Camera off');
    await ann.locator('video[hidden]').waitFor({ state: 'attached' });
    await b.evaluate(() => document.querySelector('landbridge-session')!.remove());
    await tile(a, 'Ben').waitFor({ state: 'detached' });
  });

  it('can be used by keyboard alone, with the focus where the person is', async () => {
    const page = await open(await newToken());
    await page.getByRole('button', { name: 'Join', exact: true }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    const focused = (): Promise<string | null | undefined> =>
      page.evaluate(
        () => document.querySelector('landbridge-session')!.shadowRoot!.activeElement?.textContent,
      );
    await waitFor('the focus is on the first button of the call', async () => (await focused()) === 'Mute');
    await page.keyboard.press('Space');
    await waitFor('it is muted', async () => (await focused()) === 'Unmute');
    for (const name of ['Camera on', 'Share screen', 'Devices']) {
      await page.keyboard.press('Tab');
      expect(await focused()).toBe(name);
    }
    await page.keyboard.press('Enter');
    await page.getByRole('combobox', { name: 'Microphone' }).and(page.locator(':focus')).waitFor();
    await page.keyboard.press('Escape');
    await waitFor('the focus is back', async () => (await focused()) === 'Devices');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await waitFor('the way back is at hand', async () => (await focused()) === 'Join again');
  });

  it('says that the microphone was not permitted, and lets the person listen all the same', async () => {
    await scene().phone({ toneHz: 440, fields: { displayName: 'Ann' } });
    const page = await open(await newToken(), {
      before: () => {
        navigator.mediaDevices.getUserMedia = () =>
          Promise.reject(new DOMException('Permission denied', 'NotAllowedError'));
      },
    });
    await press(page, 'Join');
    await page.getByRole('alert').getByText('does not let this page use the microphone').waitFor();
    await press(page, 'Listen only');
    await tile(page, 'Ann').and(page.locator('[data-speaking]')).waitFor();
    await press(page, 'Microphone on');
    await page.getByRole('alert').getByText('does not let this page use the microphone').waitFor();
    await press(page, 'Dismiss');
    expect(await page.getByRole('alert').count()).toBe(0);
    expect((await page.evaluate(() => told)).map(({ name, code }) => code ?? name)).toEqual([
      'microphone-denied',
      'joined',
      'microphone-denied',
    ]);
  });

  it('says in words why a token does not work, and why a session ended', async () => {
    const invalid = await open('aaaa.bbbb.cccc');
    await press(invalid, 'Join');
    await invalid.getByRole('alert').getByText('This invitation is not valid.').waitFor();
    const page = await joined();
    const [leg] = await scene().gateway.rest.legs();
    await scene().gateway.rest.done('DELETE', `/participants/${leg!.participantId}`);
    await page.getByRole('heading', { name: 'You were removed from the session.' }).waitFor();
    // No way back with an invitation that is worth nothing any more.
    for (const one of [invalid, page]) {
      await one.getByText('ask for a new').or(one.getByRole('alert')).first().waitFor();
      expect(await one.getByRole('button').count()).toBe(0);
    }
    await page.evaluate(
      (token) => {
        document.querySelector('landbridge-session')!.setAttribute('token', token);
      },
      await newToken(),
    );
    await press(page, 'Join');
    await tile(page, 'You').waitFor();
  });

  it('shows a name as text, whatever it looks like, and nothing sideways at 375 px', async () => {
    const displayName = '<img src=x onerror=alert(1)> with a rather long name';
    await scene().phone({ toneHz: 440, fields: { displayName } });
    const page = await joined({}, 375);
    await tile(page, displayName).waitFor();
    expect(await page.locator('img').count()).toBe(0);
    const fits = await page.evaluate(
      () => document.documentElement.scrollWidth <= document.documentElement.clientWidth,
    );
    expect(fits).toBe(true);
    await phoneHearsPage();
  });
});

/** What was said to screen readers last; the element keeps five. */
function announced(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelector('landbridge-session')!.shadowRoot!.querySelectorAll('[aria-live] p')]
      .map(({ textContent }) => textContent)
      .slice(-4),
  );
}

/** The last caller is heard by somebody: a fake microphone beeps. */
async function phoneHearsPage(): Promise<void> {
  const phone = await scene().phone();
  await waitFor('a beep', () => phone.call.heard.levelDbfs(200) > -40);
  await phoneHears(phone, 440);
}

async function waitForFrames(page: Page, name: string): Promise<void> {
  const video = tile(page, name).locator('video');
  await video.waitFor();
  await waitFor('frames', () =>
    video.evaluate((shown: HTMLVideoElement) => shown.getVideoPlaybackQuality().totalVideoFrames > 5),
  );
}
