import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { attribute, metric } from './index.js';

interface Declared {
  id: string;
  type?: string;
  brief?: string;
  stability?: string;
  examples?: unknown[];
  annotations?: { where?: string };
}
interface Group extends Declared {
  metric_name?: string;
  instrument?: string;
  unit?: string;
  attributes?: (Declared & { ref?: string })[];
}

const dir = join(__dirname, '../../../../deploy/otel/attributes');
const files = readdirSync(dir).filter((name) => name.endsWith('.yaml'));
const groups = new Map(
  files.map((name) => [name, (parse(readFileSync(join(dir, name), 'utf8')) as { groups: Group[] }).groups]),
);
const all = [...groups.values()].flat();
const kit = groups.get('kit.yaml') ?? [];

describe('deploy/otel/attributes', () => {
  it('declares exactly the attributes of kit', () => {
    const declared = kit.flatMap((group) =>
      (group.attributes ?? []).filter((entry) => entry.id).map((entry) => entry.id),
    );
    expect(declared.sort()).toEqual(Object.values(attribute).toSorted());
  });

  it('declares exactly the metrics of kit, with their instrument, unit and brief', () => {
    const declared = kit
      .filter((group) => group.type === 'metric')
      .map(({ metric_name: name, instrument, unit, brief }) => ({ name, instrument, unit, brief }));
    const byName = (a: { name?: string }, b: { name?: string }) => String(a.name).localeCompare(String(b.name));
    expect(declared.sort(byName)).toEqual(Object.values(metric).toSorted(byName));
  });

  it.each([...groups.keys()])('says for each name of %s what it means and where it comes from', (file) => {
    for (const group of groups.get(file) ?? []) {
      expect(group.brief).toBeTruthy();
      if (group.type === 'metric') expect(group.annotations?.where).toBeTruthy();
      for (const entry of (group.attributes ?? []).filter((one) => one.id)) {
        expect({ id: entry.id, type: entry.type, brief: entry.brief, where: entry.annotations?.where }).toEqual({
          id: expect.stringMatching(/^[a-z][a-z0-9_.]*$/),
          type: expect.stringMatching(/^(string|int|double|boolean)$/),
          brief: expect.stringMatching(/\S/),
          where: expect.stringMatching(/\S/),
        });
      }
    }
  });

  it('declares no name twice and refers to declared attributes only', () => {
    const ids = all.flatMap((group) => (group.attributes ?? []).flatMap((entry) => (entry.id ? [entry.id] : [])));
    expect(new Set(ids).size).toBe(ids.length);
    const metrics = all.flatMap((group) => (group.metric_name ? [group.metric_name] : []));
    expect(new Set(metrics).size).toBe(metrics.length);
    const refs = all.flatMap((group) => (group.attributes ?? []).flatMap((entry) => (entry.ref ? [entry.ref] : [])));
    expect(refs.filter((ref) => !ids.includes(ref))).toEqual([]);
  });
});
