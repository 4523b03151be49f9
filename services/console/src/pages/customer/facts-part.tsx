import { Descriptions } from 'antd';
import type { ContactPoint, Party } from '../../api/customer.js';
import { Day, StaffName } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { Part } from './part.js';

function addressOf({ postalAddress }: ContactPoint): string {
  if (!postalAddress) return '';
  const { lines, postalCode, locality, region, countryCode } = postalAddress;
  return [...lines, `${postalCode} ${locality}`.trim(), region, countryCode].filter(Boolean).join(', ');
}

/** Who the customer is and how to reach them. */
export function FactsPart({ party, asOf }: { party: Party; asOf: string | undefined }) {
  const { t, label } = useWords();
  const { person, organisation, contactPoints } = party;
  const points = (kind: 'email' | 'phone') => contactPoints.map((point) => point[kind]).filter(Boolean);
  const local = party.timeZone
    ? `${party.timeZone} (${new Intl.DateTimeFormat('en-GB', { timeZone: party.timeZone, timeStyle: 'short' }).format(new Date())})`
    : '';
  const facts: [string, React.ReactNode][] = [
    [t('party.kind'), label(party.kind)],
    ...(person
      ? ([
          [t('party.sex'), label(person.sex)],
          [t('party.birthDate'), <Day key="birth" date={person.birthDate} />],
        ] satisfies [string, React.ReactNode][])
      : []),
    ...(organisation
      ? ([
          [t('party.legalName'), organisation.legalName],
          [t('party.registrationNumber'), organisation.registrationNumber],
        ] satisfies [string, React.ReactNode][])
      : []),
    [t('search.email'), points('email').join(', ')],
    [t('search.phone'), points('phone').join(', ')],
    [t('party.address'), contactPoints.map(addressOf).filter(Boolean).join('; ')],
    [t('party.manager'), <StaffName key="manager" name={party.relationshipManager} />],
    [t('party.branch'), party.branch],
    [t('party.region'), [party.region, party.district].filter(Boolean).join(' · ')],
    [t('party.language'), party.language],
    [t('party.localTime'), local],
  ];
  return (
    <Part title={t('customer.facts')} asOf={asOf}>
      <Descriptions
        size="small"
        column={{ xs: 1, md: 2 }}
        items={facts
          .filter(([, value]) => value !== '')
          .map(([name, value]) => ({ key: name, label: name, children: value }))}
      />
    </Part>
  );
}
