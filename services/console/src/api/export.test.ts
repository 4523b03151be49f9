import { createHash } from 'node:crypto';
import { assembleExport } from './export.js';

// What the browser has besides, and these calls do not use.
jest.mock('../i18n/index.js', () => ({ currentLanguage: () => 'en' }));

const bytes = Buffer.from('{"name":"Nováková 行"}');
const listed = {
  file: 'customer-party.json',
  service: 'services/customer',
  rows: '1',
  bytes: String(bytes.length),
  sha256: createHash('sha256').update(bytes).digest('hex'),
};
const chunk = (data: Buffer) => JSON.stringify({ chunk: { file: listed.file, data: data.toString('base64') } });
const manifest = (over: object = {}) =>
  JSON.stringify({ manifest: { files: [{ ...listed, ...over }], parties: [], services: [], time: '' } });

it('puts the parts of a file together, wherever they were cut', async () => {
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const lines = [chunk(bytes.subarray(0, cut)), chunk(bytes.subarray(cut)), manifest(), ''].join('\n');
    const { files } = await assembleExport(lines);
    expect(files.map(({ content }) => Buffer.from(content).toString())).toEqual([bytes.toString()]);
  }
});

it('refuses what broke off, is too short or was changed', async () => {
  const refused = { status: 503, reason: 'EXPORT_INCOMPLETE' };
  await expect(assembleExport(chunk(bytes))).rejects.toMatchObject(refused);
  await expect(assembleExport([chunk(bytes.subarray(1)), manifest()].join('\n'))).rejects.toMatchObject(refused);
  const other = Buffer.from(bytes.toString().replace('N', 'M'));
  await expect(assembleExport([chunk(other), manifest()].join('\n'))).rejects.toMatchObject(refused);
});
