/** What the console says of a gateway that takes no new calls, is away, and is back. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { placeCall, type PhoneCall } from '../../src/softphone/phone-call.js';
import { launchChromium } from '../support/chromium.js';
import { TestGateway } from '../support/start-gateway.js';

let browser: Browser;
let gateway: TestGateway;
let page: Page;
let call: PhoneCall | undefined;

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

beforeEach(async () => {
  gateway = await TestGateway.start({ environment: { LANDBRIDGE_DRAIN_SECONDS: '60' } });
  page = await browser.newPage();
});
afterEach(async () => {
  await page.close();
  await call?.close();
  call = undefined;
  await gateway.stop();
});

it('says that the gateway takes no new calls while others go on, that it is away, and that it is back', async () => {
  const sessionId = await gateway.rest.createSession();
  const { token } = await gateway.rest.newcomer(sessionId);
  call = await placeCall({
    uri: `sip:join@127.0.0.1:${gateway.sipPort}`,
    token,
    source: { kind: 'silence' },
    lingerMs: 1000,
  });
  await call.answered;
  await signIn();
  const badge = page.locator('.top-bar [role=status]');
  await expect.poll(() => badge.textContent()).toBe('Live');

  gateway.signal('SIGTERM');
  await badge.getByText('Takes no new calls; those in progress go on').waitFor();
  // Who opens the page now is told so, too.
  await page.reload();
  await badge.getByText('Takes no new calls; those in progress go on').waitFor();

  await call.hangUp();
  expect(await gateway.exited).toBe(0);
  await badge.getByText('The gateway is away, trying again…').waitFor();

  const before = gateway;
  gateway = await before.restart({ LANDBRIDGE_HTTP_PORT: String(before.httpPort) });
  await expect.poll(() => badge.textContent(), { timeout: 30_000 }).toBe('Live');
});

it('says why calls are not taken, and nothing of it where a proxy keeps that to itself', async () => {
  await page.route('**/ready', (route) =>
    route.fulfill({
      status: 503,
      json: { ready: false, reasons: [{ check: 'media', reason: 'no media worker takes calls' }] },
    }),
  );
  await signIn();
  const badge = page.locator('.top-bar [role=status]');
  await badge.getByText('Takes no calls: no media worker takes calls').waitFor();
  await page.unroute('**/ready');
  await page.route('**/ready', (route) => route.fulfill({ status: 404, body: 'no such page' }));
  await expect.poll(() => badge.textContent(), { timeout: 10_000 }).toBe('Live');
});

async function signIn(): Promise<void> {
  const { base, headers } = gateway.rest;
  const basic = Buffer.from(headers['authorization']?.slice('Basic '.length) ?? '', 'base64').toString();
  const [username = '', password = ''] = basic.split(':');
  await page.goto(gateway.origin);
  await page.getByLabel('Account').fill(base.slice(base.lastIndexOf('/') + 1));
  await page.getByLabel('User name').fill(username);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}
