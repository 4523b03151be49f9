import { domainToASCII } from 'node:url';
import { type Cleaned, issue } from './issue.js';
import { tidy } from './text.js';

const local = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/i;
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** Ends that no registry gives out and fingers make of those that are. */
const slips = /\.(?:con|cmo|ocm|comm|coom|vom|xom|cim|nte|ner|ogr|rog|orgg|eud|czz|cx)$/;
/** Big providers; a domain one slip away from one of them is suspect. */
const providers = [
  'gmail.com',
  'hotmail.com',
  'outlook.com',
  'yahoo.com',
  'icloud.com',
  'seznam.cz',
  'qq.com',
  '163.com',
];
const similar = new Set(['mail.com', 'ymail.com', '126.com', '139.com', 'email.cz', 'qq.co']);
const placeholders =
  /^(?:none|no|n\.?a|na|nomail|noemail|no-?reply|test|unknown|xxx*|aaa*|asdf)@|@(?:none|test|nomail|noemail)\./;

/**
 * An e-mail address: dot-atom of RFC 5321 before the `@`, a domain with at least two labels after it, in lower case and,
 * for international names, in Punycode (RFC 5891). The case of the local part stays, since only the receiver may say that
 * it means nothing; the key folds it. Likely mistakes are flagged and never changed.
 */
export function cleanEmail(raw: string, field = 'email'): Cleaned {
  const { text, issues } = tidy(raw, field, 254);
  const bare = text
    .replace(/^mailto:/i, '')
    .replace(/^<(.*)>$/, '$1')
    .trim();
  const at = bare.lastIndexOf('@');
  const before = bare.slice(0, Math.max(at, 0));
  const domain = domainToASCII(bare.slice(at + 1).replace(/\.$/, '')).toLowerCase();
  const labels = domain.split('.');
  const wellFormed =
    at > 0 && before.length <= 64 && local.test(before) && labels.length > 1 && labels.every((one) => label.test(one));
  const value = `${before}@${domain}`;
  if (!wellFormed || /^\d+$/.test(labels.at(-1) ?? '') || value.length > 254) {
    return { value: text, key: text.toLowerCase(), issues: [...issues, issue(field, 'email_syntax')] };
  }
  if (value !== raw) issues.push(issue(field, 'email_reformatted'));
  if (slips.test(domain) || (!similar.has(domain) && providers.some((one) => oneSlip(domain, one)))) {
    issues.push(issue(field, 'email_domain_suspect'));
  }
  if (placeholders.test(value.toLowerCase())) issues.push(issue(field, 'email_placeholder'));
  return { value, key: value.toLowerCase(), issues };
}

/** Whether one letter left out, put in, changed or swapped with its neighbour makes one text of the other. */
function oneSlip(a: string, b: string): boolean {
  if (a === b || Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  const restA = a.slice(start, a.length - end);
  const restB = b.slice(start, b.length - end);
  if (restA.length <= 1 && restB.length <= 1) return true;
  return restA.length === 2 && restB.length === 2 && restA[0] === restB[1] && restA[1] === restB[0];
}
