/** Hears what is said of kernels elsewhere, on the way on which the kernels themselves are heard. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ISessionContext } from '@jupyterlab/apputils';

import type { News } from './shape.ts';

const KIND = 'sampan_launch';

/** Calls back with each piece of news of the kernel of any notebook or console that is open, now or later. */
export function listen(app: JupyterFrontEnd, hear: (news: News, session: ISessionContext) => void): void {
  const heard = new WeakSet<ISessionContext>();
  const join = (session: ISessionContext): void => {
    if (heard.has(session)) {
      return;
    }
    heard.add(session);
    session.iopubMessage.connect((_, message) => {
      if ((message.header.msg_type as string) === KIND) {
        hear(message.content as unknown as News, session);
      }
    });
  };
  // A notebook is joined before it has asked for a kernel, so that nothing is missed.
  app.docRegistry.addWidgetExtension('Notebook', {
    createNew: (_, context) => join(context.sessionContext)
  });
  app.shell.currentChanged?.connect(() => {
    for (const widget of app.shell.widgets('main')) {
      const { sessionContext } = widget as { sessionContext?: ISessionContext };
      if (sessionContext !== undefined) {
        join(sessionContext);
      }
    }
  });
}
