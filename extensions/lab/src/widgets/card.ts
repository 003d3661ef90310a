/** A small card of facts with buttons below them. It knows no application: what it shows is given to it. */
import { Widget } from '@lumino/widgets';

export interface Facts {
  readonly title: string;
  readonly text: string;
  readonly rows: readonly (readonly [string, string])[];
  readonly buttons: readonly Button[];
}

export interface Button {
  readonly label: string;
  readonly press: () => void;
}

export class Card extends Widget {
  constructor(facts: Facts) {
    super();
    this.addClass('sampan-Card');
    const title = element('h3', facts.title);
    const text = element('p', facts.text);
    const list = document.createElement('dl');
    for (const [name, value] of facts.rows) {
      list.append(element('dt', name), element('dd', value));
    }
    const bar = document.createElement('div');
    bar.className = 'sampan-Card-buttons';
    for (const { label, press } of facts.buttons) {
      const button = element('button', label);
      button.className = 'jp-mod-styled jp-mod-accept';
      button.addEventListener('click', press);
      bar.append(button);
    }
    this.node.append(title, text, list, bar);
  }
}

function element(name: string, text: string): HTMLElement {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
