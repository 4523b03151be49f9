// What is done on the pages of segments.
import { confirm, type Desk, shows } from './console-browser.js';

const JOURNEY_MS = 300_000;
const mark = Date.now().toString(36);

/** The journeys of the pages of segments, at a desk that stands when they begin. */
export function segmentJourneys(desk: () => Desk): void {
  it(
    'writes a rule as lines and as text without loss, sees what it finds, and has it approved and published',
    async () => {
      const mei = await desk().visit('mei.marketer');
      const { page } = mei;
      await page.getByText('English').first().click();
      await mei.go('/segmentation/attributes');
      await page.getByRole('searchbox', { name: 'Find by name or meaning' }).fill('holdings.count');
      await shows(page, '1 attributes');
      await page.locator('tbody tr.ant-table-row').first().click();
      await shows(page, 'As in a rule:');

      await mei.go('/segments/new');
      await page.getByLabel('Title').fill(`Grown ${mark}`);
      await page.getByRole('tab', { name: 'Text' }).click();
      const text = page.getByRole('textbox', { name: 'Text' });
      await text.fill('party.age >= 18 &&\n  party.shoe == 3');
      await shows(page, 'Line 2, column 3 · There is no such attribute');
      expect(await page.locator('.rule-wrong').allTextContents()).toEqual(['party', '.', 'shoe']);
      // A sum is more than a line can show: it stays as text, and the rule as it was.
      const rule = 'party.age >= 18 && holdings.count() + 1 > 1 && (party.sex == "female" || party.sex == "male")';
      await text.fill(rule);
      await page.getByRole('tab', { name: 'Builder' }).click();
      await page.locator('.queryBuilder .rule-as-text textarea', { hasText: 'holdings.count() + 1 > 1' }).waitFor();
      expect(await page.locator('.queryBuilder .ruleGroup').count()).toBe(2);
      expect(await page.locator('.queryBuilder .rule').count()).toBe(4);
      await page.locator('.queryBuilder .rule input[role=spinbutton]').first().fill('21');
      await shows(page.getByRole('code'), rule.replace('18', '21'), { exact: true });
      const count = page.getByTestId('preview-count');
      await count.filter({ hasNotText: /^0$/ }).waitFor();
      const found = Number((await count.textContent())?.replaceAll(/\D/g, ''));
      expect(found).toBeGreaterThan(0);
      for (const title of ['Age', 'Region', 'Balance']) {
        const card = page.locator('.ant-card', { has: page.getByRole('heading', { name: title, level: 3 }) }).last();
        await card.locator('[role=img] svg').waitFor();
      }
      // Each part by itself, with what is doubtful about it; and what rules mean, beside the rule.
      const parts = page.getByTestId('rule-parts');
      await shows(parts, 'sex is female', { exact: true });
      await page.getByRole('tab', { name: 'Text' }).click();
      await text.fill('party.age >= 18 && party.region == "nroth"');
      await shows(parts, 'Nobody in reach has a region that is "nroth".');
      await mei.shot('segment-doubt');
      await page.getByRole('button', { name: 'What rules mean' }).click();
      await shows(page, 'every comparison with it is false');
      await text.fill(rule);
      await page.getByRole('tab', { name: 'Builder' }).click();
      await count.filter({ hasNotText: /^0$/ }).waitFor();
      await mei.shot('segment-insight');
      await page.getByRole('tab', { name: 'Overlap with other segments' }).click();
      await page
        .getByRole('tabpanel')
        .locator('tbody tr.ant-table-row')
        .or(page.getByText('No other segment is in use yet.'))
        .first()
        .waitFor();
      await page.getByRole('button', { name: 'Save the segment' }).click();
      await page.waitForURL((url) => url.pathname.startsWith('/segments/grown'));
      const address = new URL(page.url()).pathname;
      await mei.go('/segments');
      await page.getByRole('searchbox', { name: 'Find by title or short name' }).fill(`${mark} grown`);
      await page.keyboard.press('Enter');
      await page.locator('tbody tr.ant-table-row').nth(1).waitFor({ state: 'detached' });
      await page.getByRole('link', { name: `Grown ${mark}`, exact: true }).waitFor();

      const adam = await desk().visit('adam.approver');
      await adam.go(address);
      await adam.page.getByRole('button', { name: 'Send back' }).click();
      await adam.page.locator('.ant-modal').getByRole('textbox').fill('Leave the sexes out');
      await adam.page.locator('.ant-modal').getByRole('button', { name: 'Send back' }).click();
      await shows(adam.page, 'Leave the sexes out');

      await page.goto(`${desk().origin}${address}?tab=rule`);
      await page.getByRole('tab', { name: 'Text' }).click();
      await page.getByRole('textbox', { name: 'Text' }).fill('party.age >= 30');
      await page.getByRole('button', { name: 'Save as the next version' }).click();
      await shows(page.locator('main'), '@2');
      await adam.go(address);
      await confirm(adam.page, 'Approve', 'Yes');
      await shows(adam.page.locator('h1'), 'Approved');
      await mei.go(address);
      await confirm(page, 'Publish', 'Yes');
      await shows(page.locator('h1'), 'Published');
      await page.getByRole('tab', { name: 'Members' }).click();
      await page.getByRole('button', { name: 'Why?' }).first().click();
      const why = page.getByTestId('membership-explanation');
      await shows(why, 'Belongs to it', { exact: true });
      await shows(why, 'age is at least 30');
      // A marketer works with segments and does not see the values of one customer.
      await shows(why, 'not shown to your role');
      await mei.shot('segment-why');
      // The same in Chinese: what decided, and what is wrong with a rule.
      const zh = await desk().visit('mei.marketer', 'zh-CN');
      await zh.page.getByText('中文').first().click();
      await zh.go(new URL(page.url()).pathname + new URL(page.url()).search);
      await shows(zh.page.getByTestId('membership-explanation'), '决定因素：');
      await zh.shot('segment-why-zh');
      await zh.go(`${address}?tab=rule`);
      await zh.page.getByRole('tab', { name: '文本' }).click();
      await zh.page.getByRole('textbox', { name: '文本' }).fill('party.shoe > 3');
      await shows(zh.page, '没有属性 party.shoe。', { exact: true });

      await mei.go(address);
      await page.getByRole('tab', { name: 'Versions' }).click();
      await shows(page, 'Sent back: Leave the sexes out');
      await shows(page.getByTestId('difference'), 'Removed');
      await mei.shot('segment-versions');
      await page.getByRole('tab', { name: 'Dry run' }).click();
      await shows(page.getByTestId('dry-run'), 'At the end');
      await mei.shot('segment-dry-run');
      await page.getByRole('tab', { name: 'Overview' }).click();
      await page.locator('[role=img] svg').first().waitFor();
      await mei.shot('segment-overview');

      // Two people at once: whoever comes second is told, and keeps the rule.
      const second = await desk().visit('mei.marketer');
      await second.page.getByText('English').first().click();
      await second.go(`${address}?tab=rule`);
      await second.page.getByRole('tab', { name: 'Text' }).click();
      const theirs = second.page.getByRole('textbox', { name: 'Text' });
      await theirs.fill('party.age >= 40');
      await mei.go(`${address}?tab=rule`);
      await page.getByRole('tab', { name: 'Text' }).click();
      await page.getByRole('textbox', { name: 'Text' }).fill('party.age >= 35');
      await page.getByRole('button', { name: 'Save as the next version' }).click();
      await shows(page.locator('main'), '@3');
      await second.page.getByRole('button', { name: 'Save as the next version' }).click();
      await shows(second.page, 'Version 3 was saved while you were writing');
      await second.shot('segment-overtaken');
      await second.page.getByRole('button', { name: 'Keep my rule' }).click();
      expect(await theirs.inputValue()).toBe('party.age >= 40');
      await second.page.getByRole('button', { name: 'Save as the next version' }).click();
      await shows(second.page.locator('main'), '@4');

      await mei.go('/segmentation/flows');
      await page.getByRole('combobox', { name: /Segments, in the order/ }).fill(`grown ${mark}`);
      await page
        .locator('.ant-select-dropdown:visible .ant-select-item-option')
        .filter({ hasText: `Grown ${mark}` })
        .click();
      await page.getByRole('columnheader', { name: 'From', exact: true }).waitFor();

      const carl = await desk().visit('carl.caller');
      await carl.go(`/parties?q=client/1`);
      await carl.page.locator('tbody tr.ant-table-row a').first().click();
      const part = carl.page.locator('.ant-card', {
        has: carl.page.getByRole('heading', { name: 'Segments', level: 2 }),
      });
      await part.getByRole('button', { name: 'Why?' }).first().click();
      await shows(carl.page.getByTestId('membership-explanation'), 'Belongs to it', { exact: true });
      await carl.shot('customer-why');
    },
    JOURNEY_MS,
  );

  it(
    'refuses a partition that leaves somebody out, with an example, and puts a whole one into use',
    async () => {
      const mei = await desk().visit('mei.marketer');
      const { page } = mei;
      await page.getByText('English').first().click();
      await mei.go('/segmentation/schemes/new?kind=SCHEME_KIND_PARTITION');
      await page.getByLabel('Title', { exact: true }).first().fill(`Bands ${mark}`);
      await page.getByText('Free rules').click();
      const check = page.getByTestId('scheme-check');
      await shows(check, 'Proved: everybody is in exactly one group');
      await page.getByRole('switch', { name: 'A group for everybody else' }).click();
      await shows(check, 'Somebody is in no group');
      await shows(check, 'number of owned loans is 0');
      await page.getByRole('button', { name: 'Save the scheme' }).click();
      await page.locator('.ant-notification-notice').first().waitFor();
      expect(new URL(page.url()).pathname).toBe('/segmentation/schemes/new');
      await mei.shot('partition-gap');
      await page.getByText('Bands of a number').click();
      await shows(check, 'Proved: everybody is in exactly one group');
      await page.getByRole('button', { name: 'Save the scheme' }).click();
      await page.waitForURL((url) => url.pathname.startsWith('/segmentation/schemes/bands'));
      const address = new URL(page.url()).pathname;
      const adam = await desk().visit('adam.approver');
      await adam.go(address);
      await confirm(adam.page, 'Approve', 'Yes');
      await shows(adam.page.locator('h1'), 'Approved');
      await mei.go(address);
      await confirm(page, 'Publish', 'Yes');
      await shows(page.locator('h1'), 'Published');
      await page.getByRole('link', { name: 'Middle' }).waitFor();
      await page.locator('[role=img] svg').first().waitFor();
      await mei.shot('scheme');
      await page.getByRole('link', { name: 'Flows between the groups' }).click();
      await page.waitForURL((url) => url.pathname === '/segmentation/flows');
    },
    JOURNEY_MS,
  );

  it(
    'divides by RFM with groups of its own, runs dry, publishes, and compares two versions of the plan',
    async () => {
      const mei = await desk().visit('mei.marketer');
      const { page } = mei;
      await page.getByText('English').first().click();
      await mei.go('/segmentation/schemes/new?kind=SCHEME_KIND_RFM');
      await page.getByLabel('Title', { exact: true }).first().fill(`Habits ${mark}`);
      const check = page.getByTestId('scheme-check');
      await check.getByRole('cell', { name: 'Champions', exact: true }).waitFor();
      const grid = page.getByRole('table', { name: 'Which scores make which group' });
      expect(await grid.getByRole('cell', { name: 'Champions', exact: true }).count()).toBe(2);
      await page.getByRole('switch', { name: 'Groups of our own instead of the usual eleven' }).click();
      // Without the first group its two pairs of scores fall to nobody, which is said at once.
      await page.getByRole('button', { name: 'Remove the group' }).first().click();
      await grid.getByRole('cell', { name: 'no group', exact: true }).first().waitFor();
      await check.getByText('Recency 5 with value 4 is in no group.').waitFor();
      await page.getByRole('button', { name: 'Add a group' }).click();
      await page.getByLabel('Title', { exact: true }).last().fill('The rest');
      await check.getByRole('cell', { name: 'The rest', exact: true }).waitFor();
      await mei.shot('rfm-groups');
      await page.getByRole('button', { name: 'Save the scheme' }).click();
      await page.waitForURL((url) => url.pathname.startsWith('/segmentation/schemes/habits'));
      const address = new URL(page.url()).pathname;
      await page.getByRole('tab', { name: 'Dry run' }).click();
      await page.getByRole('button', { name: 'Run dry' }).click();
      const dry = page.getByTestId('scheme-dry-run');
      await dry.getByRole('cell', { name: 'The rest', exact: true }).first().waitFor();
      await dry.locator('[role=img] svg').waitFor();
      await mei.shot('scheme-dry-run');

      const adam = await desk().visit('adam.approver');
      await adam.go(address);
      await confirm(adam.page, 'Approve', 'Yes');
      await adam.page.locator('h1').getByText('Approved').waitFor();
      await mei.go(address);
      await confirm(page, 'Publish', 'Yes');
      await page.locator('h1').getByText('Published').waitFor();
      await mei.go(`${address}?tab=plan`);
      await page.getByLabel('Title', { exact: true }).last().fill('Everybody else');
      await page.getByRole('button', { name: 'Save as the next version' }).click();
      await page.locator('main').getByText('@2').first().waitFor();
      await page.getByRole('tab', { name: 'Versions' }).click();
      const difference = page.getByTestId('plan-difference');
      await difference.getByRole('cell', { name: 'Everybody else', exact: true }).waitFor();
      expect(await difference.locator('tbody tr.ant-table-row').count()).toBe(1);
      await mei.shot('scheme-versions');
    },
    JOURNEY_MS,
  );
}
