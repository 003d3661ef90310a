/** One entry of the catalogue, and what can be done with it. All that its provider says is shown as text. */
import { useEffect, useRef, type ReactElement } from 'react';

import { verdict as answers } from '../centres/words.ts';
import type { Language, Speaker } from '../session/words.ts';
import { ChoiceEntry } from '../widgets/entry.tsx';
import { Buttons, type Action } from '../widgets/item.tsx';
import type { Card, Place } from './shape.ts';
import { kernelAt, spelled, type Ref, type State } from './state.ts';
import { copying, facts, marks, place, verdict } from './words.ts';

export interface CardActs {
  readonly open: (ref: Ref) => void;
  readonly close: () => void;
  readonly insert: (ref: Ref) => void;
  /** Looks at it: in the notebook in front, or with that kernel in a new one. */
  readonly look: (ref: Ref, kernel: string) => void;
  /** Starts a new notebook with that kernel. */
  readonly start: (kernel: string) => void;
  /** Copies its notebook, and opens the copy. */
  readonly copy: (ref: Ref) => void;
  readonly share: (ref: Ref) => void;
}

export interface Shown {
  readonly state: State;
  readonly now: number;
  readonly trans: Speaker;
  readonly language: Language;
  readonly notebook: boolean;
  readonly kernels: readonly string[];
  readonly acts: CardActs;
  readonly open: Ref;
}

export function CardView(shown: Shown): ReactElement {
  const { state, trans, language, open, acts } = shown;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const { card } = state;
  const whole = card !== null && 'answer' in card ? card.answer : null;
  const title = whole?.row.title[language] ?? spelled(open);
  return (
    <section
      className="sampan-Entry-card"
      aria-label={title}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          acts.close();
        }
      }}
    >
      <div className="sampan-Entry-head">
        <h3 ref={heading} tabIndex={-1}>
          {title}
        </h3>
        <button
          type="button"
          className="jp-mod-styled jp-mod-minimal"
          aria-label={trans.__('Close: %1', title)}
          title={trans.__('Close')}
          onClick={acts.close}
        >
          ×
        </button>
      </div>
      {whole !== null ? (
        <Whole {...shown} card={whole} />
      ) : (
        <p role="status">
          {card !== null && 'refused' in card
            ? (card.refused?.[language] ?? trans.__('Nobody answered.'))
            : trans.__('Asking …')}
        </p>
      )}
    </section>
  );
}

/** Kinds of entries that are used in other ways than by opening their data. */
const WITHOUT_DATA: ReadonlySet<string> = new Set(['software', 'notebook']);

type Told = Shown & { readonly card: Card };

