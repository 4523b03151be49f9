// What is done on the page of one customer.
import type { Locator, Page } from 'playwright-core';
import { choose, type Desk, shows } from './console-browser.js';

const JOURNEY_MS = 300_000;

/** The card with that heading. */
const part = (page: Page, title: string | RegExp): Locator =>
  page.locator('.ant-card', { has: page.getByRole('heading', { name: title, level: 2 }) });

const dialog = (page: Page): Locator => page.locator('.ant-modal:visible').last();

async function save(page: Page, button = 'Save'): Promise<void> {
  await dialog(page).getByRole('button', { name: button, exact: true }).click();
  await page.locator('.ant-modal:visible').waitFor({ state: 'hidden' });
}

async function sayYes(page: Page): Promise<void> {
  await page.locator('.ant-popconfirm:visible').getByRole('button', { name: 'Yes' }).click();
}

/** Opens a customer by the search; the id. */
async function openCustomer(page: Page, go: (to: string) => Promise<void>, words: string): Promise<string> {
  await go(`/parties?q=${encodeURIComponent(words)}`);
  await page.locator('tbody tr.ant-table-row a').first().click();
  await page.waitForURL((url) => /^\/parties\/[0-9a-f-]{36}$/.test(url.pathname));
  await part(page, 'Facts').waitFor();
  return new URL(page.url()).pathname.replace('/parties/', '');
}

/** Calls the gateway as who is signed in at the page. */
async function api<T>(page: Page, method: 'GET' | 'POST', path: string, body?: object): Promise<T> {
  const text = await page.evaluate(
    async ([verb, to, content]) => {
      const { csrf } = (await (await fetch('/api/session')).json()) as { csrf: string };
      const response = await fetch(`/api/v1/${to}`, {
        method: verb,
        headers: { 'content-type': 'application/json', 'x-rapport-csrf': csrf },
        ...(content ? { body: content } : {}),
      });
      if (!response.ok) throw new Error(`${to}: ${response.status} ${await response.text()}`);
      return response.text();
    },
    [method, path, body ? JSON.stringify(body) : ''] as const,
  );
  return JSON.parse(text) as T;
}

interface Party {
  name: string;
  etag: string;
}

