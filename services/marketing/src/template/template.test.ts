import { TemplateVersion, type TemplateVariant } from '@rapport/proto/marketing/v1';
import { failureOf, openSuite, request, type Suite } from '../marketing.testkit.js';
import { checkTexts, renderMessage } from './template.js';

const texts = (subject: string, textBody = 'x', htmlBody = '', language = 'en'): TemplateVariant => ({
  language,
  subject,
  textBody,
  htmlBody,
});
const reasonOf = (check: () => unknown): unknown => {
  try {
    check();
    return 'sound';
  } catch (error) {
    return (error as { reason?: string }).reason ?? error;
  }
};
const render = (variant: TemplateVariant, values = {}) => renderMessage([variant], 'en', values);

describe('a text', () => {
  const variables = TemplateVersion.fromJSON({ variables: [{ key: 'rate', type: 1 }] }).variables;

  it.each([
    ['{{ rate }} {{ party.given_name }} {{ offer.title }} {{ product.title }}', 'sound'],
    ['{% assign n = rate %}{% if n %}{{ n | upcase }}{% endif %}', 'sound'],
    ['{% for i in (1..3) %}{{ i }}{{ forloop.index }}{% endfor %}', 'sound'],
    ['{{ other }}', 'VARIABLE_UNDECLARED'],
    ['{{ party.birth_date }}', 'VARIABLE_UNDECLARED'],
    ['{{ party }}', 'VARIABLE_UNDECLARED'],
    ['{{ party[rate] }}', 'VARIABLE_UNDECLARED'],
    ['{% if false %}{{ other }}{% endif %}', 'VARIABLE_UNDECLARED'],
    ['{% include "a" %}', 'TEMPLATE_INVALID'],
    ['{% render "a" %}', 'TEMPLATE_INVALID'],
    ['{% layout "a" %}', 'TEMPLATE_INVALID'],
    ['{{ rate | raw }}', 'TEMPLATE_INVALID'],
    ['{{ rate | nope }}', 'TEMPLATE_INVALID'],
    ['{% if %}', 'TEMPLATE_INVALID'],
    ['{{ rate', 'TEMPLATE_INVALID'],
  ])('%s is %s', (text, reason) => {
    expect(reasonOf(() => checkTexts(variables, [texts('x', 'x', text)]))).toBe(reason);
    expect(reasonOf(() => checkTexts(variables, [texts('x', text)]))).toBe(reason);
  });

  it('says where it is not sound', () => {
    const bad = texts('x', 'first line\n  {{ rate | nope }}');
    expect(() => checkTexts(variables, [texts('x', 'x', '', 'zh'), bad])).toThrow(
      expect.objectContaining({ metadata: { line: '2', column: '3', field: 'version.variants[1].text_body' } }),
    );
  });

  it('has each language and each variable once', () => {
    expect(reasonOf(() => checkTexts([], [texts('x'), texts('y', 'x', '', 'EN')]))).toBe('LANGUAGE_REPEATED');
    expect(reasonOf(() => checkTexts([...variables, ...variables], [texts('x')]))).toBe('VARIABLE_REPEATED');
    const party = variables.map((variable) => ({ ...variable, key: 'party' }));
    expect(reasonOf(() => checkTexts(party, [texts('x')]))).toBe('VARIABLE_REPEATED');
  });

  it('escapes every value in HTML and none in plain text', () => {
    const made = render(texts('{{ rate }}', '{{ rate }}', '<b title="{{ rate }}">{{ rate | append: "<i>" }}</b>'), {
      rate: `<script>"'&`,
    });
    expect(made.text).toBe(`<script>"'&`);
    const safe = '&lt;script&gt;&#34;&#39;&amp;';
    expect(made.html).toBe(`<b title="${safe}">${safe}&lt;i&gt;</b>`);
  });

  it('keeps a subject on one line, so that no value adds a header', () => {
    expect(render(texts('{{ rate }}'), { rate: 'a\r\nBcc: all@example.com' }).subject).toBe('a Bcc: all@example.com');
  });

  it.each([
    '{% for i in (1..100000000) %}{{ i }}{% endfor %}',
    '{% assign a = "x" %}{% for i in (1..40) %}{% assign a = a | append: a %}{% endfor %}{{ a }}',
    '{% for i in (1..3000) %}{% for j in (1..3000) %}{% endfor %}{% endfor %}',
    '{{ rate.constructor }}',
    '{{ rate.missing }}',
  ])('is not made beyond its bounds: %s', (text) => {
    const started = performance.now();
    expect(reasonOf(() => render(texts('x', text), { rate: 'a' }))).toBe('TEMPLATE_FAILED');
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('is chosen by language, by base language, else the first', () => {
    const some = [texts('en'), texts('zh', 'x', '', 'zh-TW'), texts('cs', 'x', '', 'cs')];
    const subject = (language: string) => renderMessage(some, language, {}).subject;
    expect(['cs', 'CS', 'zh-TW', 'zh-CN', 'cs-CZ', 'fr', ''].map(subject)).toEqual([
      'cs',
      'cs',
      'zh',
      'zh',
      'cs',
      'en',
      'en',
    ]);
  });
});

describe('over gRPC', () => {
  let suite: Suite;
  let name: string;
  beforeAll(async () => {
    suite = await openSuite();
    const version = TemplateVersion.fromJSON({
      variables: [
        { key: 'rate', type: 'VARIABLE_TYPE_NUMBER', required: true, example: '4.5' },
        { key: 'day', type: 'VARIABLE_TYPE_DATE' },
        { key: 'vip', type: 'VARIABLE_TYPE_BOOL' },
        { key: 'code', type: 'VARIABLE_TYPE_STRING', required: true },
      ],
      variants: [
        {
          language: 'en',
          subject: '{{ rate | times: 2 }} {{ day | date: "%d.%m.%Y" }}',
          textBody: '{% if vip %}very {% endif %}{{ party.given_name }} {{ code }}',
        },
      ],
    });
    const { template } = await suite.marketer.createTemplate({
      templateId: 'typed',
      title: 'Typed',
      organisationPath: '/demo',
      version,
      requestId: request(),
    });
    name = template?.latestVersion?.name ?? '';
  });
  afterAll(() => suite.close());

  const rendered = (values: Record<string, string>) => suite.marketer.renderTemplate({ name, language: '', values });

  it('shows what a version would say, with examples for what is missing', async () => {
    const values = { day: '2026-03-31', vip: 'true', code: 'C', 'party.given_name': 'Jana' };
    expect(await rendered(values)).toEqual({
      language: 'en',
      subject: '9 31.03.2026',
      textBody: 'very Jana C',
      htmlBody: '',
    });
    expect(await rendered({ code: 'C' })).toMatchObject({ subject: '9', textBody: ' C' });
  });

  it.each([
    [{}, 'VALUE_MISSING'],
    [{ code: 'C', rate: 'four' }, 'VALUE_INVALID'],
    [{ code: 'C', rate: '1e3' }, 'VALUE_INVALID'],
    [{ code: 'C', day: '2026-02-30' }, 'VALUE_INVALID'],
    [{ code: 'C', day: '31.03.2026' }, 'VALUE_INVALID'],
    [{ code: 'C', vip: 'yes' }, 'VALUE_INVALID'],
    [{ code: 'C', 'party.birth_date': '1' }, 'VARIABLE_UNDECLARED'],
    [{ code: 'C', __proto__x: '1' }, 'VARIABLE_UNDECLARED'],
  ])('refuses the values %j: %s', async (values, reason) => {
    expect(await failureOf(rendered(values as Record<string, string>))).toMatchObject({ kind: 'invalid', reason });
  });

  it('numbers versions without a gap and keeps the earlier ones as they are', async () => {
    const version = TemplateVersion.fromJSON({ variants: [{ language: 'en', subject: 'new', textBody: 'new' }] });
    const added = await Promise.all(
      [1, 2, 3].map(() =>
        suite.marketer.createTemplateVersion({ parent: 'templates/typed', version, requestId: request() }),
      ),
    );
    expect(added.map(({ version: one }) => one?.version).sort()).toEqual([2, 3, 4]);
    const first = await suite.marketer.getTemplate({ name });
    expect(first.version?.variants[0]?.subject).toContain('times: 2');
    expect(first.template?.latestVersion?.version).toBe(4);
    expect(await failureOf(suite.marketer.getTemplate({ name: 'templates/typed@9' }))).toMatchObject({
      reason: 'TEMPLATE_NOT_FOUND',
    });
    const again = { templateId: 'typed', title: 'x', organisationPath: '/demo', version, requestId: request() };
    expect(await failureOf(suite.marketer.createTemplate(again))).toMatchObject({ reason: 'TEMPLATE_EXISTS' });
  });

  it('lets a branch use what the bank shares, and not rewrite it', async () => {
    const branch = suite.as(['marketer'], '/demo/prague');
    await branch.getTemplate({ name });
    const version = TemplateVersion.fromJSON({ variants: [{ language: 'en', subject: 'ours', textBody: 'ours' }] });
    const rewrite = branch.createTemplateVersion({ parent: 'templates/typed', version, requestId: request() });
    expect(await failureOf(rewrite)).toMatchObject({ kind: 'denied', reason: 'ORGANISATION_PATH_OUTSIDE' });
  });
});
