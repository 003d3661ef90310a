/** What a person is asked before something ends, and told when something was refused. */
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';

import type { Said } from './session/shape.ts';
import type { Language, Speaker } from './session/words.ts';
import type { Told } from './wire.ts';

/** Whether a person means it. Esc and the first button say no. */
export async function sure(title: string, body: string, yes: string, trans: Speaker): Promise<boolean> {
  const buttons = [Dialog.cancelButton({ label: trans.__('Cancel') }), Dialog.warnButton({ label: yes })];
  const answer = await showDialog({ title, body, buttons, defaultButton: 0 });
  return answer.button.accept;
}

/** Tells why, where what was asked for was refused; whether it was granted. */
export function granted(told: Told<unknown>, trans: Speaker, language: Language): boolean {
  if ('answer' in told) {
    return true;
  }
  Notification.error(because(told.refused, trans, language), { autoClose: false });
  return false;
}

function because(said: Said | null, trans: Speaker, language: Language): string {
  return said?.[language] ?? trans.__('Nobody answered. Try again in a moment.');
}
