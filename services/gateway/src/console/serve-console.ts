import { existsSync } from 'node:fs';
import { join } from 'node:path';
import express, { type RequestHandler, Router } from 'express';
import { fail } from '../errors.js';

const yearSeconds = 31_536_000;

/**
 * Serves the built console. Files below `/assets` carry a hash in their name and may be kept for a year, all others are
 * asked for again. Any other page address of a browser gets index.html, where the console's own router takes over.
 */
export function serveConsole(directory: string): RequestHandler {
  const router = Router();
  const assets = {
    immutable: true,
    maxAge: yearSeconds * 1000,
    index: false,
    redirect: false,
    fallthrough: false,
  };
  router.use('/assets', express.static(join(directory, 'assets'), assets));
  router.use(
    express.static(directory, {
      index: false,
      redirect: false,
      cacheControl: false,
    }),
  );
  router.use((request, response, next) => {
    if ((request.method !== 'GET' && request.method !== 'HEAD') || !request.accepts('html')) throw fail('NO_SUCH_PATH');
    if (!existsSync(join(directory, 'index.html'))) throw fail('NO_SUCH_PATH', { detail: 'The console is not built.' });
    response
      .set('cache-control', 'no-cache')
      .sendFile('index.html', { root: directory, cacheControl: false }, (error) => {
        if (error) next(response.headersSent ? undefined : error);
      });
  });
  return router;
}
