import { choose, confirm, type Desk, openDesk, shows } from './console-browser.js';
import { customerJourneys } from './console-customer.js';
import { segmentJourneys } from './console-segment.js';

const LIMIT_MS = 10 * 60_000;
const JOURNEY_MS = 300_000;
const mark = Date.now().toString(36);

describe('the console', () => {
  let desk: Desk;

  beforeAll(async () => {
    desk = await openDesk();
  }, LIMIT_MS);

  afterAll(async () => {
    await desk?.stop();
  }, 120_000);

  it(
    'greets who is not signed in, in both languages, and leads back to the page that was asked for',
    async () => {
      const { page, shot } = await desk.visit(undefined);
      await page.getByRole('button', { name: 'Sign in' }).waitFor();
      await page.getByText('中文').click();
      await page.getByRole('button', { name: '登录' }).waitFor();
      await page.reload();
      await page.getByRole('button', { name: '登录' }).waitFor();
      await shot('sign-in');
      await page.goto(`${desk.origin}/cases?states=all`);
      await desk.signIn(page, 'carl.caller');
      expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe('/cases?states=all');
      expect(await page.locator('main h1').textContent()).toContain('工单');
      await page.getByText('English').click();
      await page.getByRole('heading', { name: 'Cases' }).waitFor();

      await page.getByRole('button', { name: /Carl/ }).click();
      await page.getByText('Sign out').click();
      await page.waitForURL((url) => !url.pathname.startsWith('/cases'));
      const answer = await page.request.get(`${desk.origin}/api/session`);
      expect(answer.status()).toBe(401);
    },
    JOURNEY_MS,
  );

  it(
    'finds a customer by name, e-mail and phone, and changes a consent',
    async () => {
      const { page, go, shot } = await desk.visit('carl.caller');
      await go('/parties?by=email&q=client.1@demo.example.com');
      await page.locator('tbody tr.ant-table-row').first().waitFor();
      expect(await page.locator('tbody tr.ant-table-row').count()).toBe(1);
      const name = (await page.locator('tbody tr.ant-table-row a').first().textContent()) ?? '';
      await page.getByText('Name', { exact: true }).first().click();
      await page.locator('#customer-search').fill(name);
      await page.keyboard.press('Enter');
      await page.getByRole('link', { name }).first().waitFor();
      await shot('search');
      await go('/parties?by=email&q=client.1@demo.example.com');
      await page.getByRole('link', { name }).first().click();
      await page.getByRole('heading', { name: /Holdings \(/ }).waitFor();
      await page.getByRole('heading', { name: 'Timeline' }).waitFor();
      const entries = page.getByRole('region', { name: 'Timeline' }).locator('li');
      await entries.nth(0).waitFor();
      await shot('customer');

      const consents = page.locator('.ant-card', { has: page.getByRole('heading', { name: 'Consents' }) });
      await consents.getByRole('button', { name: 'Record a consent' }).click();
      await choose(page.locator('.ant-modal:visible'), 'Channel', 'SMS');
      await page.getByLabel('Version of the text').fill('2026-1');
      await page.getByLabel('Proof').fill('signed at the counter');
      await page.getByRole('button', { name: 'Save' }).click();
      const sms = consents.locator('tbody tr', { hasText: 'SMS' });
      await shows(sms, 'Granted');
      await sms.getByRole('button', { name: 'Withdraw' }).click();
      await page.locator('.ant-popconfirm:visible').getByRole('button', { name: 'Yes' }).click();
      await shows(sms, 'Withdrawn');
      await page.reload();
      await shows(sms, 'Withdrawn');
      await shot('consents');
    },
    JOURNEY_MS,
  );

  it(
    'builds a segment in Chinese, sends a campaign that another person approved, and says why and why not',
    async () => {
      const mei = await desk.visit('mei.marketer', 'zh-CN');
      const { page } = mei;
      await mei.go('/segments/new');
      await page.getByLabel('名称').fill(`Adults ${mark}`);
      await page.getByRole('button', { name: '添加条件', exact: true }).click();
      const count = page.getByTestId('preview-count');
      await page.getByRole('tab', { name: '文本' }).click();
      const text = page.getByRole('textbox', { name: '文本' });
      await text.fill('party.age >=\n  years');
      await shows(page, /第 \d 行，第 \d+ 列/);
      await mei.shot('rule-problem');
      await text.fill('party.age >= 18 && consent("marketing", "email")');
      await count.filter({ hasNotText: /^0$/ }).waitFor();
      await page.getByRole('tab', { name: '规则编辑器' }).click();
      expect(await page.locator('.queryBuilder .rule').count()).toBe(2);
      const wide = Number((await count.textContent())?.replace(/\D/g, ''));
      expect(wide).toBeGreaterThan(0);
      await page.locator('.queryBuilder .rule input[role=spinbutton]').first().fill('45');
      await shows(page.getByRole('code'), 'party.age >= 45');
      await count.filter({ hasNotText: new RegExp(`^${wide}$`) }).waitFor();
      await mei.shot('rule-builder');
      await page.getByRole('tab', { name: '文本' }).click();
      await text.fill('party.age >= 18');
      await page.getByRole('button', { name: '保存客群' }).click();
      await page.waitForURL((url) => url.pathname.startsWith('/segments/adults'));
      await shows(page.locator('h1'), '草稿');
      expect(await page.getByRole('button', { name: '发布', exact: true }).count()).toBe(0);
      const adam = await desk.visit('adam.approver');
      await adam.go(new URL(page.url()).pathname);
      await confirm(adam.page, 'Approve', 'Yes');
      await shows(adam.page.locator('h1'), 'Approved');
      await page.reload();
      await confirm(page, '发布', '是');
      await shows(page, '已发布');
      await page.getByRole('tab', { name: '成员', exact: true }).click();
      await page.locator('.ant-card', { hasText: '成员(' }).locator('tbody tr.ant-table-row').first().waitFor();
      await mei.shot('segment');

      await mei.go('/campaigns/new');
      await page.getByLabel('名称').fill(`Campaign ${mark}`);
      await choose(page, '客群', `Adults ${mark}`);
      await choose(page, '模板', /./);
      await page.getByLabel('对照组').fill('0');
      await page.getByRole('button', { name: '存为草稿' }).click();
      await page.waitForURL((url) => /^\/campaigns\/[0-9a-f-]{36}$/.test(url.pathname));
      await confirm(page, '提交审批', '是');
      await shows(page.locator('h1'), '待审批');
      expect(await page.getByRole('button', { name: '审批通过' }).count()).toBe(0);

      await adam.go(new URL(page.url()).pathname);
      await confirm(adam.page, 'Approve', 'Yes');
      await shows(adam.page.locator('h1'), 'Approved');
      await confirm(adam.page, 'Launch', 'Yes');
      await adam.page.locator('.ant-statistic', { hasText: 'Audience' }).waitFor();
      await adam.page.getByRole('button', { name: /^All checks passed \(/ }).waitFor({ timeout: 60_000 });
      await adam.page.getByRole('button', { name: /^No consent \(/ }).waitFor({ timeout: 60_000 });
      await adam.page.getByRole('button', { name: /^No consent \(/ }).click();
      await adam.page
        .locator('tbody tr', { hasText: 'No consent' })
        .first()
        .getByRole('button', { name: 'Why?' })
        .click();
      const why = adam.page.getByTestId('explanation');
      await shows(why, 'No consent');
      expect(await why.getByLabel('refused').count()).toBe(1);
      await shows(why, 'never given');
      await adam.shot('campaign');
      await adam.page.getByText('中文').click();
      await shows(why, '未发送：客户从未同意以此渠道用于此目的。');
      expect(await why.textContent()).toContain('从未同意');
      expect(await why.textContent()).not.toMatch(/never|list/);
      await adam.shot('why-in-chinese');
    },
    JOURNEY_MS,
  );

  it(
    'walks the audit chains for an auditor and says that they are whole',
    async () => {
      const { page, go, shot } = await desk.visit('otto.auditor');
      await go('/audit');
      await page.getByRole('button', { name: 'Verify all' }).click();
      await page.getByText('All chains are whole').waitFor({ timeout: 60_000 });
      expect(await page.locator('tbody tr.ant-table-row').filter({ hasText: 'Whole' }).count()).toBe(6);
      const customer = page.locator('tbody tr.ant-table-row', { hasText: 'Customers' });
      expect(await customer.textContent()).toMatch(/[1-9][\d,]* \/ [1-9]/);
      await customer.getByRole('button', { name: 'Verify' }).click();
      await shows(customer, 'Whole');
      await shot('audit');
      const carl = await desk.visit('carl.caller');
      expect(await carl.page.getByRole('link', { name: 'Audit' }).count()).toBe(0);
    },
    JOURNEY_MS,
  );

  it(
    'works a complaint through its five steps to the close and the survey',
    async () => {
      const { page, go, shot } = await desk.visit('carl.caller');
      await go('/parties?by=email&q=client.2@demo.example.com');
      await page.locator('tbody tr.ant-table-row a').first().click();
      await page.getByRole('button', { name: 'Open a case' }).click();
      await choose(page, 'Type', 'Complaint');
      await page.getByRole('textbox', { name: 'Subject' }).fill(`A fee was charged twice ${mark}`);
      await page.locator('.ant-modal').getByRole('button', { name: 'Open a case' }).click();
      await page.waitForURL((url) => url.pathname.startsWith('/cases/'));
      await page.getByRole('button', { name: 'Assign', exact: true }).click();
      await page.locator('.ant-modal').getByRole('button', { name: 'Save' }).click();
      await shows(page, 'Assigned to carl.caller');
      await page.getByRole('button', { name: 'Add a note' }).click();
      await page.locator('.ant-modal').getByLabel('Note').fill('Called back');
      await page.locator('.ant-modal').getByRole('button', { name: 'Save' }).click();
      await shows(page, 'Called back');
      for (const step of ['Recorded', 'Responded', 'Tracked', 'Answered']) {
        await confirm(page, `Next step: ${step}`, 'Yes');
        await shows(page, `Step: ${step}`, { exact: true });
      }
      await page.getByRole('button', { name: 'Resolve' }).click();
      await page.locator('.ant-modal').getByLabel('What was done for the customer').fill('The fee was returned');
      await page.locator('.ant-modal').getByRole('button', { name: 'Save' }).click();
      await shows(page.locator('h1'), 'Resolved');
      await confirm(page, 'Close', 'Yes');
      await shows(page.locator('h1'), 'Closed');
      await page.getByRole('button', { name: 'Ask for an opinion' }).click();
      await page.getByRole('button', { name: 'Enter the answer' }).click();
      await page.locator('.ant-modal').getByLabel('What the customer added').fill('Quick');
      await page.locator('.ant-modal').getByRole('button', { name: 'Save' }).click();
      await shows(page.getByTestId('survey'), 'Opinion given · 5 Quick');
      expect(await page.locator('.ant-steps-horizontal time').count()).toBe(5);
      await shot('case');
      await go('/cases');
      // The address holds the filter, so the box changes only when the page has followed it.
      await page.getByRole('checkbox', { name: 'Overdue only' }).click();
      await page.waitForURL((url) => url.searchParams.get('overdue') === '1');
      await page.locator('tbody tr.ant-table-row').first().waitFor();
      await shot('cases');
    },
    JOURNEY_MS,
  );

  it(
    'ranks the staff and says what a total is made of',
    async () => {
      const { page, go, shot } = await desk.visit('otto.auditor');
      await go('/ranking');
      await page.locator('tbody tr.ant-table-row').first().click();
      await shows(page, 'Referrals won');
      expect(await page.locator('.ant-table-expanded-row .ant-table-row').count()).toBeGreaterThan(1);
      await shot('ranking');
    },
    JOURNEY_MS,
  );

  it(
    'draws figures in Chinese and gives them as CSV',
    async () => {
      const { page, go, shot } = await desk.visit('lin.analyst', 'zh-CN');
      await go('/dashboard?metric=transactions&by=direction');
      await page.getByRole('heading', { name: '数据看板' }).waitFor();
      await page.locator('[role=img] svg').first().waitFor();
      await page.getByRole('cell', { name: '收入' }).first().waitFor();
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: /导出 CSV/ }).click(),
      ]);
      const chunks: Buffer[] = [];
      for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
      const csv = Buffer.concat(chunks).toString();
      expect(csv).toContain('credit');
      expect(csv.trim().split('\n').length).toBeGreaterThan(2);
      await shot('dashboard');
    },
    JOURNEY_MS,
  );

  it(
    'is worked by keyboard, hides what a role may not do, and explains a refusal',
    async () => {
      const { page, go } = await desk.visit('mara.manager');
      await page.locator('main').click({ position: { x: 5, y: 5 } });
      await page.keyboard.press('g');
      await page.keyboard.press('k');
      await page.waitForURL((url) => url.pathname === '/cases');
      await page.keyboard.press('/');
      await page.waitForURL((url) => url.pathname === '/parties');
      await page.locator('#customer-search').waitFor();
      expect(await page.getByRole('link', { name: 'Segments' }).count()).toBe(0);
      await go('/segments');
      await shows(page, 'Your role does not permit this');
      await go('/parties/00000000-0000-7000-8000-000000000000');
      await shows(page.getByRole('alert'), 'Not found, or not in your part of the bank');
      await go('/no-such-page');
      await shows(page, 'There is no such page');
    },
    JOURNEY_MS,
  );

  customerJourneys(() => desk);

  segmentJourneys(() => desk);

  it('broke on no page, and nothing was against the content security policy', () => {
    expect(desk.faults).toEqual([]);
  });
});
