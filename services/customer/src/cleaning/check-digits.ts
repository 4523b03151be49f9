/** Letters count from A = 10 to Z = 35. */
function numberOf(character: string): number {
  return Number.parseInt(character, 36);
}

/** The rest of the number that the characters spell, letters as two digits, modulo 97 (ISO 7064). */
function mod97(text: string): number {
  let rest = 0;
  for (const character of text) {
    const value = numberOf(character);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/** Lengths of IBANs by country, from the register of ISO 13616 that SWIFT keeps. */
const ibanLengths: Record<string, number> = Object.fromEntries(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ' +
    'ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 ' +
    'LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 ' +
    'PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 ' +
    'YE30'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

/** Whether a compact text has the form of an IBAN: a country of the register and its length. */
export function looksLikeIban(iban: string): boolean {
  return /^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(iban) && ibanLengths[iban.slice(0, 2)] === iban.length;
}

/** The IBAN of a country and its national account number, with the check digits of ISO 13616. */
export function ibanOf(country: string, account: string): string {
  return country + twoDigits(98 - mod97(`${account}${country}00`)) + account;
}

/** Whether the compact text is an IBAN. Finds every single wrong digit. */
export function ibanValid(iban: string): boolean {
  return looksLikeIban(iban) && mod97(iban.slice(4) + iban.slice(0, 4)) === 1;
}

/** A legal entity identifier of its first 18 characters, ISO 17442. */
export function leiOf(first18: string): string {
  return first18 + twoDigits(98 - mod97(`${first18}00`));
}

/** Whether the compact text is an LEI. Finds every single wrong character of the same class. */
export function leiValid(lei: string): boolean {
  return /^[A-Z0-9]{18}\d{2}$/.test(lei) && mod97(lei) === 1;
}

/** The digit that makes a number pass the formula of Luhn (ISO/IEC 7812-1). */
export function luhnDigit(digits: string): string {
  let sum = 0;
  for (let at = digits.length - 1, double = true; at >= 0; at -= 1, double = !double) {
    const value = Number(digits[at]) * (double ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  }
  return String((10 - (sum % 10)) % 10);
}

/** Whether the last digit is that of Luhn. Finds every single wrong digit. */
export function luhnValid(digits: string): boolean {
  return /^\d{2,}$/.test(digits) && luhnDigit(digits.slice(0, -1)) === digits.at(-1);
}

/** The last character of a Chinese resident number of its first 17 digits: ISO 7064 MOD 11-2, as GB 11643-1999 says. */
export function residentDigit(first17: string): string {
  let sum = 0;
  for (const digit of first17) sum = ((sum + Number(digit)) * 2) % 11;
  return '0123456789X'[(12 - sum) % 11] as string;
}

const socialAlphabet = '0123456789ABCDEFGHJKLMNPQRTUWXY';

/** The last character of a Chinese unified social credit code of its first 17: GB 32100-2015, MOD 31 with weights 3^i. */
export function socialCreditDigit(first17: string): string {
  let weight = 1;
  let sum = 0;
  for (const character of first17) {
    sum += socialAlphabet.indexOf(character) * weight;
    weight = (weight * 3) % 31;
  }
  return socialAlphabet[(31 - (sum % 31)) % 31] as string;
}

/** Whether the compact text is a unified social credit code. */
export function socialCreditValid(code: string): boolean {
  return (
    /^[1-9A-GY][1239]\d{6}[0-9A-HJ-NPQRTUWXY]{10}$/.test(code) && socialCreditDigit(code.slice(0, 17)) === code[17]
  );
}

/** The last digit of a Czech birth number of ten digits: the nine before it modulo 11, and 0 for 10 (until 1985). */
export function birthNumberDigit(first9: string): string {
  return String((Number(first9) % 11) % 10);
}

/** The last digit of a Czech registration number (IČO), modulo 11 with weights 8 to 2. */
export function registrationDigit(first7: string): string {
  const sum = [...first7].reduce((total, digit, at) => total + Number(digit) * (8 - at), 0);
  return String((11 - (sum % 11)) % 10);
}
