/** The console as a new user finds it, against the whole gateway, at a desk's and at a phone's width. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.js';
import { TestGateway } from '../support/start-gateway.js';

const sizes = { desktop: { width: 1280, height: 800 }, phone: { width: 375, height: 812 } };

let browser: Browser;
let gateway: TestGateway;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  [browser, gateway] = await Promise.all([launchChromium(), TestGateway.start()]);
});
afterAll(async () => {
  await browser.close();
  await gateway.stop();
});

beforeEach(async () => {
  page = await open();
});
afterEach(async () => {
  await page.context().close();
  // A closed context says no goodbyes.
  for (const { id } of await gateway.rest.legs()) await gateway.rest.request('DELETE', `/legs/${id}`);
  await gateway.idle();
});

describe('the console', () => {
  it('says what is wrong with a sign-in, and keeps a good one for the tab', async () => {
    await fillIn('not the password');
    await page.getByText('The user name or the password is wrong.').waitFor();
    complaints.length = 0; // Chromium reports the 401 itself.
    await signIn();
    await page.reload();
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(complaints).toEqual([]);
  });

  it('brings a caller by phone into a session that the browser is in, and hangs up from either side', async () => {
    await signIn();
    await page.getByRole('button', { name: 'Start a session and join' }).click();
    await page.getByText('You hear nobody yet.').waitFor();
    await callIn();
    await row('Phone caller').getByText('Phone, audio only').waitFor();

    await row('Phone caller').getByRole('button', { name: 'Hang up as the caller' }).click();
    await row('Phone caller').getByText('Not connected').waitFor();
    await page.getByText('Phone caller hung up').waitFor();

    // The same participant is called for again, not another one.
    await callIn();
    expect(await page.locator('.person').count()).toBe(2);
    await row('Phone caller').getByLabel('More for Phone caller').click();
    await row('Phone caller').getByText('End the call from the gateway’s side').click();
    await row('Phone caller').getByText('Not connected').waitFor();
    await page.getByText('Phone caller was hung up by the application').waitFor();
    expect(complaints).toEqual([]);
  });

  it('changes who hears whom by a click, and says in words which rule is in force', async () => {
    await signIn();
    await page.getByRole('button', { name: 'Start a session and join' }).click();
    await callIn();
    const cell = page.getByRole('checkbox', { name: 'Console hears Phone caller' });
    const rule = page.getByRole('combobox', { name: 'Whom Console hears' });
    expect(await rule.inputValue()).toBe('session');
    await cell.click();
    await page.locator('.tile.phone').waitFor({ state: 'detached' });
    expect(await rule.inputValue()).toBe('nobody');
    await cell.click();
    await page.locator('.tile.phone[data-speaking]').waitFor();
    expect(await rule.inputValue()).toBe('list');
    await rule.selectOption('session');
    await page.getByText('Console now hears the whole session').waitFor();
  });

  it('holds a caller that is removed from the session, and brings it back', async () => {
    await signIn();
    await page.getByRole('button', { name: 'Start a session and join' }).click();
    await callIn();
    await row('Phone caller').getByLabel('More for Phone caller').click();
    await row('Phone caller').getByText('Remove from the session').click();
    await page.getByRole('heading', { name: 'Without a session' }).waitFor();
    await page.getByText('Phones that are connected hear the hold sound, and nobody else.').waitFor();
    await page.locator('.tile.phone').waitFor({ state: 'detached' });
    await row('Phone caller').getByRole('button', { name: 'Add to this session' }).click();
    await page.locator('.tile.phone[data-speaking]').waitFor();
  });

  it('mutes a caller for everybody, and says who calls and how well it is received', async () => {
    await signIn();
    await page.getByRole('button', { name: 'Start a session and join' }).click();
    await callIn();
    const caller = row('Phone caller');
    await caller.getByText(/% lost, jitter \d+ ms/).waitFor();
    await caller.getByRole('button', { name: 'Mute Phone caller’s microphone' }).click();
    const tile = page.locator('.tile.phone');
    await tile.getByText('Muted').waitFor();
    await page.getByText('Phone caller’s microphone was muted').waitFor();
    await tile.locator('.meter').waitFor({ state: 'detached' });
    expect(await page.getByText('You hear nobody yet.').count()).toBe(0);
    await caller.getByRole('button', { name: 'Unmute Phone caller’s microphone' }).click();
    await page.locator('.tile.phone[data-speaking]').waitFor();
    expect(await tile.getByText('Muted').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('shows a new participant’s token and join code once', async () => {
    await signIn();
    await createSession('Desk');
    await page.getByRole('button', { name: 'Add participant' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('<img src=x onerror=alert(1)>');
    await dialog.getByRole('button', { name: 'Add participant' }).click();
    await dialog.getByText(/^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$/).waitFor();
    await dialog.getByText(new RegExp(`^sip:[0-9A-Z]{12}@127\\.0\\.0\\.1:${gateway.sipPort}$`)).waitFor();
    await dialog.getByRole('button', { name: 'Done' }).click();
    // Names are text, whatever they look like.
    await row('<img src=x onerror=alert(1)>').getByText('Not connected').waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('still shows the way out when the session it is in is deleted elsewhere', async () => {
    await signIn();
    await page.getByRole('button', { name: 'Start a session and join' }).click();
    await page.getByText('You hear nobody yet.').waitFor();
    const other = await open();
    await signIn(other);
    await other.goto(page.url());
    await other.getByRole('button', { name: 'Delete session' }).click();
    await other.getByRole('dialog').getByRole('button', { name: 'Delete session' }).click();
    await page.getByText('This session no longer exists').waitFor();
    await page
      .getByRole('region', { name: 'Your connection' })
      .getByRole('button', { name: 'Leave' })
      .click();
    await gateway.idle();
    await other.context().close();
  });

  it('frees its slot when the page goes away', async () => {
    await signIn();
    await page.getByRole('button', { name: 'Start a session and join' }).click();
    await page.getByText('You hear nobody yet.').waitFor();
    await page.goto('about:blank');
    await gateway.idle(2000);
  });

  it.each(Object.entries(sizes))('never scrolls sideways at the width of a %s', async (_name, size) => {
    await page.setViewportSize(size);
    const fits = (): Promise<boolean> =>
      page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);
    expect(await fits()).toBe(true);
    await signIn();
    expect(await fits()).toBe(true);
    await createSession('A session with a name that is as long as it may b');
    await callIn();
    await row('Phone caller').getByText('Phone, audio only').waitFor();
    expect(await fits()).toBe(true);
    await row('Phone caller').getByRole('button', { name: 'Hang up as the caller' }).click();
  });
});

async function open(): Promise<Page> {
  const context = await browser.newContext({
    viewport: sizes.desktop,
    permissions: ['microphone', 'camera'],
  });
  const opened = await context.newPage();
  complaints = [];
  opened.on('pageerror', (error) => complaints.push(error.message));
  opened.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await opened.goto(gateway.origin);
  return opened;
}

/** What the operator of this gateway types in. */
function credentials(): { account: string; username: string; password: string } {
  const { base, headers } = gateway.rest;
  const basic = Buffer.from(headers['authorization']?.slice('Basic '.length) ?? '', 'base64').toString();
  const [username = '', password = ''] = basic.split(':');
  return { account: base.slice(base.lastIndexOf('/') + 1), username, password };
}

async function fillIn(password: string, where = page): Promise<void> {
  const { account, username } = credentials();
  await where.getByLabel('Account').fill(account);
  await where.getByLabel('User name').fill(username);
  await where.getByLabel('Password').fill(password);
  await where.getByRole('button', { name: 'Sign in' }).click();
}

async function signIn(where = page): Promise<void> {
  await fillIn(credentials().password, where);
  await where.getByText('Live', { exact: true }).waitFor();
}

async function createSession(name: string): Promise<void> {
  await page.getByLabel('Name of the new session').fill(name);
  await page.getByRole('button', { name: 'Create session' }).click();
  await page.getByRole('heading', { name, level: 1 }).waitFor();
}

/** Calls in, and hears the caller where the browser is in the session. */
async function callIn(): Promise<void> {
  await page.getByRole('button', { name: /^Call in as a phone/ }).click();
  await row('Phone caller').getByText('Phone, audio only').waitFor();
  if ((await page.locator('.stage').count()) > 0) await page.locator('.tile.phone[data-speaking]').waitFor();
}

function row(name: string) {
  return page.locator('.person').filter({ has: page.locator('strong', { hasText: name }) });
}
