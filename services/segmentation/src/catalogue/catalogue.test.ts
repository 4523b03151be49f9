import { DataClass } from '@rapport/proto/type/v1';
import { factEvents } from '../fact/fact.js';
import { attributeMessage, attributes } from './catalogue.js';

const all = attributes().map(attributeMessage);
const events = factEvents.map(({ $type }) => $type as string);
const chinese = /\p{Script=Han}/u;

test('every attribute says in both languages what it is and what stands in its brackets', () => {
  for (const { key, titleEn, titleZh, description, descriptionZh, unit, unitZh, arguments: args } of all) {
    const texts = [titleZh, descriptionZh, ...(unit === '' ? [] : [unitZh]), ...args.map((one) => one.descriptionZh)];
    expect({ key, zh: texts.filter((text) => !chinese.test(text)) }).toEqual({ key, zh: [] });
    const english = [titleEn, description, ...args.map((one) => one.description)];
    expect({ key, en: english.filter((text) => text === '' || chinese.test(text)) }).toEqual({ key, en: [] });
    expect({ key, missing: descriptionZh.includes('缺失值') }).toEqual({
      key,
      missing: description.includes('missing value is false'),
    });
  }
});

test('every attribute says where it comes from, how soon, and how much care it asks for', () => {
  for (const { key, sources, freshness, dataClass } of all) {
    const strange = sources.filter((source) => !events.includes(source) && !source.startsWith('rapport.segmentation.'));
    expect({ key, strange, some: sources.length > 0 && freshness !== '' }).toEqual({ key, strange: [], some: true });
    // Nothing of class C3 is asked for in a rule.
    expect([DataClass.DATA_CLASS_C1, DataClass.DATA_CLASS_C2]).toContain(dataClass);
  }
});

test('every kind of fact is asked for by some attribute', () => {
  const asked = new Set(all.flatMap(({ sources }) => sources));
  // Merges change whose facts count and not what is known.
  const merges = ['rapport.customer.v1.PartyMerged', 'rapport.customer.v1.PartyUnmerged'];
  expect(events.filter((event) => !asked.has(event)).sort()).toEqual(merges);
});
