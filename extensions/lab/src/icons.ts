/** Pictures of the side bar, in the colours of the theme. */
import { LabIcon } from '@jupyterlab/ui-components';

const drawn = (path: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="20" viewBox="0 0 24 24"><path class="jp-icon3" fill="#616161" d="${path}"/></svg>`;

/** A sampan on the water. */
export const centresIcon = new LabIcon({
  name: 'sampan:centres',
  svgstr: drawn(
    'M2 14h20l-3 5H5zM11 3h1.5v9H11zM13.500 4.500c3 1 5 4 5.500 7.500h-5.500zM10 6c-2 1.500-3.300 3.500-4 6h4zM2 20.500h20V22H2z'
  )
});

/** Three workers and what they hang on. */
export const clustersIcon = new LabIcon({
  name: 'sampan:clusters',
  svgstr: drawn('M9 2h6v6h-2v3h7v5h2v6h-6v-6h2v-3h-5v3h2v6H9v-6h2v-3H6v3h2v6H2v-6h2v-5h7V8H9z')
});

/** Books on a shelf. */
export const catalogueIcon = new LabIcon({
  name: 'sampan:catalogue',
  svgstr: drawn('M3 3h4v15H3zM8.500 5h4v13h-4zM14 4.600l3.800-1 3.700 14-3.800 1zM2 19.500h20V22H2z')
});
