/** Puts code into notebooks, where a person sees what is run for them. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { DocumentWidget } from '@jupyterlab/docregistry';
import type { ISharedNotebook } from '@jupyter/ydoc';

/** The part of a notebook's content that is needed here: which cell is in front. */
interface Cells {
  activeCellIndex: number;
}

interface Notebook {
  readonly panel: DocumentWidget;
  readonly shared: ISharedNotebook;
  readonly cells: Cells;
}

/** Whether there is a notebook in front. */
export function hasNotebook(app: JupyterFrontEnd): boolean {
  return notebookIn(app.shell.currentWidget) !== null;
}

/** Puts a cell below the one in front; whether there was a notebook for it. */
export function insert(app: JupyterFrontEnd, code: string): boolean {
  const notebook = notebookIn(app.shell.currentWidget);
  if (notebook === null) {
    return false;
  }
  put(app, notebook, code);
  return true;
}

/** Puts a cell into the notebook in front, or into a new one with that kernel, and runs it; whether there was one. */
export async function run(app: JupyterFrontEnd, kernel: string, code: string): Promise<boolean> {
  const widget: unknown =
    kernel === ''
      ? app.shell.currentWidget
      : await app.commands.execute('notebook:create-new', { kernelName: kernel });
  const notebook = notebookIn(widget);
  if (notebook === null) {
    return false;
  }
  await notebook.panel.context.ready;
  await notebook.panel.revealed;
  put(app, notebook, code);
  await app.commands.execute('notebook:run-cell');
  return true;
}

function put(app: JupyterFrontEnd, { panel, shared, cells }: Notebook, code: string): void {
  const at = cells.activeCellIndex;
  const empty = shared.cells[at]?.cell_type === 'code' && shared.cells[at].source.trim() === '';
  if (empty) {
    shared.cells[at]?.setSource(code);
  } else {
    shared.insertCell(at + 1, { cell_type: 'code', source: code, metadata: { trusted: true } });
    cells.activeCellIndex = at + 1;
  }
  app.shell.activateById(panel.id);
}

function notebookIn(widget: unknown): Notebook | null {
  if (!(widget instanceof DocumentWidget)) {
    return null;
  }
  const shared = widget.context.model.sharedModel as Partial<ISharedNotebook>;
  return 'insertCell' in shared && 'activeCellIndex' in widget.content
    ? {
        panel: widget,
        shared: shared as ISharedNotebook,
        cells: widget.content as unknown as Cells
      }
    : null;
}
