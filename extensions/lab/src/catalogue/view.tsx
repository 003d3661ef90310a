/** How the Catalogue panel looks. It is drawn from what is known, and asks nobody. */
import { type ReactElement } from 'react';

import type { Language, Speaker } from '../session/words.ts';
import { Silence } from '../silence.tsx';
import { ChoiceEntry, TextEntry } from '../widgets/entry.tsx';
import { Windowed } from '../widgets/windowed.tsx';
import { CardView, type CardActs } from './card.tsx';
import type { Facet, Row } from './shape.ts';
import { MOST, spelled, type Ref, type State } from './state.ts';
import { brief, choice, facets, kind, standing } from './words.ts';

export interface Acts extends CardActs {
  readonly type: (text: string) => void;
  readonly choose: (facet: string, value: string) => void;
  readonly seen: (from: number, to: number) => void;
}

export interface Seen {
  readonly state: State;
  readonly now: number;
  readonly trans: Speaker;
  readonly language: Language;
  /** A notebook is in front. */
  readonly notebook: boolean;
  /** Names of the kernels that can be started. */
  readonly kernels: readonly string[];
  readonly acts: Acts;
}

/** Pixels of a row: two lines. */
const HEIGHT = 50;

export function CatalogueView(seen: Seen): ReactElement {
  const { state, now, trans, language, acts } = seen;
  return (
    <div className="sampan-Catalogue">
      <Silence
        silent={state.silent}
        at={state.results?.at ?? null}
        now={now}
        trans={trans}
        language={language}
      />
      <search className="sampan-Catalogue-asked">
        <TextEntry label={trans.__('Search software and data')} value={state.query.text} change={acts.type} />
        <Narrowing {...seen} />
      </search>
      <Found {...seen} />
      {state.open === null ? null : <CardView key={spelled(state.open)} {...seen} open={state.open} />}
    </div>
  );
}

function Narrowing({ state, trans, language, acts }: Seen): ReactElement {
  const known = new Map(state.results?.facets.map(facet => [facet.name, facet]));
  const { chosen } = state.query;
  const count = Object.keys(chosen).length;
  return (
    <details className="sampan-Catalogue-facets">
      <summary>
        {count === 0 ? trans.__('Narrow down') : trans.__('Narrowed down by %1', String(count))}
      </summary>
      <div className="sampan-Entries">
        {facets(trans).map(([name, label]) => (
          <ChoiceEntry
            key={name}
            label={label}
            value={chosen[name] ?? ''}
            change={value => acts.choose(name, value)}
            choices={choices(name, known.get(name), chosen[name], trans, language)}
          />
        ))}
      </div>
    </details>
  );
}

/** What is chosen stays among them, also where nothing is left by it. */
function choices(
  name: string,
  facet: Facet | undefined,
  chosen: string | undefined,
  trans: Speaker,
  language: Language
): (readonly [string, string])[] {
  const counts = facet?.counts ?? [];
  const lost = chosen !== undefined && counts.every(({ value }) => value !== chosen);
  const every = lost ? [...counts, { value: chosen, names: null, entries: 0 }] : counts;
  const shown = every.map(
    count => [count.value, `${choice(name, count, trans, language)} (${count.entries})`] as const
  );
  return [['', trans.__('any')], ...shown];
}

function Found(seen: Seen): ReactElement {
  const { state, trans, language, acts } = seen;
  const { results, open } = state;
  if (results === null) {
    return <p className="sampan-Catalogue-count">{trans.__('Asking …')}</p>;
  }
  const count = Math.min(results.total, MOST);
  const chosen = open === null ? -1 : [...results.rows].find(([, row]) => same(row, open))?.[0];
  return (
    <>
      <p className="sampan-Catalogue-count" role="status">
        {told(seen)}
        {results.instead === null ? null : (
          <button
            type="button"
            className="jp-mod-styled jp-mod-minimal"
            onClick={() => acts.type(results.instead ?? '')}
          >
            {trans.__('Did you mean “%1”?', results.instead)}
          </button>
        )}
      </p>
      {count === 0 ? null : (
        <Windowed
          key={`${results.query.text} ${JSON.stringify(results.query.chosen)}`}
          label={trans.__('Entries')}
          count={count}
          height={HEIGHT}
          chosen={chosen ?? -1}
          choose={at => {
            const row = results.rows.get(at);
            if (row !== undefined) {
              acts.open(row);
            }
          }}
          seen={acts.seen}
          row={at => <Line row={results.rows.get(at)} trans={trans} language={language} />}
        />
      )}
    </>
  );
}

function told({ state: { results }, trans, language }: Seen): string {
  const total = results?.total ?? 0;
  const said = [
    total === 0
      ? trans.__('Nothing was found.')
      : total === 1
        ? trans.__('1 entry')
        : trans.__('%1 entries', total.toLocaleString(language))
  ];
  if (total > MOST) {
    said.push(trans.__('The first %1 are listed.', MOST.toLocaleString(language)));
  }
  if (results?.whole === false) {
    said.push(trans.__('The index is being made anew: there may be more in a minute.'));
  }
  return said.join(' ');
}

function same(row: Row, ref: Ref): boolean {
  return row.provider === ref.provider && row.name === ref.name && row.version === ref.version;
}

function Line({
  row,
  trans,
  language
}: {
  readonly row: Row | undefined;
  readonly trans: Speaker;
  readonly language: Language;
}): ReactElement {
  if (row === undefined) {
    return <div className="sampan-Found">…</div>;
  }
  const where = row.where.map(names => names[language]).join(language === 'zh' ? '、' : ', ');
  const opens = brief(row, trans);
  return (
    <div className="sampan-Found" data-opens={row.opens} title={row.title[language]}>
      <div className="sampan-Found-title">{row.title[language]}</div>
      <div className="sampan-Found-more">
        {row.generated ? <span className="sampan-Mark">{trans.__('generated')}</span> : null}
        {opens === '' ? null : <span className="sampan-Found-opens">{opens}</span>}
        <span className="sampan-Found-where">
          {[standing(row.status, trans), kind(row.kind, trans), where, row.provider]
            .filter(Boolean)
            .join(' · ')}
        </span>
      </div>
    </div>
  );
}
