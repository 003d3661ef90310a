/** One line of a form: a number or a word that is typed, or a choice. It knows no application. */
import { useId, type ReactElement } from 'react';

export interface Entered {
  readonly label: string;
  readonly value: string;
  readonly change: (value: string) => void;
}

export function NumberEntry(entered: Entered): ReactElement {
  return <Typed {...entered} mode="decimal" />;
}

export function TextEntry(entered: Entered): ReactElement {
  return <Typed {...entered} mode="text" />;
}

function Typed({
  label,
  value,
  change,
  mode
}: Entered & { readonly mode: 'decimal' | 'text' }): ReactElement {
  const id = useId();
  return (
    <div className="sampan-Entry">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className="jp-mod-styled"
        inputMode={mode}
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
