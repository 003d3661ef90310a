/** Asks a person for how long they move on. */
import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import { Field } from '../widgets/field.ts';
import { minutesIn, MOST_MINUTES } from './minutes.ts';
import type { Session } from './shape.ts';

/** The length of the new session in minutes, within what its centre has; null where the person stays. */
export async function askLength(session: Session | null, trans: TranslationBundle): Promise<number | null> {
  const most = session?.most_minutes ?? MOST_MINUTES;
  let typed = String(session?.minutes ?? 60);
  for (;;) {
    const answer = await showDialog({
      title: trans.__('Move on to a new session?'),
      body: new Field({
        text: trans.__(
          'A new session of the same size starts at the same centre. Your open notebooks are saved now and opened again there. Variables and everything else in memory are not carried over: run your cells again.'
        ),
        label: trans.__('Length in minutes, at most %1', String(most)),
        value: typed,
        wrong: text => {
          const read = minutesIn(text, most, trans);
          return typeof read === 'number' ? '' : read;
        }
      }),
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.okButton({ label: trans.__('Move on') })
      ],
      focusNodeSelector: 'input'
    });
    typed = answer.value ?? '';
    const read = minutesIn(typed, most, trans);
    if (!answer.button.accept) {
      return null;
    }
    if (typeof read === 'number') {
      return read;
    }
  }
}
