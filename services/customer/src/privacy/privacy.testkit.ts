import { uuidv7 } from '@rapport/kit/runtime';
import { DataSubjectRequest, type DataSubjectRequestKind as Kind, type Party } from '@rapport/proto/customer/v1';
import { as, type Running } from '../customer.testkit.js';

/** The privacy officer of a part of the bank. */
export const officer = (orgPath = '/berka') => as({ sub: 'staff/petra', roles: ['privacy_officer'], orgPath });

export const idOf = (party: Party): string => party.name.slice('parties/'.length);

/** The steps of a request, taken by the privacy officer unless somebody else is given. */
export function rightsAt(running: () => Running) {
  return {
    open: async (party: Party, kind: Kind, over: object = {}, options = officer()): Promise<DataSubjectRequest> => {
      const dataSubjectRequest = DataSubjectRequest.fromPartial({ party: party.name, kind, identityCheck: 1, ...over });
      const request = { dataSubjectRequest, requestId: uuidv7() };
      return (await running().privacy.createDataSubjectRequest(request, options))
        .dataSubjectRequest as DataSubjectRequest;
    },
    get: async (name: string, options = officer()) =>
      (await running().privacy.getDataSubjectRequest({ name }, options)).dataSubjectRequest as DataSubjectRequest,
    decide: async (name: string, over: object = {}, options = officer()) => {
      const request = { name, refusalReason: 0, identityCheck: 0, requestId: uuidv7(), ...over };
      return (await running().privacy.decideDataSubjectRequest(request, options))
        .dataSubjectRequest as DataSubjectRequest;
    },
    complete: (name: string) => running().privacy.completeDataSubjectRequest({ name, requestId: uuidv7() }, officer()),
  };
}
