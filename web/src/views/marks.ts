// The marks of classes, by the letters that matplotlib has for them, as outlines within -1 and 1.

type Outline = [number, number][];

const SIDES = 24;

const ngon = (sides: number, start = 90): Outline =>
  Array.from({ length: sides }, (_, k) => at(1, start + (360 * k) / sides));

function at(radius: number, degrees: number): [number, number] {
  const angle = (degrees * Math.PI) / 180;
  return [radius * Math.cos(angle), -radius * Math.sin(angle)];
}

const star = (points: number, inner: number): Outline =>
  Array.from({ length: 2 * points }, (_, k) => at(k % 2 ? inner : 1, 90 + (180 * k) / points));

const turned = (outline: Outline, degrees: number): Outline =>
  outline.map(([x, y]) => at(Math.hypot(x, y), (Math.atan2(-y, x) * 180) / Math.PI + degrees));

const THIRD = 0.36;
const PLUS: Outline = [
  [-THIRD, -1], [THIRD, -1], [THIRD, -THIRD], [1, -THIRD], [1, THIRD], [THIRD, THIRD],
  [THIRD, 1], [-THIRD, 1], [-THIRD, THIRD], [-1, THIRD], [-1, -THIRD], [-THIRD, -THIRD],
];

const OUTLINES: Record<string, Outline> = {
  o: Array.from({ length: SIDES }, (_, k) => at(0.85, (360 * k) / SIDES)),
  "^": ngon(3),
  v: ngon(3, 270),
  s: [[-0.8, -0.8], [0.8, -0.8], [0.8, 0.8], [-0.8, 0.8]],
  D: [[0, -1], [1, 0], [0, 1], [-1, 0]],
  d: [[0, -1], [0.65, 0], [0, 1], [-0.65, 0]],
  P: PLUS,
  X: turned(PLUS, 45),
  "*": star(5, 0.42),
  h: ngon(6),
  p: ngon(5),
};

/** The outline of a mark about a place, as the data of an SVG path. */
export function markPath(marker: string, x = 0, y = 0, size = 5): string {
  const outline = OUTLINES[marker] ?? OUTLINES.o!;
  return `M${outline.map(([a, b]) => `${round(x + a * size)},${round(y + b * size)}`).join("L")}Z`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
