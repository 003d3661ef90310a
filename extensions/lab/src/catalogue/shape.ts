// Made by tools/shapes.py from sampan_lab.catalogue; change it there.
import type { Names, Said } from '../session/shape.ts';

/** The centre that a notebook computes at; that of this session, `own`, where it is none of ours elsewhere. */
export interface Here {
  readonly centre: string;
  readonly own: string;
  readonly names: Names;
}

/** An entry in a list. `where`: the centres that it is at. */
export interface Row {
  readonly provider: string;
  readonly name: string;
  readonly version: string;
  readonly kind: string;
  readonly title: Names;
  readonly summary: Names;
  readonly status: string;
  readonly generated: boolean;
  readonly opens: 'here' | 'elsewhere' | 'unwell' | 'closed' | 'taken' | 'nothing';
  readonly where: readonly Names[];
}

/** How many entries a further choice would leave. */
export interface Count {
  readonly value: string;
  readonly names: Names | null;
  readonly entries: number;
}

/** What a search can be narrowed by, the most first. */
export interface Facet {
  readonly name: string;
  readonly counts: readonly Count[];
}

/** A part of what was found. `whole`: whether all is found; not while the index is made anew. */
export interface Found {
  readonly total: number;
  readonly rows: readonly Row[];
  readonly facets: readonly Facet[];
  readonly instead: string | null;
  readonly whole: boolean;
}

/** A centre ("" is every centre), and what it has of an entry. */
export interface Place {
  readonly centre: string;
  readonly names: Names;
  readonly has: boolean;
  readonly here: boolean;
  readonly what: string;
  readonly state: string;
  readonly bytes: number | null;
  readonly software: string | null;
  readonly limits: Names | null;
  readonly reachable: boolean;
  readonly checked_at: number | null;
  readonly fault: Said | null;
}

/** One entry as a person sees it. */
export interface Card {
  readonly row: Row;
  readonly access: string;
  readonly group: string;
  readonly reason: Said | null;
  readonly description: Names | null;
  readonly subject: string;
  readonly licence: string;
  readonly citation: string;
  readonly doi: string;
  readonly variables: readonly string[];
  readonly dimensions: readonly string[];
  readonly picture: boolean;
  readonly bbox: readonly number[];
  readonly start: string;
  readonly end: string;
  readonly bytes: number | null;
  readonly uses: number;
  readonly plan: string;
  readonly unit: string;
  readonly versions: readonly string[];
  readonly places: readonly Place[];
}
