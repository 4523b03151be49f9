import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { choose, confirm, type Desk, openDesk, shows } from './console-browser.js';

const LIMIT_MS = 10 * 60_000;
const JOURNEY_MS = 180_000;

// Two pairs that are likely one person each, more or less so; line 6 was born on a day that never was; line 7 has nothing
// at the bank.
const people = `id;first;last;born;mail;phone
1;Drahomíra;Zvoníčková;13.12.1970;d.zvonickova@example.com;+420601234567
2;Drahomíra;Zvonickova;18.12.1970;lilka70@example.org;
5;Kazimír;Zvonařík;2.3.1964;kazimir@example.com;+420602345678
6;Kazimír;Zvonarik;2.3.1964;zima64@example.org;+420777888999
3;Evžen;Malý;31.2.1980;evzen@example.com;
4;Kvido;Sedmikráska;1.5.1985;kvido@example.com;
`;
const mapping = `rows: party
separator: ";"
date: d.M.yyyy
fields:
  source_key: { column: id, prefix: "client/" }
  person.given_name: first
  person.family_name: last
  person.birth_date: born
  email: mail
  phone: phone
`;

/** The id of the customer with that e-mail address. */
async function find(page: Page, go: (to: string) => Promise<void>, email: string): Promise<string> {
  await go(`/parties?by=email&q=${email}`);
  const link = page.locator('tbody tr.ant-table-row a').first();
  await link.waitFor();
  return ((await link.getAttribute('href')) ?? '').replace('/parties/', '');
}

async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

