// Draws the extension's icon: a prompt and a tick on a rounded square.
//   node scripts/icon.mjs icon.png
import fs from "node:fs";
import { crc32, deflateSync } from "node:zlib";

const SIZE = 128;
const CORNER = 26;
const STROKE = 6.5;
const TOP = [38, 58, 110];
const BOTTOM = [22, 32, 66];
const LINES = [
  {
    color: [236, 240, 250],
    points: [
      [28, 44],
      [48, 64],
      [28, 84],
    ],
  },
  {
    color: [92, 219, 149],
    points: [
      [56, 68],
      [71, 84],
      [102, 44],
    ],
  },
];

function distanceToSegment(x, y, [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const along = ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy);
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}

/** How much of the pixel lies within an edge at `distance` 0 (negative is inside). */
const coverage = (distance) => Math.min(1, Math.max(0, 0.5 - distance));

function pixel(x, y) {
  const half = SIZE / 2;
  const qx = Math.max(0, Math.abs(x - half) - half + CORNER);
  const qy = Math.max(0, Math.abs(y - half) - half + CORNER);
  const alpha = coverage(Math.hypot(qx, qy) - CORNER);
  let color = TOP.map((c, i) => c + ((BOTTOM[i] - c) * y) / SIZE);
  for (const line of LINES) {
    const distances = line.points
      .slice(1)
      .map((p, i) => distanceToSegment(x, y, line.points[i], p));
    const ink = coverage(Math.min(...distances) - STROKE);
    color = color.map((c, i) => c + (line.color[i] - c) * ink);
  }
  return [...color.map(Math.round), Math.round(alpha * 255)];
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

const header = Buffer.alloc(13);
header.writeUInt32BE(SIZE, 0);
header.writeUInt32BE(SIZE, 4);
header.set([8, 6, 0, 0, 0], 8); // 8 bits, RGBA
const rows = [];
for (let y = 0; y < SIZE; y++) {
  rows.push(0); // no filter
  for (let x = 0; x < SIZE; x++) {
    rows.push(...pixel(x + 0.5, y + 0.5));
  }
}
fs.writeFileSync(
  process.argv[2],
  Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.from(rows), { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]),
);
