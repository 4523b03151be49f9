import { createRoot } from 'react-dom/client';
import { startLanguages } from './i18n/index.js';
import { Console } from './shell/console.js';
import './style.css';

async function start(): Promise<void> {
  await startLanguages();
  const place = document.getElementById('root');
  if (place) createRoot(place).render(<Console />);
}

void start();