describe('records in the console', () => {
  let desk: Desk;

  beforeAll(async () => {
    desk = await openDesk('records');
    const folder = mkdtempSync(path.join(tmpdir(), 'rapport-records-'));
    writeFileSync(path.join(folder, 'people.csv'), people);
    writeFileSync(path.join(folder, 'people.yaml'), mapping);
    const from = ['--mapping', path.join(folder, 'people.yaml'), '--source', 'core', '--path', '/demo'];
    await desk.rapport(['import', 'csv', path.join(folder, 'people.csv'), ...from]);
  }, LIMIT_MS);

  afterAll(async () => {
    await desk?.stop();
  }, 120_000);

  it(
    'lets a steward merge two records by keyboard and take it back',
    async () => {
      const { page, go, shot } = await desk.visit('stella.steward');
      await go('/matches');
      const queue = page.locator('tr[data-row-key^="matchCandidates/"]');
      const planted = queue.filter({ hasText: /zvon/i }).first();
      // They are compared within seconds after they came in.
      for (let tries = 0; tries < 10 && (await planted.count()) === 0; tries += 1) {
        await page.waitForTimeout(3000);
        await page.reload();
        await page.locator('tbody').first().waitFor();
        await page.waitForLoadState('networkidle');
      }
      const name = (await planted.locator('a').first().textContent()) ?? '';
      const pair = queue.filter({ hasText: name });
      await pair.click({ position: { x: 5, y: 5 } });
      await shows(page.getByTestId('candidate'), 'differs', { exact: true });
      await page.getByTestId('weight').waitFor();
      // What the two would be as one, with the source that each value would come from.
      await shows(page.getByTestId('merge-preview'), 'Family name');
      await shot('match');
      await page.keyboard.press('s');
      await shows(page, 'The decision is kept.');
      await pair.waitFor({ state: 'detached' });
      expect(await pair.count()).toBe(0);
      await page.keyboard.press('u');
      await pair.waitFor();
    },
    JOURNEY_MS,
  );

  it(
    'shows an import with what it refused, as CSV too, and what is wrong by source',
    async () => {
      const { page, go, shot } = await desk.visit('stella.steward');
      await go('/imports');
      await page.getByRole('link', { name: 'people.csv' }).click();
      await page.getByRole('cell', { name: '31.2.1980' }).waitFor();
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Save all as CSV' }).click(),
      ]);
      expect(download.suggestedFilename()).toBe('people.csv.rejects.csv');
      expect(await textOf(await download.createReadStream())).toContain('31.2.1980');
      await shot('import');
      await go('/quality');
      const core = page.locator('.ant-card', { has: page.getByRole('heading', { name: 'core' }) });
      await shows(core, 'Identifier missing');
      await shot('quality');

      const alma = await desk.visit('alma.admin');
      await alma.go('/sources');
      await alma.page.getByText('中文').click();
      const row = alma.page.locator('tbody tr.ant-table-row', { hasText: 'core' });
      await row.getByRole('button', { name: '修改' }).click();
      await choose(alma.page, '类型', '核心系统');
      await alma.page.getByLabel('优先级').fill('900');
      await alma.page.locator('.ant-modal').getByRole('button', { name: '保存' }).click();
      await row.getByRole('cell', { name: '900', exact: true }).waitFor();
      await alma.shot('sources');
    },
    JOURNEY_MS,
  );

  it(
    'carries a request of a data subject from the counter to the answer, and says who looked',
    async () => {
      const carl = await desk.visit('carl.caller');
      const id = await find(carl.page, carl.go, 'client.3@demo.example.com');
      await carl.go(`/requests?party=parties/${id}`);
      await carl.page.getByRole('button', { name: 'Take a request' }).click();
      await choose(carl.page, 'What is asked', 'Access to the data');
      await carl.page.locator('.ant-modal').getByRole('button', { name: 'Save' }).click();
      await carl.page.waitForURL((url) => url.pathname.startsWith('/requests/'));
      expect(await carl.page.getByRole('button', { name: 'Accept' }).count()).toBe(0);

      const { page, go, shot } = await desk.visit('petra.privacy');
      await go(new URL(carl.page.url()).pathname);
      await shows(page, /days left/);
      await page.getByRole('button', { name: 'Extend by two months' }).click();
      await choose(page, 'Reason', 'The request is complex');
      await page.locator('.ant-modal').getByRole('button', { name: 'Extend by two months' }).click();
      await shows(page, 'Extended', { exact: true });
      await page.getByRole('button', { name: 'Accept' }).click();
      await choose(page, 'How the person was identified', 'Identity document');
      await page.locator('.ant-modal').getByRole('button', { name: 'Accept' }).click();
      await shows(page.locator('h1'), 'Being carried out');
      await page.getByRole('button', { name: 'Gather' }).click();
      await page.getByRole('cell', { name: 'customer-party.csv' }).waitFor();
      await confirm(page, 'It was carried out', 'Yes');
      await shows(page.locator('h1'), 'Carried out', { exact: true });
      await shot('request');

      await go(`/parties/${id}/privacy`);
      await page
        .getByText(/^CreateDataSubjectRequest/)
        .first()
        .waitFor();
      await shows(page, 'carl.caller');
      await shot('looked');
    },
    JOURNEY_MS,
  );

  it(
    'erases a person in every service once no legal hold stands against it',
    async () => {
      const carl = await desk.visit('carl.caller');
      const id = await find(carl.page, carl.go, 'kvido@example.com');
      const { page, go, shot } = await desk.visit('petra.privacy');
      await go(`/parties/${id}/privacy`);
      await page.getByRole('button', { name: 'Place a legal hold' }).click();
      await choose(page, 'Reason', 'Lawsuit');
      await page.getByLabel('Until').fill('2099-12-31');
      await page.keyboard.press('Enter');
      await shows(page, 'In force', { exact: true });
      expect(await page.getByRole('button', { name: 'Release' }).count()).toBe(1);

      await page.getByRole('button', { name: 'Take a request' }).click();
      await choose(page, 'What is asked', 'Erasure');
      await choose(page, 'How the person was identified', 'Known in person');
      await page.locator('.ant-modal').getByRole('button', { name: 'Save' }).click();
      await page.waitForURL((url) => url.pathname.startsWith('/requests/'));
      const request = new URL(page.url()).pathname;
      await page.getByRole('button', { name: 'Accept' }).click();
      await page.locator('.ant-modal').getByRole('button', { name: 'Accept' }).click();
      await page.locator('.ant-notification-notice').first().waitFor();

      await go(`/parties/${id}/privacy`);
      await confirm(page, 'Release', 'Yes');
      await shows(page, 'Over', { exact: true });
      await go(request);
      await page.getByRole('button', { name: 'Accept' }).click();
      await page.locator('.ant-modal').getByRole('button', { name: 'Accept' }).click();
      await page.locator('h1').getByText('Carried out', { exact: true }).waitFor({ timeout: 90_000 });
      for (const service of ['customer', 'segmentation', 'marketing', 'cases', 'performance', 'reporting']) {
        await page.getByRole('cell', { name: service, exact: true }).waitFor();
      }
      await shot('erasure');
      await carl.go('/parties?by=email&q=kvido@example.com');
      await shows(carl.page, 'Nobody found.');
    },
    JOURNEY_MS,
  );

  it('broke on no page, and nothing was against the content security policy', () => {
    expect(desk.faults).toEqual([]);
  });
});
