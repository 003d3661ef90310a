/** How this page asks the server's own half of the extension: `sampan/api/…`. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { Said } from './session/shape.ts';

export const DEADLINE = 10_000;

export function request(
  settings: ServerConnection.ISettings,
  path: string,
  method: string,
  wish?: object
): Promise<Response> {
  const url = URLExt.join(settings.baseUrl, 'sampan', 'api', path);
  const sent = wish === undefined ? {} : { body: JSON.stringify(wish) };
  const init = { method, cache: 'no-store' as const, signal: AbortSignal.timeout(DEADLINE), ...sent };
  return ServerConnection.makeRequest(url, init, settings);
}

/** What was asked for, or why not; `refused` is null where nobody said why. */
export type Told<T> = { readonly answer: T } | { readonly refused: Said | null };

/** Asks. It never fails: that nobody answers is an answer, too. */
export async function ask<T>(
  settings: ServerConnection.ISettings,
  path: string,
  method = 'GET',
  wish?: object
): Promise<Told<T>> {
  try {
    const response = await request(settings, path, method, wish);
    const body = await json(response);
    return response.ok && body !== null ? { answer: body as T } : { refused: saidIn(body) };
  } catch {
    return { refused: null };
  }
}

export async function json(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return null;
  }
}

export function saidIn(body: unknown): Said | null {
  const said = (body as { error?: Partial<Said> } | null)?.error;
  const whole = typeof said?.code === 'string' && typeof said.en === 'string' && typeof said.zh === 'string';
  return whole ? (said as Said) : null;
}
