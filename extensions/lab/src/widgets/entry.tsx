/** One line of a form: a number that is typed, or a choice. It knows no application. */
import { useId, type ReactElement } from 'react';

export interface Entered {
  readonly label: string;
  readonly value: string;
  readonly change: (value: string) => void;
}

export function NumberEntry({ label, value, change }: Entered): ReactElement {
  const id = useId();
  return (
    <div className="sampan-Entry">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className="jp-mod-styled"
        inputMode="decimal"
        autoComplete="off"
        value={value}
        onChange={event => change(event.target.value)}
      />
    </div>
  );
}

export interface Choices extends Entered {
  /** Value and what is shown for it. */
  readonly choices: readonly (readonly [string, string])[];
}

export function ChoiceEntry({ label, value, change, choices }: Choices): ReactElement {
  const id = useId();
  return (
    <div className="sampan-Entry">
      <label htmlFor={id}>{label}</label>
      <select id={id} className="jp-mod-styled" value={value} onChange={event => change(event.target.value)}>
        {choices.map(([each, shown]) => (
          <option key={each} value={each}>
            {shown}
          </option>
        ))}
      </select>
    </div>
  );
}
