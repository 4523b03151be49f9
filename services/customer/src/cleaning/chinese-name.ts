import type { pinyin } from 'pinyin-pro';

/** Family names of two characters that are in use. */
const compound = new Set(
  (
    '欧阳 歐陽 太史 端木 上官 司马 司馬 东方 東方 独孤 獨孤 南宫 南宮 万俟 闻人 聞人 夏侯 诸葛 諸葛 尉迟 尉遲 公羊 赫连 赫連 ' +
    '澹台 澹臺 皇甫 宗政 濮阳 濮陽 公冶 太叔 申屠 公孙 公孫 慕容 仲孙 仲孫 钟离 鍾離 长孙 長孫 宇文 司徒 鲜于 鮮于 司空 闾丘 ' +
    '子车 亓官 司寇 巫马 公西 颛孙 壤驷 公良 漆雕 乐正 宰父 谷梁 拓跋 夹谷 轩辕 令狐 段干 百里 呼延 东郭 南门 羊舌 微生 梁丘 ' +
    '左丘 东门 西门 南荣 第五'
  ).split(' '),
);

/** The most frequent family names of one character (together about 85 % of the people of China). */
const common = new Set(
  '王李张張刘劉陈陳杨楊赵趙黄黃周吴吳徐孙孫胡朱高林何郭马馬罗羅梁宋郑鄭谢謝韩韓唐冯馮于董萧蕭程曹袁邓鄧许許傅沈曾彭吕呂苏蘇卢盧蒋蔣蔡贾賈丁魏薛叶葉阎閻余潘杜戴夏钟鍾汪田任姜范方石姚谭譚廖邹鄒熊金陆陸郝孔白崔康毛邱秦江史顾顧侯邵孟龙龍万萬段雷钱錢汤湯尹黎易常武乔喬贺賀赖賴龚龔文',
);

const han = /^[\p{Script=Han}〇]+$/u;

/** Whether the text is Chinese characters alone. */
export function isChinese(text: string): boolean {
  return han.test(text);
}

/**
 * A whole Chinese name, family name first: two characters where those are a compound family name and something follows.
 * Names with a middle point, as other peoples of China write them, have the given name first and are left in one piece.
 */
export function splitChinese(name: string): { familyName: string; givenName: string } {
  const characters = [...name];
  const length = characters.length > 2 && compound.has(characters.slice(0, 2).join('')) ? 2 : 1;
  return { familyName: characters.slice(0, length).join(''), givenName: characters.slice(length).join('') };
}

/** Whether the family name stands where the given name should, as far as that can be told. */
export function seemsSwapped(givenName: string, familyName: string): boolean {
  const isFamily = (name: string): boolean => common.has(name) || compound.has(name);
  return isFamily(givenName) && !isFamily(familyName) && [...familyName].length <= 2;
}

type Dictionary = { pinyin: typeof pinyin };

/** The dictionary takes 9 MB of the heap, so that it is there only as long as Chinese names come in. */
const KEPT_MS = 30_000;
let dictionary: Dictionary | undefined;
let used = false;

function readings(): Dictionary {
  used = true;
  if (!dictionary) {
    dictionary = require('pinyin-pro') as Dictionary;
    const timer = setInterval(() => {
      if (!used) {
        clearInterval(timer);
        forget();
      }
      used = false;
    }, KEPT_MS).unref();
  }
  return dictionary;
}

/** Lets go of the dictionary, as Node would keep it for the next who requires it. */
function forget(): void {
  const file = require.resolve('pinyin-pro');
  const place = module.children.findIndex(({ filename }) => filename === file);
  if (place >= 0) module.children.splice(place, 1);
  delete require.cache[file];
  dictionary = undefined;
}

/**
 * The syllables of a name in Pinyin without tones, `ü` as `v` the way it is typed: 吕布 gives `lv`, `bu`. A family name is
 * read as one: 单 is Shan, 曾 is Zeng.
 */
export function syllables(name: string, part: 'family' | 'given'): string[] {
  const surname = part === 'family' ? 'head' : 'off';
  return readings().pinyin(name, { toneType: 'none', type: 'array', v: true, surname, nonZh: 'removed' });
}
