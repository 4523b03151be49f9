// What is wrong with a rule, in Chinese. The service says it in English; what has no sentence here stays as it is.

const types: Readonly<Record<string, string>> = {
  number: '数值',
  string: '文本',
  bool: '是非值',
  date: '日期',
};
const typeOf = (word: string | undefined): string => types[word ?? ''] ?? word ?? '';

type Said = (found: RegExpExecArray) => string;
const written =
  (text: string): Said =>
  (found) =>
    text.replaceAll(/\$(\d)/g, (_, place: string) => found[Number(place)] ?? '');

const sentences: readonly [RegExp, Said][] = [
  [/^(\S+) needs brackets\.$/, written('$1 需要括号。')],
  [/^(\S+) is no attribute\.$/, written('没有属性 $1。')],
  [/^(\S+) is written without brackets\.$/, written('$1 不带括号。')],
  [/^Here stands neither an attribute nor a constant\.$/, written('这里既不是属性，也不是常量。')],
  [/^A (\w+) is not reckoned with, only numbers\.$/, ([, type]) => `${typeOf(type)}不能参与计算，只有数值可以。`],
  [/^Nothing is divided by 0\.$/, written('不能除以 0。')],
  [/^A number is at most (\d+)\.$/, written('数值不得超过 $1。')],
  [/^size takes one text\.$/, written('size 只接受一个文本。')],
  [/^Only a text has a size here\.$/, written('这里只有文本有长度。')],
  [
    /^There is no scheme (\S+); create it first, or mend its id\.$/,
    written('没有分组方案 $1：请先创建，或更正其标识。'),
  ],
  [/^The scheme (\S+) is not in use; publish it first\.$/, written('分组方案 $1 尚未使用：请先发布。')],
  [/^The scheme (\S+) is a partition, which gives no scores\.$/, written('分组方案 $1 是划分，没有得分。')],
  [/^The scheme (\S+) has no group (.+); it has (.+)\.$/, written('分组方案 $1 没有组 $2；现有 $3。')],
  [/^There is no list (\S+); create it first, or mend its id\.$/, written('没有名单 $1：请先创建，或更正其标识。')],
  [/^The segment would ask for itself: (.+)\.$/, written('该客群会引用自身：$1。')],
  [
    /^No segment (\S+) is in use; publish it first, or mend its id\.$/,
    written('客群 $1 未在使用：请先发布，或更正其标识。'),
  ],
  [
    /^A condition cannot be compared; join conditions with && and \|\|\.$/,
    written('条件不能相互比较；请用 && 和 || 连接条件。'),
  ],
  [/^(.+) is not part of the rule language\.$/, written('规则语言中没有 $1。')],
  [/^Macros are not part of the rule language\.$/, written('规则语言不支持宏。')],
  [/^(\S+) is never "(.*)"; it is one of (.+)\.$/s, written('$1 不会是“$2”；可取值：$3。')],
  [
    /^A (\w+) cannot be compared with a (\w+)\.(?: Write a day as (.+)\.)?$/,
    ([, one, other, day]) => `${typeOf(one)}不能与${typeOf(other)}比较。${day ? `日期写作 ${day}。` : ''}`,
  ],
  [
    /^A (\w+) is compared with ==, !=(, in and startsWith)?\.$/,
    ([, type, more]) => `${typeOf(type)}用 ==、!=${more ? '、in 和 startsWith' : ''} 比较。`,
  ],
  [/^A bool is compared with == and !=\.$/, written('是非值用 == 和 != 比较。')],
  [/^After in stands a list, as (.+)\.$/, written('in 之后是列表，如 $1。')],
  [/^A list holds constants only\.$/, written('列表中只能是常量。')],
  [/^Only text starts with something\.$/, written('只有文本才能用 startsWith。')],
  [/^startsWith takes (?:one|a constant) text\.$/, written('startsWith 只接受一个文本常量。')],
  [/^Here stands a value where a condition is needed\.$/, written('这里需要条件，而不是值。')],
  [/^Here stands a length of time, as (.+)\.$/, written('这里是时间长度，如 $1。')],
  [/^A length of time is written as (.+)\.$/, written('时间长度写作 $1。')],
  [/^The length of time must be positive\.$/, written('时间长度必须大于 0。')],
  [/^The length of time must not be more than (\w+)\.$/, written('时间长度不得超过 $1。')],
  [/^The (\w+) is a constant text\.$/, written('$1 须为文本常量。')],
  [/^The (\w+) of the (\w+) is one of (.+)\.$/, written('$2 的 $1 可取：$3。')],
  [/^The (\w+) is one of (.+)\.$/, written('$1 可取：$2。')],
  [/^The (\w+) has 1 to 100 characters\.$/, written('$1 须为 1 至 100 个字符。')],
  [/^(\w+) is a number\.$/, written('$1 须为数值。')],
  [/^The (\w+) is a text of 1 to 100 characters\.$/, written('$1 须为 1 至 100 个字符的文本。')],
  [/^Here stands a map with the keys (.+)\.$/, written('这里是映射，键为 $1。')],
  [/^The map has the keys (.+)\.$/, written('映射的键为 $1。')],
  [/^(\w+) stands twice in the map\.$/, written('映射中 $1 出现了两次。')],
  [/^It is written (.+)\.$/, written('写法为 $1。')],
  [/^A day is written as (.+)\.$/, written('日期写作 $1。')],
  [/^This is no day; write (.+)\.$/, written('没有这一天；请写作 $1。')],
  [/^A list stands after in only, a map in brackets only\.$/, written('列表只能在 in 之后，映射只能在括号内。')],
  [/^Neither null nor bytes can be compared\.$/, written('空值和字节不能比较。')],
  [/^The rule is nested too deep\.$/, written('规则层级过深。')],
  [/^The rule is longer than (\d+) bytes\.$/, written('规则超过 $1 字节。')],
  [/^The rule is nested deeper than (\d+)\.$/, written('规则层级超过 $1 层。')],
  [/^The rule has more than (\d+) parts\.$/, written('规则超过 $1 个部分。')],
  [
    /^No party can meet this and what stands before it about (\S+)\.$/,
    written('没有客户能同时满足此条件与前面关于 $1 的条件。'),
  ],
  [
    /^No party can meet this: (\S+) is (?:a whole number|a value)(?: of at least (\S+?))?(?:(?: of| and) at most (\S+?))?\.$/,
    ([, key, least, most]) =>
      `没有客户能满足此条件：${key}${least ? ` 至少为 ${least}` : ''}${most ? `${least ? '，' : ' '}至多为 ${most}` : ''}${least || most ? '' : ' 须为整数'}。`,
  ],
  [/^The list is empty: nobody is in it\.$/, written('列表为空：没有人符合。')],
  [/^The rule takes nobody, whoever they are\.$/, written('无论是谁，该规则都不会选中。')],
  [/^No rule is made of (\w+): it is of class C3\.$/, written('$1 属 C3 级，不用于规则。')],
  [/^Days are counted: the time between is at least (.+)\.$/, written('按天计数：间隔至少为 $1。')],
  [/^The (\w+) is asked for by (.+), not by (\w+)\.$/, written('$1 按 $2 查询，不按 $3。')],
];

/** What is wrong with a rule in Chinese, or as the service said it. */
export function problemInChinese(message: string): string {
  for (const [pattern, say] of sentences) {
    const found = pattern.exec(message);
    if (found) return say(found);
  }
  return message;
}
