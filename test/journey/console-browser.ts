// A browser at the console of a running suite.
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestSuite, testSuite } from '@rapport/test/kit';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'];
const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];
const WAIT_MS = 45_000;
const STORY_MS = 6 * 60_000;
const password = 'a demo password of the test';

function findBrowser(): string {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  const found = folders.flatMap((folder) => names.map((name) => path.join(folder, name))).find(existsSync);
  const chosen = process.env['RAPPORT_CHROMIUM'] ?? found;
  if (!chosen) throw new Error('no Chromium: install one, or name it in RAPPORT_CHROMIUM');
  return chosen;
}

export interface Visitor {
  page: Page;
  /** Goes to a page of the console by its address. */
  go(to: string): Promise<void>;
  /** Writes what is seen into a file of the run's folder. */
  shot(name: string): Promise<void>;
}

export interface Desk {
  origin: string;
  /** Opens a browser of its own for somebody, signed in by name and password; `undefined` is nobody. */
  visit(user: string | undefined, locale?: 'en-GB' | 'zh-CN'): Promise<Visitor>;
  signIn(page: Page, user: string): Promise<void>;
  /** Runs the command line at the suite; only with one of its own. */
  rapport(args: string[]): Promise<string>;
  /** What pages threw, and what the content security policy refused. */
  faults: string[];
  stop(): Promise<void>;
}

/**
 * Starts a suite with a small generated bank and a browser. With RAPPORT_JOURNEY_URL (and RAPPORT_DEMO_PASSWORD) it
 * works at a suite that runs already.
 */
export async function openDesk(name = 'console'): Promise<Desk> {
  const running = process.env['RAPPORT_JOURNEY_URL'];
  const secret = running ? (process.env['RAPPORT_DEMO_PASSWORD'] ?? '') : password;
  let suite: TestSuite | undefined;
  let origin = running ?? '';
  if (!running) {
    suite = await testSuite(name, { RAPPORT_DEMO_PASSWORD: password });
    const state = JSON.parse(readFileSync(path.join(suite.data, 'state.json'), 'utf8')) as {
      gateway: { http: string };
    };
    origin = state.gateway.http;
    await suite.rapport(['story', '--parties', '120', '--bank', 'demo', '--json'], STORY_MS);
  }
  const shots = mkdtempSync(path.join(tmpdir(), 'rapport-console-'));
  const browser: Browser = await chromium.launch({ executablePath: findBrowser(), args: [...flags, ...quiet] });
  const faults: string[] = [];
  const contexts: BrowserContext[] = [];

  async function signIn(page: Page, user: string): Promise<void> {
    await page.locator('input[name=username]').fill(user);
    await page.locator('input[name=password]').fill(secret);
    await page.locator('button[type=submit]').click();
    await page.locator('main h1').waitFor();
  }

  return {
    origin,
    faults,
    rapport: (args) => {
      if (!suite) throw new Error('only a suite of its own is changed from the command line');
      return suite.rapport(args, STORY_MS);
    },
    signIn,
    visit: async (user, locale = 'en-GB') => {
      const context = await browser.newContext({
        viewport: { width: 1440, height: 900 },
        locale,
        timezoneId: 'Europe/Prague',
      });
      context.setDefaultTimeout(WAIT_MS);
      contexts.push(context);
      const page = await context.newPage();
      page.on('pageerror', (error) => faults.push(`${user}: ${error.message}`));
      page.on('console', (message) => {
        if (/Content Security Policy/.test(message.text())) faults.push(`${user}: ${message.text()}`);
      });
      const go = async (to: string): Promise<void> => {
        await page.goto(`${origin}${to}`);
        await page.locator('main h1').waitFor();
      };
      if (user) {
        await page.goto(`${origin}/dashboard`);
        await signIn(page, user);
      } else await page.goto(origin);
      const shot = async (name: string): Promise<void> => {
        await page.screenshot({ path: path.join(shots, `${name}.png`), fullPage: true });
      };
      return { page, go, shot };
    },
    stop: async () => {
      for (const context of contexts) await context.close();
      await browser.close();
      await suite?.stop();
    },
  };
}

/** Chooses an option of the select with that label, on a page or in a part of it such as a dialog. */
export async function choose(place: Page | Locator, label: string | RegExp, option: string | RegExp): Promise<void> {
  const page = 'goto' in place ? place : place.page();
  const open = page.locator('.ant-select-dropdown:visible');
  const chosen = open.locator('.ant-select-item-option', { hasText: option }).first();
  await place.getByRole('combobox', { name: label }).first().click();
  await chosen.click();
  // It fades away; the next one must not be mistaken for it. A press while it still opens can be lost: once more then.
  await open.waitFor({ state: 'hidden', timeout: 5000 }).catch(() => chosen.click());
  await open.waitFor({ state: 'hidden' });
}

/** Presses a button and says yes to the question that it asks. */
export async function confirm(page: Page, button: string | RegExp, yes: string): Promise<void> {
  await page.locator('main').getByRole('button', { name: button, exact: true }).click();
  await page.locator('.ant-popconfirm:visible').getByRole('button', { name: yes }).click();
}

/** Waits until a text is seen in a place; a message that says the same beside it does no harm. */
export async function shows(place: Page | Locator, text: string | RegExp, how?: { exact: boolean }): Promise<void> {
  await place.getByText(text, how).first().waitFor();
}
