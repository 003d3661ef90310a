/** How the Centres panel looks. It is drawn from what is known, and asks nobody. */
import { useState, type ReactElement } from 'react';

import { span, type Language, type Speaker } from '../session/words.ts';
import { Silence } from '../silence.tsx';
import { Bar } from '../widgets/bar.tsx';
import { ChoiceEntry, NumberEntry } from '../widgets/entry.tsx';
import { Item } from '../widgets/item.tsx';
import { Section } from '../widgets/section.tsx';
import type { Answer, Centre, Offer, Running, Share } from './shape.ts';
import { age, FIRST_DEMAND, kinds, left, type Demand, type Heard, type State } from './state.ts';
import { ago, health, standing, title, verdict } from './words.ts';

export interface Seen {
  readonly state: State;
  readonly now: number;
  readonly trans: Speaker;
  readonly language: Language;
  readonly stop: (one: Running) => void;
  readonly place: (demand: Demand) => void;
}

export function CentresView(seen: Seen): ReactElement {
  const { state, trans } = seen;
  return (
    <>
      <Silence
        silent={state.silent}
        at={state.centres?.at ?? state.running?.at ?? null}
        now={seen.now}
        trans={trans}
        language={seen.language}
      />
      <Section title={trans.__('Running for you')}>
        {state.running === null ? (
          <p>{trans.__('Asking …')}</p>
        ) : (
          <Launches {...seen} running={state.running} />
        )}
      </Section>
      <Section title={trans.__('Centres')}>
        {state.centres === null ? <p>{trans.__('Asking …')}</p> : <All {...seen} centres={state.centres} />}
      </Section>
      <Section title={trans.__('What would I get?')}>
        <Wish {...seen} />
      </Section>
    </>
  );
}

function Launches(seen: Seen & { readonly running: Heard<readonly Running[]> }): ReactElement {
  const { running, trans } = seen;
  if (running.what.length === 0) {
    return <p>{trans.__('Nothing of yours is running.')}</p>;
  }
  return (
    <ul className="sampan-List">
      {running.what.map(one => (
        <Launch key={one.id} {...seen} one={one} heardAt={running.at} />
      ))}
    </ul>
  );
}

function Launch({
  one,
  heardAt,
  state,
  now,
  trans,
  language,
  stop
}: Seen & { readonly one: Running; readonly heardAt: number }): ReactElement {
  const stopping = one.stopping || state.stopping.has(one.id);
  const name = title(one, trans);
  const where = one.names?.[language] ?? '';
  const time = left(one, heardAt, now);
  const cores = one.cores === 1 ? trans.__('1 core') : trans.__('%1 cores', String(one.cores));
  return (
    <Item
      title={where === '' ? name : `${name} · ${where}`}
      tone={stopping ? 'ended' : one.seen === 'alive' && one.stage === 'ready' ? 'alive' : 'starting'}
      lines={[
        standing(one, stopping, trans, language),
        [one.share, one.node, cores, time === null ? '' : trans.__('%1 left', span(time, trans))]
          .filter(fact => fact !== '')
          .join(' · ')
      ]}
      actions={[
        {
          label: trans.__('Stop'),
          title: trans.__('Stop: %1', where === '' ? name : `${name} · ${where}`),
          press: () => stop(one),
          disabled: stopping,
          warn: true
        }
      ]}
    />
  );
}

