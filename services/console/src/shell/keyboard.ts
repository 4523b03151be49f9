import { useEffect } from 'react';
import { useNavigate } from 'react-router';
import { places } from './places.js';

const sequenceMs = 1500;

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** `/` goes to the search, `g` and a letter to a page, `?` tells about it. Nothing while somebody types. */
export function useKeyboard(showHelp: () => void): void {
  const navigate = useNavigate();
  useEffect(() => {
    let began = 0;
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const inSequence = Date.now() - began < sequenceMs;
      began = 0;
      if (event.key === '/') {
        event.preventDefault();
        const box = document.querySelector<HTMLInputElement>('#customer-search');
        if (box) box.focus();
        else void navigate('/parties');
      } else if (event.key === '?') showHelp();
      else if (inSequence) {
        const place = places.find(({ key }) => key === event.key);
        if (place) void navigate(place.path);
      } else if (event.key === 'g') began = Date.now();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [navigate, showHelp]);
}
