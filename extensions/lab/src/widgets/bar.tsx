/** A bar: a part of a whole. A picture of the words beside it. It knows no application. */
import type { ReactElement } from 'react';

export interface Amount {
  /** Null where it is not known. */
  readonly part: number | null;
  readonly whole: number | null;
  /** The same in words; always shown. */
  readonly text: string;
}

export function Bar({ part, whole, text }: Amount): ReactElement {
  const known = part !== null && whole !== null && whole > 0;
  return (
    <div className="sampan-Bar" data-known={known}>
      <div className="sampan-Bar-track" aria-hidden="true">
        {known ? <div className="sampan-Bar-part" style={{ width: `${(100 * part) / whole}%` }} /> : null}
      </div>
      <span className="sampan-Bar-text">{text}</span>
    </div>
  );
}
