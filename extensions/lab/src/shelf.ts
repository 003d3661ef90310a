/** Puts a panel into the Lab's left side, where a key, the palette and a page loaded anew find it. */
import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { Widget } from '@lumino/widgets';

export interface Place {
  readonly id: string;
  readonly caption: string;
  /** What the command that shows it is called. */
  readonly show: string;
  readonly icon: LabIcon;
  readonly palette: ICommandPalette | null;
  readonly restorer: ILayoutRestorer | null;
}

export function shelve(app: JupyterFrontEnd, panel: Widget, place: Place): void {
  panel.id = place.id;
  panel.title.icon = place.icon;
  panel.title.caption = place.caption;
  panel.node.setAttribute('role', 'region');
  panel.node.setAttribute('aria-label', place.caption);
  app.shell.add(panel, 'left', { rank: 650 });
  place.restorer?.add(panel, place.id);
  const command = `sampan:show-${place.id}`;
  app.commands.addCommand(command, {
    label: place.show,
    icon: place.icon,
    execute: () => app.shell.activateById(place.id)
  });
  place.palette?.addItem({ command, category: 'Sampan' });
}
