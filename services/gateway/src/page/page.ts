import type { Language } from '../session/session.js';

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escapes a text for HTML content and attribute values. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

/** The language that an Accept-Language header or a list of `ui_locales` asks for first; English when neither. */
export function languageOf(...wishes: (string | undefined)[]): Language {
  for (const wish of wishes) {
    for (const part of (wish ?? '').split(/[\s,]+/)) {
      const tag = part.split(';')[0]?.toLowerCase() ?? '';
      if (tag === 'zh' || tag.startsWith('zh-')) return 'zh';
      if (tag === 'en' || tag.startsWith('en-')) return 'en';
    }
  }
  return 'en';
}

const style = `
:root { color-scheme: light dark; font-family: system-ui, "Noto Sans SC", "PingFang SC", sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: Canvas; color: CanvasText; }
main { width: min(22rem, calc(100vw - 2rem)); padding: 2rem 0; }
h1 { font-size: 1.5rem; margin: 0 0 1.5rem; }
label { display: block; margin: 1rem 0 .25rem; }
input { width: 100%; box-sizing: border-box; padding: .6rem; font: inherit; border: 1px solid GrayText; border-radius: 6px; }
button { width: 100%; margin-top: 1.5rem; padding: .7rem; font: inherit; color: #fff; background: #0b57a4; border: 0;
  border-radius: 6px; cursor: pointer; }
:focus-visible { outline: 3px solid #f0a500; outline-offset: 2px; }
[role=alert] { padding: .75rem 1rem; border-left: 4px solid #b3261e; background: #fdecea; color: #5f1410; }
nav { margin-top: 2rem; }
`;

/** A whole page without scripts, in one language; `content` is HTML and must be escaped by the caller. */
export function page(language: Language, title: string, content: string): string {
  return `<!doctype html>
<html lang="${language === 'zh' ? 'zh-CN' : 'en'}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body><main>
<h1>${escapeHtml(title)}</h1>
${content}
</main></body>
</html>
`;
}