function Wish({ state, trans, language, place }: Seen): ReactElement {
  const [demand, setDemand] = useState<Demand>(FIRST_DEMAND);
  const change = (field: keyof Demand) => (value: string) => setDemand({ ...demand, [field]: value });
  const cards = kinds(state.centres?.what ?? []);
  return (
    <form
      onSubmit={event => {
        event.preventDefault();
        place(demand);
      }}
    >
      <div className="sampan-Entries">
        <NumberEntry label={trans.__('Cores')} value={demand.cores} change={change('cores')} />
        <NumberEntry label={trans.__('Memory (GiB)')} value={demand.memory} change={change('memory')} />
        <NumberEntry label={trans.__('Hours')} value={demand.hours} change={change('hours')} />
        <ChoiceEntry
          label={trans.__('Accelerator')}
          value={demand.accelerator}
          change={change('accelerator')}
          choices={[['', trans.__('none')], ...cards.map(kind => [kind, kind] as const)]}
        />
        {demand.accelerator === '' ? null : (
          <NumberEntry
            label={trans.__('How many')}
            value={demand.accelerators}
            change={change('accelerators')}
          />
        )}
      </div>
      <button type="submit" className="jp-mod-styled jp-mod-accept" disabled={state.answer === 'asked'}>
        {trans.__('Ask')}
      </button>
      <div aria-live="polite">
        <Given answer={state.answer} trans={trans} language={language} />
      </div>
    </form>
  );
}

function Given({
  answer,
  trans,
  language
}: Pick<Seen, 'trans' | 'language'> & { readonly answer: State['answer'] }): ReactElement | null {
  if (answer === null || answer === 'asked') {
    return answer === null ? null : <p>{trans.__('Asking …')}</p>;
  }
  if ('refused' in answer) {
    return <p className="sampan-wrong">{answer.refused?.[language] ?? trans.__('Nobody answered.')}</p>;
  }
  return <Placement answer={answer.answer} trans={trans} language={language} />;
}

function Placement({
  answer,
  trans,
  language
}: Pick<Seen, 'trans' | 'language'> & { readonly answer: Answer }): ReactElement {
  const shown = (offer: Offer): ReactElement => (
    <Item
      key={offer.centre}
      title={offer.names[language]}
      badge={verdict(offer, trans)}
      tone={offer.verdict}
      lines={[...offer.reasons, offer.verdict === 'no' ? null : offer.start]
        .filter(said => said !== null)
        .map(said => said[language])}
    />
  );
  return (
    <>
      {answer.ranked.length === 0 ? (
        <p>{trans.__('No centre can run this. Each says why:')}</p>
      ) : (
        <p>{trans.__('Best first. Nothing has been started.')}</p>
      )}
      <ol className="sampan-List">{[...answer.ranked, ...answer.refused].map(shown)}</ol>
    </>
  );
}

function All({
  centres,
  now,
  trans,
  language
}: Seen & { readonly centres: Heard<readonly Centre[]> }): ReactElement {
  return (
    <ul className="sampan-List">
      {centres.what.map(centre => (
        <Item
          key={centre.id}
          title={centre.names[language]}
          badge={health(centre, trans)}
          tone={centre.state}
          lines={[
            [centre.city[language], measured(age(centre, centres.at, now), trans)].join(' · '),
            ...(centre.problem === null ? [] : [centre.problem[language]])
          ]}
        >
          {centre.shares.map(share => (
            <ShareView key={share.id} share={share} trans={trans} language={language} />
          ))}
        </Item>
      ))}
    </ul>
  );
}

function measured(seconds: number | null, trans: Speaker): string {
  return seconds === null ? trans.__('never heard of yet') : trans.__('measured %1', ago(seconds, trans));
}

function ShareView({
  share,
  trans,
  language
}: Pick<Seen, 'trans' | 'language'> & { readonly share: Share }): ReactElement {
  const facts = [trans.__('up to %1 h', String(share.max_hours))];
  if (share.waiting) {
    facts.push(trans.__('jobs waiting: %1', String(share.waiting)));
  }
  return (
    <div className="sampan-Share">
      <h4>{share.names[language]}</h4>
      <Bar
        part={share.cores_free}
        whole={share.cores_total}
        text={
          share.cores_free === null || share.cores_total === null
            ? trans.__('free cores not known')
            : trans.__('%1 of %2 cores free', String(share.cores_free), String(share.cores_total))
        }
      />
      {share.cards.map(({ kind, free, total }) => (
        <Bar
          key={kind}
          part={free}
          whole={total}
          text={trans.__('%1 of %2 %3 free', String(free), String(total), kind)}
        />
      ))}
      <p>{facts.join(' · ')}</p>
    </div>
  );
}
