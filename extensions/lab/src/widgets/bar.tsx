/** A bar: how much of something is free. A picture of the words beside it. It knows no application. */
import type { ReactElement } from 'react';

export interface Amount {
  /** Null where it is not known. */
  readonly free: number | null;
  readonly total: number | null;
  /** The same in words; always shown. */
  readonly text: string;
}

export function Bar({ free, total, text }: Amount): ReactElement {
  const known = free !== null && total !== null && total > 0;
  return (
    <div className="sampan-Bar" data-known={known}>
      <div className="sampan-Bar-track" aria-hidden="true">
        {known ? <div className="sampan-Bar-free" style={{ width: `${(100 * free) / total}%` }} /> : null}
      </div>
      <span className="sampan-Bar-text">{text}</span>
    </div>
  );
}