function Whole(told: Told): ReactElement {
  const { card, state, trans, language, acts } = told;
  const { row } = card;
  return (
    <>
      <p className="sampan-Marks">
        {marks(row, trans).map(mark => (
          <span key={mark} className="sampan-Mark">
            {mark}
          </span>
        ))}
        <code>{spelled(row)}</code>
      </p>
      <p>{row.summary[language]}</p>
      {state.picture === '' ? null : (
        <img
          className="sampan-Picture"
          src={state.picture}
          alt={trans.__('Preview of %1', row.title[language])}
        />
      )}
      <p className="sampan-Verdict" data-opens={row.opens}>
        {verdict(card, state.here, trans, language)}
      </p>
      <Buttons actions={actions(told)} />
      {row.opens === 'elsewhere' && !WITHOUT_DATA.has(row.kind) ? <Costs {...told} /> : null}
      {card.places.length === 0 ? null : <Places {...told} />}
      {card.description === null ? null : <p className="sampan-Description">{card.description[language]}</p>}
      <dl>
        {facts(card, trans).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
        {card.doi === '' ? null : (
          <div>
            <dt>DOI</dt>
            <dd>
              <a
                href={`https://doi.org/${encodeURIComponent(card.doi)}`}
                target="_blank"
                rel="noopener noreferrer"
              >
                {card.doi}
              </a>
            </dd>
          </div>
        )}
      </dl>
      {card.versions.length < 2 ? null : (
        <ChoiceEntry
          label={trans.__('Version')}
          value={row.version}
          change={version => acts.open({ ...row, version })}
          choices={card.versions.map(version => [version, version])}
        />
      )}
    </>
  );
}

function actions({ card, trans, notebook, kernels, acts }: Told): Action[] {
  const { row } = card;
  const share: Action = { label: trans.__('Copy link'), press: () => acts.share(row) };
  const data = card.places.some(one => one.bytes !== null || one.state !== 'online' || one.software === '');
  if (!data || row.kind === 'software' || row.opens === 'taken' || row.opens === 'closed') {
    return [share];
  }
  if (row.kind === 'notebook') {
    const open: Action = {
      label: trans.__('Open a copy'),
      title: trans.__('Open a copy: the notebook is put beside your own files'),
      press: () => acts.copy(row)
    };
    return [open, share];
  }
  const local = notebook ? '' : (kernels.find(name => name === 'python3') ?? null);
  const look: Action = {
    label: trans.__('Quick look'),
    title: trans.__('Quick look: a picture of it in a notebook, without writing code'),
    press: () => acts.look(row, local ?? ''),
    disabled: local === null
  };
  const insert: Action = {
    label: trans.__('Insert code'),
    title: trans.__('Insert code: a cell that opens it, into the notebook in front'),
    press: () => acts.insert(row),
    disabled: !notebook
  };
  return [...(row.opens === 'here' ? [look] : []), insert, share];
}

/** What it takes where it lies elsewhere: go there, or have it moved. */
function Costs({ card, state, trans, language, kernels, acts }: Told): ReactElement {
  const away = card.places.filter(one => one.has && !one.here);
  return (
    <>
      <h4>{trans.__('What it takes')}</h4>
      <ul className="sampan-List sampan-Costs">
        {away.map(one => {
          const kernel = kernelAt(one, state.here, kernels);
          const offer = state.offers.get(one.centre);
          const start = offer === undefined ? '' : answers(offer, trans);
          const why = offer?.start ?? offer?.reasons[0] ?? null;
          return (
            <li key={one.centre}>
              <p>
                {trans.__('Run it at %1: nothing is moved.', one.names[language])}{' '}
                {start === '' ? '' : trans.__('A kernel there: %1.', start)} {why?.[language]}
              </p>
              <Buttons
                actions={[
                  {
                    label: trans.__('Run there'),
                    title: trans.__('Run there: look at it in a new notebook at %1', one.names[language]),
                    press: () => acts.look(card.row, kernel ?? ''),
                    disabled: kernel === null
                  }
                ]}
              />
            </li>
          );
        })}
        <li>
          <p>{copying(card, state.here, trans, language)}</p>
        </li>
      </ul>
    </>
  );
}

/** Where it is; of software also where it is not, and a kernel that has it. */
function Places(told: Told): ReactElement {
  const { card, trans } = told;
  return (
    <>
      <h4>{trans.__('Where it is')}</h4>
      <ul className="sampan-List sampan-Places">
        {card.places.map((one, at) => (
          <At key={at} {...told} one={one} />
        ))}
      </ul>
    </>
  );
}

function At({
  one,
  card,
  state,
  now,
  trans,
  language,
  kernels,
  acts
}: Told & { readonly one: Place }): ReactElement {
  const kernel = kernelAt(one, state.here, kernels);
  const name = one.names[language];
  const startable = card.row.kind === 'software' && one.has;
  return (
    <li data-has={one.has} data-sound={one.fault === null}>
      <p>
        <strong>{name}</strong> {place(one, now, trans, language)}
        {startable && kernel === null ? ` · ${trans.__('no kernel there has it')}` : ''}
      </p>
      {startable && kernel !== null ? (
        <Buttons
          actions={[
            {
              label: trans.__('Start a kernel'),
              title: trans.__('Start a kernel that has it, in a new notebook: %1', name),
              press: () => acts.start(kernel)
            }
          ]}
        />
      ) : null}
    </li>
  );
}
