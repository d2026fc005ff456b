// What the server says and is asked, as JSON.

export interface Place {
  line: number;
  column: number;
  length: number;
}

export type Kind = "number" | "text" | "boolean" | "time";

export interface Column {
  name: string;
  datatype: string;
  unit?: string | null;
  ucd?: string | null;
  description?: string | null;
  kind?: Kind;
}

export interface Table {
  name: string;
  description?: string | null;
  rows?: number | null;
  columns: Column[];
}

export interface Function {
  name: string;
  forms: string[];
  description?: string | null;
}

export interface ClassLook {
  name: string;
  path?: string;
  /** What it holds, in a few words. */
  means?: string | null;
  colour: string;
  marker: string;
}

export interface Region {
  name?: string;
  ra: number;
  dec: number;
  radius?: number | null;
  others?: string[];
}

export interface About {
  version: string;
  mirror: string;
  model?: string | null;
  tables: Table[];
  functions: Function[];
  keywords: string[];
  examples: { name: string; query: string }[];
  classes: ClassLook[];
  limits: { rows: number; points: number };
  regions?: Region[];
  photometry?: { column: string; short: string }[];
  /** Whether the server sends to other programs. */
  samp?: boolean;
}

/** What a view draws along one side. */
export type Axis = ({ column: string } | { minus: [string, string] } | { absolute: string }) & { log?: boolean };

export interface Result {
  rows: number;
  /** Rows that the query has, if more than the page takes. */
  total?: number | null;
  truncated: boolean;
  seconds: number;
  columns: Column[];
  /** The classes that its rows have; codes are places in this list, and its length is no class. */
  classes: ClassLook[];
  note?: string | null;
  suggested: Partial<Record<ViewName, { x: Axis; y?: Axis }>>;
}

export const VIEWS = ["sky", "cmd", "cc", "hist"] as const;
export type ViewName = (typeof VIEWS)[number];

/** What one view asks for. */
export type Wanted =
  | { kind: "plane"; x: Axis; y: Axis; size: [number, number]; domain?: number[] }
  | { kind: "line"; x: Axis; bins: number; domain?: number[] };

export type Condition =
  | { view: ViewName; range: number[] }
  | { classes: (string | null)[] }
  | { probability: number }
  | { rows: number[] };

export interface Order {
  column: string;
  descending: boolean;
}

export type Value = string | number | boolean | null;

export interface Rows {
  rows: Value[][];
  total: number;
}

export interface Band {
  name: string;
  column: string;
  wavelength_um: number;
  magnitude: number | null;
  error: number | null;
  limit: boolean;
  used: boolean;
  flux: number | null;
  flux_error: number | null;
}

export interface Source {
  row: number;
  identifiers: { source_id?: string | number | null; ra?: number | null; dec?: number | null };
  links: { name: string; url: string }[];
  bands: Band[];
  class: string | null;
  path?: string[] | null;
  probability: number | null;
  model?: string | null;
  node?: { name: string; probability: number; path: string } | null;
  probabilities?: Record<string, number> | null;
  set95?: string[] | null;
  stage?: string | null;
  alpha?: number | null;
  contributions?: Record<string, number> | null;
  blackbody?: {
    temperature: number;
    curve: { wavelength_um: number[]; flux: number[] };
    residuals: (number | null)[];
  } | null;
  template?: {
    class: string;
    wavelength_um: number[];
    median: number[];
    low: number[];
    high: number[];
    residuals: (number | null)[];
  } | null;
  neighbours?: Record<string, Value>[] | null;
}
