/** A line that says that nobody answered, and of when what is still shown is; empty while all is well. */
import type { ReactElement } from 'react';

import type { Said } from './session/shape.ts';
import { clock, type Language, type Speaker } from './session/words.ts';

export interface Silent {
  readonly silent: { readonly said: Said | null } | null;
  readonly at: number | null;
  readonly now: number;
  readonly trans: Speaker;
  readonly language: Language;
}

export function Silence({ silent, at, now, trans, language }: Silent): ReactElement {
  const told = silent?.said?.[language] ?? trans.__('Nobody answered.');
  const since = at === null ? '' : trans.__('What you see is from %1.', clock(at, now, language));
  return (
    <p className="sampan-Silence" role="status">
      {silent === null ? null : `${told} ${since}`}
    </p>
  );
}
