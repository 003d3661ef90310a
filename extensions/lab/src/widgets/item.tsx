/** One of a list: a title with a word beside it, what is said of it, and what can be done with it. It knows no application. */
import type { ReactElement, ReactNode } from 'react';

export interface Action {
  readonly label: string;
  /** What it does to what, where the label alone does not say. */
  readonly title?: string;
  readonly press: () => void;
  readonly disabled?: boolean;
  /** It takes something away. */
  readonly warn?: boolean;
}

export interface Thing {
  readonly title: string;
  readonly badge?: string;
  /** A word that the style sheet knows. */
  readonly tone?: string;
  readonly lines?: readonly string[];
  readonly actions?: readonly Action[];
  readonly children?: ReactNode;
}

export function Item({ title, badge, tone, lines, actions, children }: Thing): ReactElement {
  return (
    <li className="sampan-Item" data-tone={tone}>
      <div className="sampan-Item-head">
        <h3>{title}</h3>
        {badge ? <span className="sampan-Item-badge">{badge}</span> : null}
      </div>
      {lines?.map(line => (
        <p key={line}>{line}</p>
      ))}
      {children}
      {actions?.length ? <Buttons actions={actions} /> : null}
    </li>
  );
}

export function Buttons({ actions }: { readonly actions: readonly Action[] }): ReactElement {
  return (
    <div className="sampan-Buttons">
      {actions.map(action => (
        <button
          key={action.label}
          type="button"
          className={`jp-mod-styled jp-mod-minimal${action.warn ? ' jp-mod-warn' : ''}`}
          disabled={action.disabled}
          aria-label={action.title}
          title={action.title}
          onClick={action.press}
        >
          {action.label}
        </button>
      ))}
    </div>
  );
}