/** The journeys of the page of one customer, at a desk that stands when they begin. */
export function customerJourneys(desk: () => Desk): void {
  it(
    'finds a customer by whatever is typed and shows and keeps the whole portrait',
    async () => {
      const { page, go, shot } = await desk().visit('carl.caller');
      const id = await openCustomer(page, go, '601 000 001');
      expect(await openCustomer(page, go, 'client/1')).toBe(id);
      for (const title of [
        /^Holdings \(/,
        'Spending',
        'Timeline',
        'Portrait',
        'Changes of behaviour',
        'Life events',
        'Financial goals',
        'Consents',
        'Preferences',
        'Household',
        'Relationships',
        'Relationship managers and branches',
        'Cases',
        'Segments',
        'Messages',
        /own data/,
      ]) {
        await part(page, title).waitFor();
      }
      await part(page, 'Spending').locator('[role=img] svg').waitFor();
      await part(page, 'Spending').getByTestId('category').first().waitFor();
      await shot('customer-whole');

      const tags = part(page, 'Portrait');
      await tags.getByRole('button', { name: 'Add a tag' }).click();
      await choose(dialog(page), 'Tag', 'Interested in investing');
      await save(page);
      const tag = tags.getByText('Interested in investing', { exact: true });
      await tag.click();
      const grounds = page.getByTestId('grounds').last();
      await shows(grounds, 'carl.caller');
      await grounds.getByRole('button', { name: 'Remove' }).click();
      await sayYes(page);
      await tag.waitFor({ state: 'hidden' });

      const life = part(page, 'Life events');
      await life.getByRole('button', { name: 'Record a life event' }).click();
      await choose(dialog(page), 'What', 'New job');
      await dialog(page).getByLabel('Day').fill('2026-03-01');
      await page.keyboard.press('Enter');
      await save(page);
      await shows(life.getByTestId('life-event'), 'New job');

      const goals = part(page, 'Financial goals');
      await goals.getByRole('button', { name: 'Add a goal' }).click();
      await choose(dialog(page), 'What for', 'Home');
      await dialog(page).getByLabel('Amount').fill('1 000 000,00');
      await save(page);
      await shows(goals.getByTestId('goal'), 'Saving');

      const preferences = part(page, 'Preferences');
      await preferences.getByRole('button', { name: 'Change the preferences' }).click();
      await choose(dialog(page), 'Preferred channel', 'Phone');
      await dialog(page).getByLabel('From').fill('09:00');
      await dialog(page).getByLabel('To', { exact: true }).fill('17:00');
      await save(page);
      await shows(preferences, 'every day 09:00–17:00');

      const timeline = page.getByRole('region', { name: 'Timeline' });
      await part(page, 'Timeline').getByRole('combobox', { name: 'What to show' }).click();
      await page.locator('.ant-select-item-option:visible', { hasText: 'Life events' }).click();
      await shows(timeline, 'New job · Reported');
      await timeline.locator('li', { hasNotText: 'Life events' }).first().waitFor({ state: 'hidden' });
    },
    JOURNEY_MS,
  );

  it(
    'asks the customer service once for the whole page, and keeps what the customer does and earns',
    async () => {
      const { page, go, shot } = await desk().visit('bella.branch');
      await go('/parties');
      await page.locator('tbody tr.ant-table-row a').first().click();
      const facts = part(page, 'Facts');
      await facts.waitFor();
      const { pathname } = new URL(page.url());
      const asked: string[] = [];
      page.on('request', (request) => {
        const path = new URL(request.url()).pathname;
        // Memberships and groups are of the segmentation service.
        if (/^\/api\/v1\/(parties|dataSubjectRequests|households)/.test(path) && !/\/(memberships|groups)$/.test(path))
          asked.push(path);
      });
      await go(pathname);
      for (const title of ['Facts', 'Spending', 'Timeline', 'Sources', 'Merges', 'Household', /own data/]) {
        await part(page, title).waitFor();
      }
      await page.waitForLoadState('networkidle');
      expect(asked).toEqual([`/api/v1${pathname}:view`]);

      await facts.getByRole('button', { name: 'Occupation and income', exact: true }).click();
      await choose(dialog(page), 'Occupation', '2 professionals');
      const exactly = dialog(page).getByLabel('Exactly (ISCO-08)');
      await exactly.fill('3311');
      await shows(dialog(page), 'No code of this group');
      await exactly.fill('22.12');
      await choose(dialog(page), 'Industry of the employer', 'K finance and insurance');
      await dialog(page).getByLabel('Exactly (ISIC Rev. 4)').fill('64.19');
      await choose(dialog(page), 'Education', 'Doctoral');
      await dialog(page).getByLabel('Income in a year, before tax').fill('1 234 567,50');
      await dialog(page).getByLabel('Currency').fill('EUR');
      await shot('livelihood');
      await save(page);
      await shows(facts, '2 professionals · 2212');
      await shows(facts, 'K finance and insurance · K6419');
      await shows(facts, 'Doctoral (ISCED 8)');
      await shows(facts, /1,234,567\.50/);
    },
    JOURNEY_MS,
  );

  it(
    'keeps a ledger of consents, with their ends',
    async () => {
      const { page, go, shot } = await desk().visit('carl.caller');
      await openCustomer(page, go, 'client.5@demo.example.com');
      const consents = part(page, 'Consents');
      await consents.getByRole('button', { name: 'Record a consent' }).click();
      await choose(dialog(page), 'Channel', 'Phone');
      await dialog(page).getByLabel('Version of the text').fill('2026-1');
      await dialog(page).getByLabel('Proof').fill('recorded call');
      await dialog(page).getByLabel('Until').fill('2099-12-31');
      await page.keyboard.press('Enter');
      await save(page);
      const phone = consents.locator('tbody tr', { hasText: 'Phone' });
      await shows(phone, /Until 31 Dec 2099/);
      await phone.getByRole('button', { name: 'Withdraw' }).click();
      await sayYes(page);
      await shows(phone, 'Withdrawn');
      await consents.getByRole('button', { name: 'History' }).click();
      const history = page.locator('.ant-drawer').locator('tbody tr.ant-table-row', { hasText: 'Phone' });
      await history.filter({ hasText: 'Withdrawn' }).waitFor();
      await history.filter({ hasText: 'recorded call' }).filter({ hasText: 'Granted' }).waitFor();
      await shot('consent-history');
    },
    JOURNEY_MS,
  );

  it(
    'masks what somebody may not see, and reveals a field for a reason that the auditor finds',
    async () => {
      const { page, go, shot } = await desk().visit('petra.privacy');
      await go('/parties');
      await page.locator('tbody tr.ant-table-row a').first().click();
      const facts = part(page, 'Facts');
      await facts.waitFor();
      const id = new URL(page.url()).pathname.replace('/parties/', '');
      expect(await facts.getByLabel('masked').count()).toBeGreaterThan(4);
      await facts.getByRole('button', { name: 'Reveal: Family name' }).click();
      await choose(dialog(page), 'Reason', 'To check who is calling');
      await save(page, 'Reveal');
      await facts.getByRole('button', { name: 'Reveal: Family name' }).waitFor({ state: 'hidden' });
      await shot('revealed');

      const auditor = await desk().visit('otto.auditor');
      const { auditRecords } = await api<{ auditRecords: { fields: string[]; reason: string; actor: string }[] }>(
        auditor.page,
        'GET',
        `parties/${id}/auditRecords`,
      );
      expect(auditRecords).toContainEqual(
        expect.objectContaining({
          actor: 'staff/petra.privacy',
          fields: ['person.family_name'],
          reason: 'IDENTITY_CHECK',
        }),
      );
    },
    JOURNEY_MS,
  );

  it(
    'shows where fields come from, and takes a merge back and that back too',
    async () => {
      const { page, go, shot } = await desk().visit('stella.steward');
      const merged = await openCustomer(page, go, 'client.7@demo.example.com');
      const survivor = await openCustomer(page, go, 'client.6@demo.example.com');
      // A run that was broken off has left them merged.
      const etag = async (id: string) => (await api<{ party: Party }>(page, 'GET', `parties/${id}`)).party.etag;
      const etags = merged === survivor ? [] : [await etag(survivor), await etag(merged)];
      if (etags.length > 0) {
        await api(page, 'POST', `parties/${survivor}:merge`, {
          merged: `parties/${merged}`,
          survivorEtag: etags[0],
          mergedEtag: etags[1],
          reason: 'one person',
          identifiersMayDiffer: true,
          requestId: crypto.randomUUID(),
        });
      }
      // The merged name leads to the golden record, with both sources.
      await go(`/parties/${merged}`);
      await shows(part(page, 'Sources'), 'client/6');
      await shows(part(page, 'Sources'), 'client/7');
      const where = page.getByRole('button', { name: 'Where it comes from: Given name' });
      await where.click();
      await shows(page.getByTestId('origin'), 'demo');
      await shot('provenance');
      await page.keyboard.press('Escape');

      const merges = part(page, 'Merges');
      await merges.getByRole('button', { name: 'Unmerge' }).click();
      await dialog(page).getByLabel('Reason').fill('two people after all');
      await save(page, 'Unmerge');
      const undo = page.locator('.ant-notification').getByRole('button', { name: 'Undo' });
      await undo.waitFor();
      await shot('unmerged');
      await undo.click();
      await shows(page, 'They are one customer again.');
      await go(`/parties/${survivor}`);
      await part(page, 'Merges').getByTestId('merge').nth(1).waitFor();
      await part(page, 'Merges').getByRole('button', { name: 'Unmerge' }).click();
      await dialog(page).getByLabel('Reason').fill('two people after all');
      await save(page, 'Unmerge');
      await part(page, 'Sources').getByText('client/7').waitFor({ state: 'hidden' });
    },
    JOURNEY_MS,
  );

  it(
    "takes a request about the customer's own data",
    async () => {
      const { page, go, shot } = await desk().visit('carl.caller');
      const id = await openCustomer(page, go, 'client.8@demo.example.com');
      const requests = part(page, /own data/);
      const request = requests.getByTestId('subject-request');
      const none = requests.getByText('The customer has made no such request.');
      await none.or(request).first().waitFor();
      // One request for a right is open at a time: at a suite that runs on, that of the last run still is.
      if (await none.isVisible()) {
        await requests.getByRole('button', { name: 'Take a request' }).click();
        await choose(dialog(page), 'What is asked', 'Access to the data');
        await dialog(page).getByRole('button', { name: 'Save' }).click();
        await page.waitForURL((url) => url.pathname.startsWith('/requests/'));
        await go(`/parties/${id}`);
      }
      await shows(request, 'Access to the data');
      await shows(request, 'Received');
      await shot('subject-request');
    },
    JOURNEY_MS,
  );
}
