import { SaxesParser, type SaxesTagNS } from 'saxes';
import { OperatorError } from '../suite.js';

/** An element with what it holds. */
export interface Element {
  readonly name: string;
  /** The value of `Ccy`, the one attribute that amounts carry. */
  readonly currency: string;
  readonly children: Element[];
  text: string;
  /** Where it begins. */
  readonly line: number;
}

const DEPTH = 64;
const NAME = 128;
const TEXT = 65_536;
/** An element that holds more than this is no part of a statement. */
const NODES = 1_000_000;
/** So much text without a tag: a comment, an attribute or a text that never ends. */
const SILENCE = 1_048_576;

/** What is heard of a document. */
export interface Heard {
  /** The outermost element, with its namespace. */
  root(name: string, namespace: string): void;
  /** Whether an element is wanted whole: it is then given to `whole` when it ends, with all that it holds. */
  wants(path: string): boolean;
  whole(path: string, element: Element): void;
  /** Whether an element inside of a wanted one is kept; all else below it is passed over and takes no memory. */
  keeps(name: string): boolean;
  /** An element that is not wanted whole begins or ends. */
  begins(path: string, line: number): void;
  ends(path: string, line: number): void;
}

/**
 * Reads XML piece by piece. Entities stay closed: a document type declaration is refused, and with it every entity but the
 * five of XML itself. Depth, names, texts and the size of wanted elements are bounded, so that memory is, whatever comes.
 * Paths are local names joined by `/`. Throws an OperatorError with line and column for what is not well-formed or too big.
 */
export async function readXml(
  chunks: AsyncIterable<string>,
  file: string,
  heard: Heard,
  drain: () => Promise<void>,
): Promise<void> {
  const parser = new SaxesParser({ xmlns: true, fileName: '' });
  const names: string[] = [];
  let open: Element[] = [];
  let passing = 0;
  let nodes = 0;
  let silence = 0;
  const refuse = (why: string): never => {
    throw new OperatorError(`${file}:${parser.line}:${parser.column}: ${why}`);
  };
  parser.on('error', (error) => refuse(`not well-formed: ${error.message.replace(/^:?\d+:\d+: /, '')}`));
  parser.on('doctype', () => refuse('a document type declaration is not taken: entities stay closed'));
  parser.on('opentag', (tag: SaxesTagNS) => {
    silence = 0;
    const { local } = tag;
    if (names.length >= DEPTH) refuse(`elements lie more than ${DEPTH} deep`);
    if (local.length > NAME) refuse(`a name has more than ${NAME} characters`);
    names.push(local);
    const path = names.join('/');
    if (names.length === 1) heard.root(local, tag.uri);
    if (open.length === 0 && !heard.wants(path)) {
      heard.begins(path, parser.line);
      return;
    }
    if (passing > 0 || (open.length > 0 && !heard.keeps(local))) {
      passing += 1;
      return;
    }
    const element: Element = {
      name: local,
      currency: tag.attributes.Ccy?.value ?? '',
      children: [],
      text: '',
      line: parser.line,
    };
    if (element.currency.length > NAME) refuse('a currency has more than three letters');
    nodes += 1;
    if (nodes > NODES) refuse(`an element holds more than ${NODES} others`);
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  const take = (text: string): void => {
    silence = 0;
    const element = open.at(-1);
    if (!element || passing > 0) return;
    if (element.text.length + text.length > TEXT) refuse(`a text has more than ${TEXT} characters`);
    element.text += text;
  };
  parser.on('text', take);
  parser.on('cdata', take);
  parser.on('closetag', () => {
    silence = 0;
    const path = names.join('/');
    names.pop();
    if (passing > 0) {
      passing -= 1;
      return;
    }
    const element = open.pop();
    if (!element) heard.ends(path, parser.line);
    else if (open.length === 0) {
      open = [];
      nodes = 0;
      heard.whole(path, element);
    }
  });
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.length; from += SILENCE) {
      const piece = chunk.slice(from, from + SILENCE);
      silence += piece.length;
      parser.write(piece);
      if (silence > SILENCE) refuse('a text, a comment or an attribute has more than a megabyte');
      await drain();
    }
  }
  parser.close();
  await drain();
}

/** The first element at a path below: `find(entry, 'BookgDt/Dt')`. */
export function find(element: Element | undefined, path: string): Element | undefined {
  let found = element;
  for (const name of path.split('/')) found = found?.children.find((child) => child.name === name);
  return found;
}

/** The trimmed text at the first of the paths that has one; '' when none has. */
export function textAt(element: Element | undefined, ...paths: string[]): string {
  for (const path of paths) {
    const text = find(element, path)?.text.trim();
    if (text) return text;
  }
  return '';
}
