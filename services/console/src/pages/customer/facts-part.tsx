import { Descriptions, Flex } from 'antd';
import type { ReactNode } from 'react';
import type { ContactPoint, Party } from '../../api/customer.js';
import { idOf } from '../../shared/format.js';
import { Amount, Day, StaffName } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';
import { industryOf, occupationOf } from './livelihood.js';
import { Part } from './part.js';
import { Provenance } from './provenance.js';
import { Masked } from './reveal.js';

function addressOf({ postalAddress }: ContactPoint): string {
  if (!postalAddress) return '';
  const { lines, postalCode, locality, region, countryCode } = postalAddress;
  return [...lines, `${postalCode} ${locality}`.trim(), region, countryCode].filter(Boolean).join(', ');
}

interface Fact {
  /** The field of the party, where it has one source; it may be masked. */
  path: string;
  name: string;
  value: ReactNode;
}

/** The fields that the caller may not see, as the contract writes them. JSON has them in camel case. */
function maskedPaths({ masked }: Party): string[] {
  if (!masked) return [];
  return masked.split(',').map((path) => path.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

/** What is earned in a year, and of when that is. */
function Earned({ income: { perYear, asOf } }: { income: NonNullable<NonNullable<Party['person']>['income']> }) {
  const { t } = useWords();
  return (
    <span>
      <Amount money={perYear} /> {t('party.perYear')}
      {asOf ? (
        <>
          {' · '}
          {t('party.incomeAsOf')} <Day date={asOf} />
        </>
      ) : null}
    </span>
  );
}

/** Who the customer is and how to reach them; each field with its source, masked ones with a way to see them. */
export function FactsPart({ party, asOf, action }: { party: Party; asOf: string | undefined; action?: ReactNode }) {
  const { t, label, code } = useWords();
  const { person, organisation, contactPoints } = party;
  const id = idOf(party.name);
  const masked = new Set(maskedPaths(party));
  const points = (kind: 'email' | 'phone') =>
    contactPoints
      .map((point) => point[kind])
      .filter(Boolean)
      .join(', ');
  const local = party.timeZone
    ? `${party.timeZone} (${new Intl.DateTimeFormat('en-GB', { timeZone: party.timeZone, timeStyle: 'short' }).format(new Date())})`
    : '';
  /** The word for the group of a code, and the code where it says more. */
  const coded = (exactly: string, groupOf: (one: string) => string) =>
    [code(groupOf(exactly)), exactly.length > 1 ? exactly : ''].filter(Boolean).join(' · ');
  const facts: Fact[] = [
    { path: '', name: t('party.kind'), value: label(party.kind) },
    ...(person
      ? [
          { path: 'person.given_name', name: t('party.givenName'), value: person.givenName },
          { path: 'person.family_name', name: t('party.familyName'), value: person.familyName },
          { path: 'person.salutation', name: t('party.salutation'), value: person.salutation },
          { path: 'person.sex', name: t('party.sex'), value: label(person.sex) },
          { path: 'person.birth_date', name: t('party.birthDate'), value: <Day date={person.birthDate} /> },
          { path: 'person.occupation', name: t('party.occupation'), value: coded(person.occupation, occupationOf) },
          { path: 'person.industry', name: t('party.employerIndustry'), value: coded(person.industry, industryOf) },
          {
            path: 'person.education',
            name: t('party.education'),
            value: person.education.endsWith('_UNSPECIFIED') ? '' : label(person.education),
          },
          {
            path: 'person.income',
            name: t('party.income'),
            value: person.income ? <Earned income={person.income} /> : '',
          },
        ]
      : []),
    ...(organisation
      ? [
          { path: 'organisation.legal_name', name: t('party.legalName'), value: organisation.legalName },
          { path: 'organisation.legal_form', name: t('party.legalForm'), value: organisation.legalForm },
          {
            path: 'organisation.registration_number',
            name: t('party.registrationNumber'),
            value: organisation.registrationNumber,
          },
          {
            path: 'organisation.industry',
            name: t('party.industry'),
            value: coded(organisation.industry, industryOf),
          },
        ]
      : []),
    ...(masked.has('contact_points')
      ? [{ path: 'contact_points', name: t('party.contactPoints'), value: '' }]
      : [
          { path: 'contact_points', name: t('search.email'), value: points('email') },
          { path: 'contact_points', name: t('search.phone'), value: points('phone') },
          {
            path: 'contact_points',
            name: t('party.address'),
            value: contactPoints.map(addressOf).filter(Boolean).join('; '),
          },
        ]),
    {
      path: 'identifiers',
      name: t('party.identifiers'),
      value: party.identifiers
        .map(({ kind, value, countryCode }) => `${label(kind)} ${value} ${countryCode}`.trim())
        .join('; '),
    },
    { path: '', name: t('party.manager'), value: <StaffName name={party.relationshipManager} /> },
    { path: 'branch', name: t('party.branch'), value: party.branch },
    { path: 'region', name: t('party.region'), value: [party.region, party.district].filter(Boolean).join(' · ') },
    { path: 'language', name: t('party.language'), value: code(party.language) },
    { path: 'time_zone', name: t('party.localTime'), value: local },
    ...(masked.has('source_key') ? [{ path: 'source_key', name: t('party.sourceKey'), value: '' }] : []),
  ];
  return (
    <Part title={t('customer.facts')} asOf={asOf} action={action}>
      <Descriptions
        size="small"
        column={{ xs: 1, md: 2 }}
        items={facts
          .filter(({ path, value }) => value !== '' || masked.has(path))
          .map(({ path, name, value }) => ({
            key: name,
            label: name,
            children: masked.has(path) ? (
              <Masked key={path} id={id} field={path} name={name} />
            ) : (
              <Flex align="flex-start" gap={4}>
                <span>{value}</span>
                {path ? <Provenance id={id} path={path} name={name} /> : null}
              </Flex>
            ),
          }))}
      />
    </Part>
  );
}
