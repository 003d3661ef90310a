/** How the Clusters panel looks. It is drawn from what is known, and asks nobody. */
import { useState, type ReactElement } from 'react';

import { standing, title } from '../centres/words.ts';
import type { Language, Speaker } from '../session/words.ts';
import { Bar } from '../widgets/bar.tsx';
import { ChoiceEntry, NumberEntry, TextEntry } from '../widgets/entry.tsx';
import { Buttons, Item } from '../widgets/item.tsx';
import { Section } from '../widgets/section.tsx';
import { Silence } from '../silence.tsx';
import type { Cluster } from './shape.ts';
import { FIRST_WISH, sizeOf, wrong, type State, type Wish } from './state.ts';
import { mistake, most, pane, PANES, silence, size, type Pane } from './words.ts';
import type { Size } from './wire.ts';

export interface Acts {
  readonly make: (wish: Wish) => void;
  readonly resize: (one: Cluster, size: Size) => void;
  readonly stop: (one: Cluster) => void;
  readonly join: (one: Cluster) => void;
  readonly open: (one: Cluster, pane: Pane) => void;
}

export interface Seen {
  readonly state: State;
  readonly now: number;
  readonly trans: Speaker;
  readonly language: Language;
  /** A notebook is in front. */
  readonly notebook: boolean;
  /** Kernels in which a cluster can be made: name, and what a person calls it. */
  readonly kernels: readonly (readonly [string, string])[];
  readonly acts: Acts;
}

export function ClustersView(seen: Seen): ReactElement {
  const { state, now, trans, language } = seen;
  return (
    <>
      <Silence
        silent={state.silent}
        at={state.clusters?.at ?? null}
        now={now}
        trans={trans}
        language={language}
      />
      <Section title={trans.__('Dask clusters')}>
        <All {...seen} />
      </Section>
      <Section title={trans.__('New cluster')}>
        <Making {...seen} />
      </Section>
    </>
  );
}

function All(seen: Seen): ReactElement {
  const { state, trans } = seen;
  if (state.clusters === null) {
    return <p>{trans.__('Asking …')}</p>;
  }
  if (state.clusters.what.length === 0) {
    return <p>{trans.__('You have no cluster.')}</p>;
  }
  return (
    <ul className="sampan-List">
      {state.clusters.what.map(one => (
        <One key={one.id} {...seen} one={one} />
      ))}
    </ul>
  );
}

function One({
  one,
  state,
  trans,
  language,
  notebook,
  acts
}: Seen & { readonly one: Cluster }): ReactElement {
  const stopping = one.stopping || state.stopping.has(one.id);
  const name = title({ kind: 'cluster', name: one.name, here: 'other' }, trans);
  const where = one.names?.[language] ?? '';
  const gib = String(Math.round((100 * one.memory_mib) / 1024) / 100);
  const each =
    one.cores === 1
      ? trans.__('1 core and %1 GiB each', gib)
      : trans.__('%1 cores and %2 GiB each', String(one.cores), gib);
  const silent = silence(one, trans);
  return (
    <Item
      title={where === '' ? name : `${name} · ${where}`}
      tone={stopping ? 'ended' : one.seen === 'alive' && one.stage === 'ready' ? 'alive' : 'starting'}
      lines={[standing(one, stopping, trans, language), each, ...(silent === null ? [] : [silent])]}
      actions={[
        {
          label: trans.__('Use in notebook'),
          title: trans.__('Put a cell with a client of %1 into the notebook in front', name),
          press: () => acts.join(one),
          disabled: stopping || !notebook
        },
        {
          label: trans.__('Stop'),
          title: trans.__('Stop: %1', name),
          press: () => acts.stop(one),
          disabled: stopping,
          warn: true
        }
      ]}
    >
      <Bar part={one.workers} whole={most(one)} text={size(one, trans)} />
      {stopping ? null : <Sizing one={one} trans={trans} resize={acts.resize} />}
      {stopping ? null : <Panes one={one} trans={trans} open={acts.open} />}
    </Item>
  );
}

