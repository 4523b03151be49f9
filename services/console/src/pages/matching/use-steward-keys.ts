import { useEffect, useRef } from 'react';

export type StewardKey = 'j' | 'k' | 's' | 'd' | 'n' | 'u';
const keys: readonly string[] = ['j', 'k', 's', 'd', 'n', 'u'];

/** The keys of the queue; nothing while somebody types, in a dialog, or after `g`, which leads to a page. */
export function useStewardKeys(onKey: (key: StewardKey) => void): void {
  const handler = useRef(onKey);
  handler.current = onKey;
  useEffect(() => {
    let goes = 0;
    const listen = (event: KeyboardEvent): void => {
      const { target, key } = event;
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      if (target instanceof HTMLElement && target.closest('input, textarea, [role=dialog], [role=combobox]')) return;
      const inSequence = Date.now() - goes < 1500;
      goes = key === 'g' ? Date.now() : 0;
      if (!inSequence && keys.includes(key)) handler.current(key as StewardKey);
    };
    window.addEventListener('keydown', listen);
    return () => window.removeEventListener('keydown', listen);
  }, []);
}
