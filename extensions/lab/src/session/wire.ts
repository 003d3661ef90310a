/** How a page asks for its session: the server's own half, and whoever answers in its place. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { Said, Session } from './shape.ts';
import type { Heard } from './state.ts';

const DEADLINE = 10_000;

/** One look. It never fails: that nobody answers is an answer, too. */
export async function look(settings: ServerConnection.ISettings): Promise<Heard> {
  const at = Date.now();
  let response: Response;
  try {
    response = await request(settings, 'session', 'GET');
  } catch {
    return { from: 'nobody', at };
  }
  const body = await json(response);
  if (response.ok) {
    // A login page is no session.
    return isSession(body) ? { from: 'server', at: Date.now(), session: body } : { from: 'stranger', at };
  }
  if (response.status === 401 || response.status === 403) {
    return { from: 'stranger', at };
  }
  if (response.status === 424) {
    const said = saidIn(body);
    return said === null ? { from: 'hub', at } : { from: 'door', at, said, since: sinceIn(body) };
  }
  return { from: 'nobody', at };
}

/** Asks for a new attempt; resolves to the broker's own words where it refuses, and rejects where nobody answers. */
export async function moveOn(settings: ServerConnection.ISettings): Promise<Said | null> {
  const response = await request(settings, 'move-on', 'POST');
  if (response.ok) {
    return null;
  }
  const said = saidIn(await json(response));
  if (said === null) {
    throw new Error(`move-on: ${response.status}`);
  }
  return said;
}

/** Tells the server that its person is here. */
export async function stayAwake(settings: ServerConnection.ISettings): Promise<void> {
  await request(settings, 'awake', 'POST');
}

function request(settings: ServerConnection.ISettings, name: string, method: string): Promise<Response> {
  const url = URLExt.join(settings.baseUrl, 'sampan', 'api', name);
  const init = { method, cache: 'no-store' as const, signal: AbortSignal.timeout(DEADLINE) };
  return ServerConnection.makeRequest(url, init, settings);
}

async function json(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return null;
  }
}

function isSession(body: unknown): body is Session {
  return typeof body === 'object' && body !== null && 'launch' in body && 'tag' in body;
}

function saidIn(body: unknown): Said | null {
  const said = (body as { error?: Partial<Said> } | null)?.error;
  const whole = typeof said?.code === 'string' && typeof said.en === 'string' && typeof said.zh === 'string';
  return whole ? (said as Said) : null;
}

/** The moment that a sentence names: `2026-11-25 04:33 UTC`. */
function sinceIn(body: unknown): number | null {
  const told = (body as { error?: { params?: { since?: unknown } } } | null)?.error?.params?.since;
  if (typeof told !== 'string') {
    return null;
  }
  const moment = Date.parse(told.replace(' UTC', 'Z').replace(' ', 'T'));
  return Number.isNaN(moment) ? null : moment;
}