function Sizing({
  one,
  trans,
  resize
}: Pick<Acts, 'resize'> & { readonly one: Cluster; readonly trans: Speaker }): ReactElement {
  const adaptive = one.maximum !== null;
  const [adapts, setAdapts] = useState(adaptive);
  const [low, setLow] = useState(String((adaptive ? one.minimum : one.wanted) ?? 0));
  const [high, setHigh] = useState(String(one.maximum ?? one.wanted ?? 4));
  const wanted = sizeOf(low, adapts ? high : null);
  return (
    <form
      className="sampan-Sizing"
      onSubmit={event => {
        event.preventDefault();
        if (wanted !== null) {
          resize(one, wanted);
        }
      }}
    >
      <ChoiceEntry
        label={trans.__('Size')}
        value={adapts ? 'adapts' : 'fixed'}
        change={value => setAdapts(value === 'adapts')}
        choices={[
          ['fixed', trans.__('fixed')],
          ['adapts', trans.__('adaptive')]
        ]}
      />
      <NumberEntry label={adapts ? trans.__('At least') : trans.__('Workers')} value={low} change={setLow} />
      {adapts ? <NumberEntry label={trans.__('At most')} value={high} change={setHigh} /> : null}
      <button type="submit" className="jp-mod-styled jp-mod-minimal" disabled={wanted === null}>
        {adapts ? trans.__('Adapt') : trans.__('Scale')}
      </button>
    </form>
  );
}

function Panes({
  one,
  trans,
  open
}: Pick<Acts, 'open'> & { readonly one: Cluster; readonly trans: Speaker }): ReactElement | null {
  if (one.pages === '') {
    return null;
  }
  return (
    <div role="group" aria-label={trans.__('Dashboard')} className="sampan-Panes">
      <p aria-hidden="true">{trans.__('Dashboard')}</p>
      <Buttons actions={PANES.map(name => ({ label: pane(name, trans), press: () => open(one, name) }))} />
    </div>
  );
}

function Making({ trans, notebook, kernels, acts }: Seen): ReactElement {
  const [typed, setTyped] = useState<Partial<Wish>>({});
  const change = (field: keyof Wish) => (value: string) => setTyped({ ...typed, [field]: value });
  // Until something else is chosen: the notebook in front, as soon as there is one.
  const wish: Wish = { ...FIRST_WISH, kernel: notebook ? '' : (kernels[0]?.[0] ?? ''), ...typed };
  const mistaken = wrong(wish);
  const nowhere = wish.kernel === '' && !notebook;
  return (
    <form
      onSubmit={event => {
        event.preventDefault();
        if (mistaken === null && !nowhere) {
          acts.make(wish);
        }
      }}
    >
      <ChoiceEntry
        label={trans.__('In')}
        value={wish.kernel}
        change={change('kernel')}
        choices={[
          ['', trans.__('the notebook in front')],
          ...kernels.map(([name, shown]) => [name, trans.__('a new notebook: %1', shown)] as const)
        ]}
      />
      <div className="sampan-Entries">
        <TextEntry label={trans.__('Name (optional)')} value={wish.name} change={change('name')} />
        <NumberEntry label={trans.__('Workers')} value={wish.workers} change={change('workers')} />
        <NumberEntry label={trans.__('Cores each')} value={wish.cores} change={change('cores')} />
        <NumberEntry label={trans.__('GiB each')} value={wish.memory} change={change('memory')} />
      </div>
      <p className="sampan-wrong" role="alert">
        {mistaken !== null
          ? mistake(mistaken, trans)
          : nowhere
            ? trans.__('Open a notebook first, or choose a new one.')
            : null}
      </p>
      <button type="submit" className="jp-mod-styled jp-mod-accept" disabled={mistaken !== null || nowhere}>
        {trans.__('Create')}
      </button>
      <p>
        {trans.__('It runs at the centre of that kernel, in a cell that you see, and ends with the kernel.')}
      </p>
    </form>
  );
}
