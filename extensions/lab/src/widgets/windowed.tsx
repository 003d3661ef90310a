/** A list of which only what is seen is drawn, however long it is. It knows no application: its rows are given to it. */
import {
  useEffect,
  useId,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactElement,
  type ReactNode
} from 'react';

export interface Rows {
  readonly label: string;
  readonly count: number;
  /** Pixels; the same for each. */
  readonly height: number;
  readonly row: (at: number) => ReactNode;
  readonly chosen: number;
  readonly choose: (at: number) => void;
  /** Which rows are seen now, the first and the one after the last. */
  readonly seen: (from: number, to: number) => void;
}

/** Rows that are drawn above and below what is seen. */
const MORE = 6;

export function Windowed({ label, count, height, row, chosen, choose, seen }: Rows): ReactElement {
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [space, setSpace] = useState(0);
  const [active, setActive] = useState(-1);
  useEffect(() => {
    const node = box.current;
    if (node === null) {
      return undefined;
    }
    const watch = new ResizeObserver(() => setSpace(node.clientHeight));
    watch.observe(node);
    return () => watch.disconnect();
  }, []);
  const from = Math.max(0, Math.min(Math.floor(top / height), count) - MORE);
  const to = Math.min(count, Math.ceil((top + space) / height) + MORE);
  useEffect(() => seen(from, to), [from, to, seen]);

  const go = (at: number): void => {
    const node = box.current;
    const next = Math.max(0, Math.min(count - 1, at));
    setActive(next);
    if (node !== null) {
      const [first, last] = [next * height, (next + 1) * height - node.clientHeight];
      node.scrollTop = Math.min(first, Math.max(last, node.scrollTop));
    }
  };
  const press = (event: KeyboardEvent): void => {
    const page = Math.max(1, Math.floor(space / height) - 1);
    const next: Record<string, number> = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + page,
      PageUp: active - page,
      Home: 0,
      End: count - 1
    };
    const at = next[event.key];
    if (at !== undefined) {
      go(at);
    } else if ((event.key === 'Enter' || event.key === ' ') && active >= 0) {
      choose(active);
    } else {
      return;
    }
    event.preventDefault();
  };
  const shown = Array.from({ length: Math.max(0, to - from) }, (_, at) => from + at);
  return (
    <div
      ref={box}
      className="sampan-Windowed"
      role="listbox"
      tabIndex={0}
      aria-label={label}
      aria-activedescendant={active >= from && active < to ? `${id}-${active}` : undefined}
      onScroll={event => setTop(event.currentTarget.scrollTop)}
      onKeyDown={press}
    >
      <div role="presentation" style={{ height: count * height }}>
        {shown.map(at => (
          <div
            key={at}
            id={`${id}-${at}`}
            className="sampan-Windowed-row"
            role="option"
            aria-selected={at === chosen}
            aria-setsize={count}
            aria-posinset={at + 1}
            data-active={at === active}
            style={{ height, transform: `translateY(${at * height}px)` }}
            onClick={() => {
              setActive(at);
              choose(at);
            }}
          >
            {row(at)}
          </div>
        ))}
      </div>
    </div>
  );
}
