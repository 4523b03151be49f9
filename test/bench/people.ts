/** Names as a bank of several countries has them: few that many have, and a long tail that hardly anybody shares. */
export interface Name {
  givenName: string;
  familyName: string;
}

const given =
  'Jiří Jan Petr Jana Marie Josef Pavel Martin Eva Hana Tomáš Jaroslav Anna Lenka Kateřina Lucie Miroslav Věra Alena Zdeněk Petra František Veronika Jaroslava Tereza Michal Martina Jakub Helena Milan Karel Lukáš David Ludmila Ondřej Vladimír Zdeňka Markéta Barbora Filip Jitka Michaela Kristýna Roman Emily Oliver Grace Harry Sophie Thomas Charlotte James'.split(
    ' ',
  );
const family =
  'Novák Svoboda Novotný Dvořák Černý Procházka Kučera Veselý Horák Němec Pokorný Marek Pospíšil Hájek Jelínek Král Růžička Beneš Fiala Sedláček Nováková Svobodová Novotná Dvořáková Černá Procházková Kučerová Veselá Horáková Smith Jones Taylor Brown Williams Wilson Johnson Davies Patel Robinson Müller Schmidt Schneider Fischer Weber'.split(
    ' ',
  );
const chineseFamily = [
  ...'王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈',
];
const chineseGiven = [
  ...'明华伟芳娜敏静强磊洋勇艳杰娟涛超霞平刚桂英文玉兰红军建国志海燕春梅小雪丽云峰宇晨浩然子轩雨欣怡思嘉佳俊晓东',
];
const syllables =
  'ba bo ce da do fe ga ha ho ja ji ka ko la le li ma mi mo na ne no pa pe ra re ro sa se si ta te to va ve vo za ze'.split(
    ' ',
  );
const endings = 'k l n r s t š č ký ová ák ek ín er man'.split(' ');

/** Numbers between 0 and 1 that are the same in each run (mulberry32). */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A name: the first of each list are the most frequent, three in ten family names are of the long tail. */
export function nameOf(next: () => number): Name {
  const pick = (of: readonly string[]): string => of[Math.floor(next() ** 2 * of.length)] as string;
  if (next() < 0.15) {
    const givenName = pick(chineseGiven) + (next() < 0.7 ? pick(chineseGiven) : '');
    return { givenName, familyName: pick(chineseFamily) };
  }
  if (next() < 0.7) return { givenName: pick(given), familyName: pick(family) };
  const stem = Array.from({ length: 2 + Math.floor(next() * 2) }, () => pick(syllables)).join('');
  const word = stem + pick(endings);
  return { givenName: pick(given), familyName: (word[0] as string).toUpperCase() + word.slice(1) };
}
