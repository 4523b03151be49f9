// Lists of customers: files through the command line and in the console, to the segment that asks for one.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { confirm, type Desk, openDesk, shows } from './console-browser.js';

const LIMIT_MS = 10 * 60_000;
const JOURNEY_MS = 5 * 60_000;
const folder = mkdtempSync(path.join(tmpdir(), 'rapport-lists-'));

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk('lists');
}, LIMIT_MS);
afterAll(() => desk?.stop(), 120_000);

function file(name: string, rows: string[]): string {
  const at = path.join(folder, name);
  writeFileSync(at, rows.map((row) => `${row}\n`).join(''));
  return at;
}
async function asked<T>(args: string[]): Promise<T> {
  return JSON.parse(await desk.rapport([...args, '--json'])) as T;
}
/** How many parties a rule takes, once it takes so many. */
async function counted(rule: string, wanted: number): Promise<number> {
  for (let tries = 0; ; tries += 1) {
    const { count } = await asked<{ count: number }>(['segment', 'preview', '--rule', rule, '--bank', 'demo']);
    if (Number(count) === wanted || tries === 60) return Number(count);
    await sleep(500);
  }
}
/** The customers on a list, as the command line shows them. */
const entries = (list: string, more: string[] = []) =>
  asked<{ party: string; note?: string; untilDate?: object }[]>(['list', 'entries', list, ...more]);

test(
  'a file goes onto a list by source keys, its rejects into another, and rules ask for it; a replacement is seen first',
  async () => {
    await asked(['list', 'create', 'vip', '--path', '/demo']);
    const vip = file('vip.csv', [
      'party,source_key,until,note',
      'demo:client/1,,,met in Brno',
      ',client/2,2099-12-31,',
      ',,,',
      'Jana Nová,,,',
      'demo:client/3,,31.12.2099,',
      'a,b,c',
      ',client/999999,,',
      ',client/1,,again',
    ]);
    const send = ['list', 'send', vip, '--list', 'vip', '--source', 'demo'];
    const rejects = path.join(folder, 'rejects.csv');
    const first = await asked<{ upload: string }>([...send, '--rejects', rejects]);
    expect(first).toMatchObject({
      ...{ list: 'staticLists/vip', state: 'applied', version: 1, rows: 7 },
      ...{ added: 2, updated: 0, unchanged: 0, removed: 0, rejected: 5 },
    });
    expect(readFileSync(rejects, 'utf8').trim().split('\r\n')).toEqual([
      'file,line,field,reason,original_value',
      'vip.csv,5,party,NAME_INVALID,Jana Nová',
      'vip.csv,6,until,DATE_INVALID,31.12.2099',
      'vip.csv,7,,LINE_UNREADABLE,COLUMN_COUNT: a b c',
      'vip.csv,8,source_key,PARTY_UNKNOWN,client/999999',
      'vip.csv,9,source_key,DUPLICATE,client/1',
    ]);
    expect(await asked(send)).toMatchObject({ version: 2, added: 0, unchanged: 2, rejected: 5 });
    const there = await entries('vip');
    expect(there.map(({ note = '' }) => note).sort()).toEqual(['', 'met in Brno']);
    expect(there.filter(({ untilDate }) => untilDate)).toMatchObject([
      { untilDate: { year: 2099, month: 12, day: 31 } },
    ]);
    expect(await counted('list.has("vip")', 2)).toBe(2);

    // A name is a party too, and what a replacement takes off is seen before it is.
    const [one] = there;
    const exact = file('exact.csv', ['party', one?.party ?? '', 'demo:client/4']);
    const checked = await asked<{ upload: string }>(['list', 'send', exact, '--list', 'vip', '--mode', 'replace']);
    expect(checked).toMatchObject({ state: 'checked', version: 0, added: 1, unchanged: 1, removed: 1 });
    expect(await entries('vip')).toHaveLength(2);
    const applied = await asked<object>(['list', 'apply', checked.upload]);
    expect(applied).toMatchObject({ state: 'LIST_UPLOAD_STATE_APPLIED', version: 3 });
    expect((await entries('vip')).map(({ party }) => party)).toContain(one?.party);
    const off = file('off.csv', ['source_key', 'client/4']);
    expect(await asked(['list', 'remove', off, '--list', 'vip'])).toMatchObject({ state: 'applied', removed: 1 });
    expect(await counted('list.has("vip")', 1)).toBe(1);

    const shown = await asked<{ entries: string; uploads: { version?: number }[] }>(['list', 'show', 'vip']);
    expect(shown.entries).toBe('1');
    expect(shown.uploads.map(({ version }) => version)).toEqual([4, 3, 2, 1]);
    expect(await asked(['list', 'rejects', first.upload])).toHaveLength(5);
    const odd = file('odd.csv', ['name', 'Jana']);
    await expect(desk.rapport(['list', 'send', odd, '--list', 'vip'])).rejects.toThrow(/needs a column "party"/);
    await expect(desk.rapport(['list', 'entries', 'none'])).rejects.toThrow(/LIST_NOT_FOUND/);
    await asked(['list', 'retire', 'vip']);
    await expect(desk.rapport(send)).rejects.toThrow(/LIST_RETIRED/);
  },
  JOURNEY_MS,
);

