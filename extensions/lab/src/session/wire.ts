/** How a page asks for its session: the server's own half, and whoever answers in its place. */
import { PageConfig, URLExt } from '@jupyterlab/coreutils';
import type { ServerConnection } from '@jupyterlab/services';

import { DEADLINE, json, request, saidIn } from '../wire.ts';
import type { Said, Session } from './shape.ts';
import type { Heard } from './state.ts';

/** One look. It never fails: that nobody answers is an answer, too. `session`: as it was when it was last heard. */
export async function look(settings: ServerConnection.ISettings, session: Session | null): Promise<Heard> {
  const heard = await ask(settings);
  if (heard.from === 'server' || heard.from === 'door' || session === null) {
    return heard;
  }
  const told = await lastWord(session);
  // That the hub runs no such server is no end while the broker says that the session lives.
  return told === 'lives' && heard.from === 'hub'
    ? { from: 'nobody', at: heard.at }
    : fromBroker(told, heard);
}

function fromBroker(told: End | 'lives' | null, heard: Heard): Heard {
  return told === null || told === 'lives' ? heard : { from: 'door', at: heard.at, ...told };
}

interface End {
  readonly said: Said;
  readonly since: number;
}

/** How it has ended, from the broker, by the key that its server had: no login of anybody is needed. Null: no answer. */
async function lastWord(session: Session): Promise<End | 'lives' | null> {
  if (session.end_key === null) {
    return null;
  }
  const root = `${PageConfig.getOption('hubHost')}${PageConfig.getOption('hubPrefix') || '/hub/'}`;
  const url = URLExt.join(root, '..', 'services/sampan/api/launches', session.launch, 'end');
  try {
    const response = await fetch(url, {
      headers: { 'X-Sampan-End-Key': session.end_key },
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.timeout(DEADLINE)
    });
    const body = response.ok
      ? ((await response.json()) as { ended_at: number | null; message: unknown })
      : null;
    if (body === null || body.ended_at === null) {
      return body === null ? null : 'lives';
    }
    const said = saidIn({ error: body.message });
    return said === null ? null : { said, since: 1000 * body.ended_at };
  } catch {
    return null;
  }
}

async function ask(settings: ServerConnection.ISettings): Promise<Heard> {
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
export async function moveOn(settings: ServerConnection.ISettings, minutes: number): Promise<Said | null> {
  const response = await request(settings, 'move-on', 'POST', { minutes });
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

function isSession(body: unknown): body is Session {
  return typeof body === 'object' && body !== null && 'launch' in body && 'tag' in body;
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
