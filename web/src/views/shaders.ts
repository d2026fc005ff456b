// The two programs that draw points.

export const VERTEX = `#version 300 es
in float x;
in float y;
in float chosen;
uniform vec4 span;      // from, to of x; from, to of y, in logarithms where these are drawn
uniform vec2 logs;
uniform float size;
uniform bool all;
void main() {
  vec2 at = vec2(logs.x > 0.0 ? log2(x) * 0.30102999566 : x, logs.y > 0.0 ? log2(y) * 0.30102999566 : y);
  vec2 place = 2.0 * (at - span.xz) / (span.yw - span.xz) - 1.0;
  gl_Position = all || chosen > 0.5 ? vec4(place, 0.0, 1.0) : vec4(9.0, 9.0, 9.0, 1.0);
  gl_PointSize = size;
}`;

export const FRAGMENT = `#version 300 es
precision mediump float;
uniform vec4 colour;
uniform sampler2D mark;
uniform bool plain;     // a mark of few pixels has no form
out vec4 drawn;
void main() {
  float cover = plain ? 1.0 : texture(mark, gl_PointCoord).a;
  drawn = vec4(colour.rgb, 1.0) * colour.a * cover;
}`;