test(
  'in the console a list is made and filled; once a segment asks for it, another person approves each file',
  async () => {
    const mei = await desk.visit('mei.marketer');
    const { page } = mei;
    await page.getByText('English').first().click();
    await mei.go('/segmentation/lists');
    await page.getByRole('button', { name: 'New list' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Title').fill('Guests of the gala');
    await dialog.getByLabel('Short name', { exact: true }).fill('gala');
    await dialog.getByRole('button', { name: 'Make the list' }).click();
    await page.waitForURL((url) => url.pathname === '/segmentation/lists/gala');
    await shows(page, 'Nobody stands on it.', { exact: true });

    const upload = async (name: string, rows: string[]): Promise<void> => {
      await page.getByRole('button', { name: 'Send a file', exact: true }).click();
      await page.locator('.ant-modal:visible input[type=file]').setInputFiles(file(name, rows));
      await page.getByRole('combobox', { name: 'It holds' }).waitFor();
    };
    const cell = (text: string) => page.getByTestId('list-rejects').getByRole('cell', { name: text, exact: true });
    const number = (title: string) =>
      page
        .getByTestId('list-difference')
        .locator('.ant-statistic', { has: page.getByText(title, { exact: true }) })
        .locator('.ant-statistic-content-value');

    await upload('gala.csv', [
      'source_key;until;note',
      'client/1;;table 3',
      'client/2;2099-12-31;',
      'client/3;soon;',
      '"=cmd";;',
    ]);
    await page.locator('.ant-modal:visible').getByRole('cell', { name: 'client/1', exact: true }).waitFor();
    await page.getByRole('textbox', { name: 'Source', exact: true }).fill('demo');
    await mei.shot('list-columns');
    await page.locator('.ant-modal:visible').getByRole('button', { name: 'Send', exact: true }).click();
    await page.waitForURL((url) => url.pathname.startsWith('/segmentation/lists/gala/uploads/'));
    await shows(page.locator('h1'), 'Checked', { exact: true });
    await number('Come onto it').filter({ hasText: /^2$/ }).waitFor();
    await cell('No such day').waitFor();
    await cell('No such customer, or out of reach').waitFor();
    await mei.shot('list-upload');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByTestId('list-rejects').getByRole('link', { name: 'All as CSV' }).click(),
    ]);
    const csv = readFileSync(await download.path(), 'utf8');
    expect(csv.split('\r\n').slice(1, 3)).toEqual([
      'gala.csv,4,until,DATE_INVALID,soon',
      "gala.csv,5,source_key,PARTY_UNKNOWN,'=cmd",
    ]);
    await confirm(page, 'Change the list', 'Yes');
    await shows(page.locator('h1'), 'Applied', { exact: true });
    await mei.go('/segmentation/lists/gala');
    await page.getByTestId('list-size').filter({ hasText: /^2$/ }).waitFor();
    await page.getByRole('cell', { name: 'table 3', exact: true }).waitFor();
    await mei.shot('list');
    await page.getByText('中文').first().click();
    await page.getByRole('tab', { name: '文件与版本' }).click();
    await page.getByRole('cell', { name: '已生效', exact: true }).waitFor();
    await page.getByText('English').first().click();

    // From now on a segment asks for it.
    const rule = 'list.has("gala")';
    await asked(['segment', 'create', 'on-gala', '--title', 'On gala', '--path', '/demo', '--rule', rule]);
    const adam = await desk.visit('adam.approver');
    await adam.page.getByText('English').first().click();
    await adam.go('/segments/on-gala');
    await confirm(adam.page, 'Approve', 'Yes');
    await shows(adam.page.locator('h1'), 'Approved', { exact: true });
    await mei.go('/segments/on-gala');
    await confirm(page, 'Publish', 'Yes');
    await shows(page.locator('h1'), 'Published', { exact: true });
    await mei.go('/segmentation/lists/gala');
    await page.getByRole('link', { name: 'on-gala', exact: true }).waitFor();
    expect(await page.getByRole('button', { name: 'Retire', exact: true }).isDisabled()).toBe(true);
    await upload('more.csv', ['party', 'demo:client/5']);
    await page.locator('.ant-modal:visible').getByRole('button', { name: 'Send', exact: true }).click();
    await page.waitForURL((url) => url.pathname.startsWith('/segmentation/lists/gala/uploads/'));
    const address = new URL(page.url()).pathname;
    await confirm(page, 'Change the list', 'Yes');
    await shows(page.locator('h1'), 'Waits for approval', { exact: true });
    expect(await page.getByRole('button', { name: 'Approve', exact: true }).count()).toBe(0);
    await adam.go(address);
    await number('Come onto it').first().waitFor();
    await confirm(adam.page, 'Approve', 'Yes');
    await shows(adam.page.locator('h1'), 'Applied', { exact: true });
    await adam.shot('list-approved');
    expect(await counted('segment.member("on-gala")', 3)).toBe(3);
    expect(desk.faults).toEqual([]);
  },
  JOURNEY_MS,
);
