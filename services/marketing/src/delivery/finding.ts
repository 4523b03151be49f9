import { GateFinding, GateFindingCode as Code } from '@rapport/proto/marketing/v1';

const words: Readonly<Record<Code, (finding: GateFinding) => string>> = {
  [Code.GATE_FINDING_CODE_UNSPECIFIED]: () => '',
  [Code.GATE_FINDING_CODE_ON_SUPPRESSION_LIST]: () => 'on the suppression list',
  [Code.GATE_FINDING_CODE_NOT_SUPPRESSED]: () => 'on no suppression list',
  [Code.GATE_FINDING_CODE_CUSTOMER_UNAVAILABLE]: () => 'customer does not answer',
  [Code.GATE_FINDING_CODE_OTHER_PART_OF_BANK]: () => 'belongs to another part of the bank',
  [Code.GATE_FINDING_CODE_PARTY_UNKNOWN]: () => 'is not known to customer',
  [Code.GATE_FINDING_CODE_RESTRICTED]: () => 'its processing is restricted',
  [Code.GATE_FINDING_CODE_NO_CONTACT_POLICY]: () => 'no contact policy holds here',
  [Code.GATE_FINDING_CODE_MESSAGES_COUNTED]: ({ messages, messagesAllowed, days }) =>
    `${messages} of ${messagesAllowed} messages in ${days} days`,
  [Code.GATE_FINDING_CODE_NO_CAP]: () => 'no cap',
  [Code.GATE_FINDING_CODE_TIME_ZONE_UNKNOWN]: () => 'the time zone is not known',
  [Code.GATE_FINDING_CODE_INSIDE_QUIET_HOURS]: ({ startTime, endTime }) => `inside ${startTime} to ${endTime}`,
  [Code.GATE_FINDING_CODE_OUTSIDE_QUIET_HOURS]: ({ startTime, endTime }) => `outside ${startTime} to ${endTime}`,
  [Code.GATE_FINDING_CODE_NO_QUIET_HOURS]: () => 'no quiet hours',
  [Code.GATE_FINDING_CODE_OUTSIDE_CONTACT_HOURS]: () => 'outside of the contact hours',
  [Code.GATE_FINDING_CODE_CONSENT_WITHDRAWN]: () => 'refused or taken back',
  [Code.GATE_FINDING_CODE_CONSENT_EXPIRED]: () => 'has ended',
  [Code.GATE_FINDING_CODE_CONSENT_NEVER_GIVEN]: () => 'never given',
  [Code.GATE_FINDING_CODE_CONSENT_GIVEN]: () => 'given',
  [Code.GATE_FINDING_CODE_PARTY_CLOSED]: () => 'closed',
  [Code.GATE_FINDING_CODE_NO_ADDRESS]: () => 'no address',
  [Code.GATE_FINDING_CODE_REACHABLE]: () => 'active, with an address',
  [Code.UNRECOGNIZED]: () => '',
};

/** A finding with its parameters. */
export function found(code: Code, parameters: Partial<Omit<GateFinding, 'code'>> = {}): GateFinding {
  return GateFinding.fromPartial({ code, ...parameters });
}

/** Findings in English. */
export function inWords(findings: readonly GateFinding[]): string {
  return findings.map((finding) => words[finding.code](finding)).join(', ');
}
