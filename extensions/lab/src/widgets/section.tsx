/** A part of a panel under a heading, which folds. It knows no application. */
import type { ReactElement, ReactNode } from 'react';

export interface Part {
  readonly title: string;
  readonly children: ReactNode;
}

export function Section({ title, children }: Part): ReactElement {
  return (
    <details className="sampan-Section" open>
      <summary>
        <h2>{title}</h2>
      </summary>
      <div className="sampan-Section-body">{children}</div>
    </details>
  );
}
