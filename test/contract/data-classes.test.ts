// What the contracts may carry of each data class, by their option `data_class`.
import { type DescExtension, type DescField, type DescMessage, getOption } from '@bufbuild/protobuf';
import { registry, servedMethods } from './methods.js';

const C3 = 3;
const dataClass = registry.getExtension('rapport.type.v1.data_class') as DescExtension;
const event = registry.getExtension('rapport.type.v1.event') as DescExtension;

/** The fields of a message, nested ones too, that hold what proves who somebody is. */
function secretsOf(message: DescMessage, path = message.typeName, seen = new Set<DescMessage>()): string[] {
  if (seen.has(message)) return [];
  seen.add(message);
  return message.fields.flatMap((field: DescField) => [
    ...((getOption(field, dataClass) as unknown as number) === C3 ? [`${path}.${field.name}`] : []),
    ...(field.message ? secretsOf(field.message, `${path}.${field.name}`, seen) : []),
  ]);
}

test('nothing of class C3 is in any answer: it is never shown in the clear', () => {
  expect([...new Set(servedMethods().flatMap(({ method }) => secretsOf(method.output)))]).toEqual([]);
});

test('nothing of class C3 is in any event', () => {
  const events = [...registry].filter(
    (type): type is DescMessage =>
      type.kind === 'message' &&
      type.typeName.startsWith('rapport.') &&
      Boolean((getOption(type, event) as unknown as { aggregate?: string }).aggregate),
  );
  expect(events.length).toBeGreaterThan(20);
  expect(events.flatMap((message) => secretsOf(message))).toEqual([]);
});
