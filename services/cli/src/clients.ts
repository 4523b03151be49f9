import { type ClientOf, client, type Identity, type OutgoingOptions, signer, signingIdentity } from '@rapport/kit/rpc';
import { CasesServiceService } from '@rapport/proto/cases/v1';
import {
  CustomerServiceService,
  MatchingServiceService,
  PrivacyServiceService,
  SourceServiceService,
} from '@rapport/proto/customer/v1';
import { MarketingServiceService } from '@rapport/proto/marketing/v1';
import { OperationsServiceService } from '@rapport/proto/operations/v1';
import { PerformanceServiceService } from '@rapport/proto/performance/v1';
import { ReportingServiceService } from '@rapport/proto/reporting/v1';
import {
  InsightServiceService,
  SchemeServiceService,
  SegmentationServiceService,
  StaticListServiceService,
} from '@rapport/proto/segmentation/v1';
import { type ServiceName, type Suite, serviceNames } from './suite.js';

/** Who a call is made for. The operator's key may speak for any employee; the audit records name the employee. */
export interface Person {
  readonly id: string;
  readonly roles: readonly string[];
  readonly organisationPath: string;
}

/** The services of a running suite, called by the operator unless a call says who else. */
export interface Clients {
  readonly customer: ClientOf<typeof CustomerServiceService>;
  readonly matching: ClientOf<typeof MatchingServiceService>;
  readonly privacy: ClientOf<typeof PrivacyServiceService>;
  readonly sources: ClientOf<typeof SourceServiceService>;
  readonly segmentation: ClientOf<typeof SegmentationServiceService>;
  readonly insight: ClientOf<typeof InsightServiceService>;
  readonly schemes: ClientOf<typeof SchemeServiceService>;
  readonly lists: ClientOf<typeof StaticListServiceService>;
  readonly marketing: ClientOf<typeof MarketingServiceService>;
  readonly cases: ClientOf<typeof CasesServiceService>;
  readonly performance: ClientOf<typeof PerformanceServiceService>;
  readonly reporting: ClientOf<typeof ReportingServiceService>;
  readonly operations: Readonly<Record<ServiceName, ClientOf<typeof OperationsServiceService>>>;
  /** Options of a call made for a person. */
  as(person: Person): Promise<OutgoingOptions>;
  close(): void;
}

/**
 * Opens the clients. `patient` calls ride out a service, a broker or a database that is away for minutes: each is tried
 * again until three minutes are over; otherwise a call fails after ten seconds.
 */
export function openClients(suite: Suite, patient: boolean): Clients {
  const key = signer(suite.keyFile);
  const operator = signingIdentity(key, {
    typ: 'staff',
    sub: 'staff/operator',
    roles: ['operator', 'administrator'],
    orgPath: '/',
  });
  const options = patient
    ? { identity: operator, timeoutMs: 180_000, attempts: 200, maxPauseMs: 2_000 }
    : { identity: operator, timeoutMs: 10_000 };
  const people = new Map<string, Identity>();
  const open = {
    customer: client({ service: CustomerServiceService }, suite.addresses.customer, options),
    matching: client({ service: MatchingServiceService }, suite.addresses.customer, options),
    privacy: client({ service: PrivacyServiceService }, suite.addresses.customer, options),
    sources: client({ service: SourceServiceService }, suite.addresses.customer, options),
    segmentation: client({ service: SegmentationServiceService }, suite.addresses.segmentation, options),
    insight: client({ service: InsightServiceService }, suite.addresses.segmentation, options),
    schemes: client({ service: SchemeServiceService }, suite.addresses.segmentation, options),
    lists: client({ service: StaticListServiceService }, suite.addresses.segmentation, options),
    marketing: client({ service: MarketingServiceService }, suite.addresses.marketing, options),
    cases: client({ service: CasesServiceService }, suite.addresses.cases, options),
    performance: client({ service: PerformanceServiceService }, suite.addresses.performance, options),
    reporting: client({ service: ReportingServiceService }, suite.addresses.reporting, options),
  };
  const operations = Object.fromEntries(
    serviceNames.map((name) => [name, client({ service: OperationsServiceService }, suite.addresses[name], options)]),
  ) as Clients['operations'];
  return {
    ...open,
    operations,
    async as(person) {
      const known = people.get(person.id);
      const identity =
        known ??
        signingIdentity(key, {
          typ: 'staff',
          sub: `staff/${person.id}`,
          roles: [...person.roles],
          orgPath: person.organisationPath,
        });
      people.set(person.id, identity);
      return { token: await identity.token() };
    },
    close() {
      for (const one of Object.values(open)) one.close();
      for (const one of Object.values(operations)) one.close();
    },
  };
}
