/** How the Catalogue panel asks. */
import type { ServerConnection } from '@jupyterlab/services';

import { ask, request, type Told } from '../wire.ts';
import type { Card, Found, Here } from './shape.ts';
import type { Ref } from './state.ts';

type Settings = ServerConnection.ISettings;

/** Where the kernel of that id computes; the session itself for an empty one. */
export function whereabouts(settings: Settings, kernel: string): Promise<Told<Here>> {
  return ask(settings, `catalogue/here?${new URLSearchParams({ kernel })}`);
}

/** What is found for these words and choices, from that row on. */
export function search(
  settings: Settings,
  text: string,
  chosen: Readonly<Record<string, string>>,
  here: string,
  offset: number
): Promise<Told<Found>> {
  const asked = new URLSearchParams({ ...chosen, text, here, offset: String(offset) });
  return ask(settings, `catalogue?${asked}`);
}

/** One entry; the newest version where none is named. */
export function entry(settings: Settings, ref: Ref, here: string): Promise<Told<Card>> {
  const parts = [ref.provider, ref.name, ...(ref.version === '' ? [] : [ref.version])];
  return ask(
    settings,
    `catalogue/${parts.map(encodeURIComponent).join('/')}?${new URLSearchParams({ here })}`
  );
}

/** Copies an entry's notebook beside the person's own ones. */
export function copyNotebook(settings: Settings, ref: Ref): Promise<Told<{ readonly path: string }>> {
  const parts = [ref.provider, ref.name, ref.version, 'notebook'];
  return ask(settings, `catalogue/${parts.map(encodeURIComponent).join('/')}`, 'POST');
}

/** The preview of an entry's data, as an address of this page's own; empty where there is none. */
export async function picture(settings: Settings, ref: Ref): Promise<string> {
  const parts = [ref.provider, ref.name, ref.version, 'picture'];
  try {
    const response = await request(settings, `catalogue/${parts.map(encodeURIComponent).join('/')}`, 'GET');
    return response.ok ? URL.createObjectURL(await response.blob()) : '';
  } catch {
    return '';
  }
}
