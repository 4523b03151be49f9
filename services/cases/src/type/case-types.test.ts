import { uuidv7 } from '@rapport/kit/runtime';
import { BusinessCalendar, CaseType } from '@rapport/proto/cases/v1';
import { allRoles, as, counts, failure, open, operator, type RunningCases, startCases } from '../cases.testkit.js';

let running: RunningCases;
beforeAll(async () => {
  running = await startCases();
});
afterAll(() => running.stop());

const administrator = () => as({ sub: 'staff/alma', roles: ['administrator'], orgPath: '/berka' });
const calendar = (over = {}) =>
  BusinessCalendar.fromPartial({
    timeZone: 'Asia/Shanghai',
    weeklyHours: [
      { weekday: 1, openMinute: 540, closeMinute: 720 },
      { weekday: 1, openMinute: 780, closeMinute: 1020 },
    ],
    holidays: [{ year: 2024, month: 5, day: 6 }],
    ...over,
  });
const type = (over = {}) =>
  CaseType.fromPartial({
    titleEn: 'Loan question',
    titleZh: '贷款咨询',
    responseHours: 1,
    resolutionHours: 4,
    calendar: 'calendars/standard',
    ...over,
  });
const createCalendar = (calendarId: string, over = {}, caller = administrator(), requestId = uuidv7()) =>
  running.cases.createCalendar({ requestId, calendarId, calendar: calendar(over) }, caller);
const createType = (caseTypeId: string, over = {}, caller = administrator(), requestId = uuidv7()) =>
  running.cases.createCaseType({ requestId, caseTypeId, caseType: type(over) }, caller);

test('the usual types and hours are there from the start, in both languages, in the time zone of the bank', async () => {
  const { caseTypes } = await running.cases.listCaseTypes({ pageSize: 0, pageToken: '' }, operator());
  expect(caseTypes.map(({ name, titleZh }) => [name, titleZh])).toEqual([
    ['caseTypes/card_problem', '银行卡问题'],
    ['caseTypes/complaint', '投诉'],
    ['caseTypes/data_subject_request', '个人信息权利请求'],
    ['caseTypes/dispute', '争议'],
    ['caseTypes/enquiry', '咨询'],
    ['caseTypes/service_request', '服务请求'],
  ]);
  expect(caseTypes.filter((one) => one.isComplaint).map((one) => one.name)).toEqual(['caseTypes/complaint']);
  const { calendar: standard } = await running.cases.getCalendar({ name: 'calendars/standard' }, operator());
  expect(standard).toMatchObject({ timeZone: 'Europe/Prague' });
  expect(standard?.weeklyHours).toHaveLength(5);
});

test('a new type on a new calendar sets the due times of its cases', async () => {
  const made = await createCalendar('shanghai');
  expect(made.calendar).toEqual({ ...calendar(), name: 'calendars/shanghai', createTime: expect.any(Date) });
  expect(await running.cases.getCalendar({ name: 'calendars/shanghai' }, operator())).toEqual(made);
  const { caseType } = await createType('loan', { calendar: 'calendars/shanghai' });
  expect(caseType).toMatchObject({ name: 'caseTypes/loan', isComplaint: false });
  // Monday noon in Shanghai is lunch; the Monday after is a holiday.
  const opened = await open(running, { type: 'caseTypes/loan', receiveTime: new Date('2024-04-29T06:30:00Z') });
  expect(opened).toMatchObject({
    responseDueTime: new Date('2024-04-29T07:30:00Z'),
    dueTime: new Date('2024-05-13T02:30:00Z'),
  });
});

test('the same request id answers the same; another with the same id of a row is refused', async () => {
  const requestId = uuidv7();
  const first = await createCalendar('twice', {}, administrator(), requestId);
  const typeId = uuidv7();
  const firstType = await createType('twice', {}, administrator(), typeId);
  const before = await counts(running);
  expect(await createCalendar('twice', {}, administrator(), requestId)).toEqual(first);
  expect(await createType('twice', {}, administrator(), typeId)).toEqual(firstType);
  expect(await failure(createCalendar('twice'))).toMatchObject({ kind: 'already_exists', reason: 'CALENDAR_EXISTS' });
  expect(await failure(createType('twice'))).toMatchObject({ kind: 'already_exists', reason: 'CASE_TYPE_EXISTS' });
  expect(await counts(running)).toEqual(before);
});

