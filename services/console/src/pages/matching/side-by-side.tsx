import { Table, Tag } from 'antd';
import type { ReactNode } from 'react';
import type { ComparedParty, Comparison } from '../../api/matching.js';
import { Day, PartyName, StaffName, When } from '../../shared/show.js';
import { useWords } from '../../shared/words.js';

interface Row {
  key: string;
  title: string;
  /** What is compared, and what is shown. */
  texts: string[];
  cells: ReactNode[];
}

const lines = (values: string[]): ReactNode =>
  values.length === 0 ? '–' : values.map((value) => <div key={value}>{value}</div>);

const reached = (party: ComparedParty, kind: 'email' | 'phone'): string[] =>
  party.contactPoints.flatMap((point) => point[kind] || []);

const addresses = (party: ComparedParty): string[] =>
  party.contactPoints.flatMap(({ postalAddress: at }) =>
    at ? [...at.lines, at.postalCode, at.locality, at.region, at.countryCode].filter(Boolean).join(', ') : [],
  );

/** Both parties field by field; what differs is marked. */
export function SideBySide({ of }: { of: Comparison }) {
  const { t, label } = useWords();
  const row = (
    key: string,
    title: string,
    textOf: (party: ComparedParty) => string[],
    show?: (party: ComparedParty) => ReactNode,
  ): Row => {
    const texts = of.parties.map((party) => textOf(party).toSorted().join('\n'));
    return { key, title, texts, cells: of.parties.map((party) => (show ? show(party) : lines(textOf(party)))) };
  };
  const organisations = of.parties.some(({ organisation }) => organisation);
  const rows: Row[] = [
    row(
      'name',
      t('party.name'),
      (party) => [party.displayName],
      ({ name }) => <PartyName name={name} />,
    ),
    organisations
      ? row('number', t('party.registrationNumber'), (party) => [party.organisation?.registrationNumber ?? ''])
      : row(
          'birth',
          t('party.birthDate'),
          ({ person }) => [JSON.stringify(person?.birthDate ?? '')],
          ({ person }) => <Day date={person?.birthDate} />,
        ),
    ...(organisations ? [] : [row('sex', t('party.sex'), ({ person }) => [label(person?.sex ?? 'SEX_UNSPECIFIED')])]),
    row('identifiers', t('matching.identifiers'), ({ identifiers }) =>
      identifiers.map(({ kind, value, countryCode }) => `${label(kind)} ${value} ${countryCode}`.trim()),
    ),
    row('phone', t('search.phone'), (party) => reached(party, 'phone')),
    row('email', t('search.email'), (party) => reached(party, 'email')),
    row('address', t('party.address'), addresses),
    row('branch', t('party.branch'), ({ branch, region }) => [[branch, region].filter(Boolean).join(', ') || '–']),
    row(
      'manager',
      t('party.manager'),
      ({ relationshipManager }) => [relationshipManager],
      ({ relationshipManager }) => <StaffName name={relationshipManager} />,
    ),
    row('source', t('party.sourceKey'), ({ source, sourceKey }) => [`${source} ${sourceKey}`.trim() || '–']),
    row('path', t('party.organisationPath'), ({ organisationPath }) => [organisationPath]),
    row(
      'created',
      t('matching.known'),
      ({ createTime = '' }) => [createTime],
      ({ createTime }) => <When time={createTime} />,
    ),
  ];
  // That two records have keys and times of their own says nothing.
  const differs = ({ key, texts }: Row): boolean => texts[0] !== texts[1] && key !== 'source' && key !== 'created';
  return (
    <Table<Row>
      size="small"
      rowKey="key"
      dataSource={rows}
      pagination={false}
      scroll={{ x: 'max-content' }}
      onRow={(one) => (differs(one) ? { style: { background: '#fff7e6' }, 'data-differs': true } : {})}
      columns={[
        {
          title: '',
          render: (_, one) => (
            <>
              {one.title} {differs(one) ? <Tag color="orange">{t('matching.differs')}</Tag> : null}
            </>
          ),
        },
        { title: t('matching.first'), render: (_, { cells }) => cells[0] },
        { title: t('matching.second'), render: (_, { cells }) => cells[1] },
      ]}
    />
  );
}