test.each<[string, string, Record<string, unknown>]>([
  ['TIME_ZONE_UNKNOWN', 'calendar.time_zone', { timeZone: 'Europe/Nowhere' }],
  ['HOLIDAY_INVALID', 'calendar.holidays[0]', { holidays: [{ year: 2023, month: 2, day: 29 }] }],
  [
    'HOURS_OVERLAP',
    'calendar.weekly_hours',
    {
      weeklyHours: [
        { weekday: 2, openMinute: 500, closeMinute: 700 },
        { weekday: 2, openMinute: 699, closeMinute: 800 },
      ],
    },
  ],
  ['', 'calendar.weekly_hours', { weeklyHours: [] }],
  ['', 'calendar.weekly_hours[0]', { weeklyHours: [{ weekday: 1, openMinute: 600, closeMinute: 600 }] }],
  ['', 'calendar.weekly_hours[0].weekday', { weeklyHours: [{ weekday: 8, openMinute: 0, closeMinute: 600 }] }],
  ['', 'calendar.time_zone', { timeZone: 'x'.repeat(65) }],
])('refuses a calendar: %s %s', async (reason, field, over) => {
  const before = await counts(running);
  const refusal = await failure(createCalendar('bad', over));
  expect(refusal).toMatchObject({ kind: 'invalid', fields: [field] });
  if (reason !== '') expect(refusal.reason).toBe(reason);
  expect(await counts(running)).toEqual(before);
});

test.each<[string, string, Record<string, unknown>]>([
  ['CALENDAR_UNKNOWN', 'case_type.calendar', { calendar: 'calendars/none' }],
  ['HOURS_INVALID', 'case_type.resolution_hours', { responseHours: 8, resolutionHours: 4 }],
  ['HOURS_INVALID', 'case_type.resolution_hours', { resolutionHours: 10_000, calendar: 'calendars/sparse' }],
  ['', 'case_type.title_en', { titleEn: '' }],
  ['', 'case_type.title_zh', { titleZh: '字'.repeat(121) }],
  ['', 'case_type.response_hours', { responseHours: 0 }],
  ['', 'case_type.resolution_hours', { resolutionHours: 10_001 }],
])('refuses a type: %s %s', async (reason, field, over) => {
  await createCalendar('sparse', { weeklyHours: [{ weekday: 1, openMinute: 0, closeMinute: 1 }] }).catch(
    () => undefined,
  );
  const before = await counts(running);
  const refusal = await failure(createType('bad', over));
  expect(refusal).toMatchObject({ kind: 'invalid', fields: [field] });
  if (reason !== '') expect(refusal.reason).toBe(reason);
  expect(await counts(running)).toEqual(before);
});

test('ids, names and page tokens are checked', async () => {
  expect(await failure(createCalendar('Bad Id'))).toMatchObject({ kind: 'invalid', fields: ['calendar_id'] });
  expect(await failure(createType(''))).toMatchObject({ kind: 'invalid', fields: ['case_type_id'] });
  expect(await failure(running.cases.getCalendar({ name: 'standard' }, operator()))).toMatchObject({
    fields: ['name'],
  });
  expect(await failure(running.cases.getCalendar({ name: 'calendars/none' }, operator()))).toMatchObject({
    kind: 'not_found',
    reason: 'CALENDAR_NOT_FOUND',
  });
  const paged = running.cases.listCaseTypes({ pageSize: 0, pageToken: 'AAAA' }, operator());
  expect(await failure(paged)).toMatchObject({ kind: 'invalid', fields: ['page_token'] });
});

test('lists are paged by id', async () => {
  for (const which of ['listCaseTypes', 'listCalendars'] as const) {
    const page = async (pageSize: number, pageToken: string) => {
      if (which === 'listCaseTypes') {
        const { caseTypes, nextPageToken } = await running.cases.listCaseTypes({ pageSize, pageToken }, operator());
        return { names: caseTypes.map((one) => one.name), nextPageToken };
      }
      const { calendars, nextPageToken } = await running.cases.listCalendars({ pageSize, pageToken }, operator());
      return { names: calendars.map((one) => one.name), nextPageToken };
    };
    const whole = (await page(0, '')).names;
    const first = await page(2, '');
    const rest = await page(1000, first.nextPageToken);
    expect([...first.names, ...rest.names]).toEqual(whole);
    expect(whole).toEqual([...whole].sort());
  }
});

test('who may read them, and who may make them', async () => {
  const readers = [
    'relationship_manager',
    'call_centre_agent',
    'branch_manager',
    'auditor',
    'analyst',
    'administrator',
    'operator',
  ];
  for (const role of allRoles) {
    const caller = as({ sub: 'staff/x', roles: [role], orgPath: '/berka' });
    const reading = [
      running.cases.listCaseTypes({ pageSize: 0, pageToken: '' }, caller),
      running.cases.listCalendars({ pageSize: 0, pageToken: '' }, caller),
      running.cases.getCalendar({ name: 'calendars/standard' }, caller),
    ];
    for (const one of reading) {
      expect([role, (await failure(one)).kind]).toEqual([role, readers.includes(role) ? 'ok' : 'denied']);
    }
    if (role === 'administrator') continue;
    const before = await counts(running);
    expect((await failure(createCalendar('x', {}, caller))).kind).toBe('denied');
    expect((await failure(createType('x', {}, caller))).kind).toBe('denied');
    expect(await counts(running)).toEqual(before);
  }
});
