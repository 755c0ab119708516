"""One figure with peers on a logarithmic axis, as SVG."""
import math
from xml.sax.saxutils import escape

# Dark enough to be read on white, and told apart by those who see few colours.
COLOURS = ["#0060a8", "#b03a00", "#00704e", "#8a3a78", "#6b5b00", "#000000", "#a0002a", "#3a4ab0"]
GREY = "#555"


class Plot:
    """One figure: peers on a logarithmic axis, something else upwards."""

    LEFT, RIGHT, TOP, BOTTOM, WIDTH, HEIGHT = 66, 580, 58, 350, 750, 410

    def __init__(self, title, note, x_label, y_label, xs, ticks, log=False, digits=2):
        self.xs, self.ticks, self.log, self.digits = sorted(set(xs)), ticks, log, digits
        self.title, self.note, self.x_label, self.y_label = title, note, x_label, y_label
        self.shapes, self.labels = [], []

    def x(self, value):
        low, high = math.log(self.xs[0]), math.log(self.xs[-1])
        part = (math.log(value) - low) / (high - low) if high > low else 0.5
        return self.LEFT + 24 + part * (self.RIGHT - self.LEFT - 48)

    def y(self, value):
        scale = math.log if self.log else float
        low, high = scale(self.ticks[0]), scale(self.ticks[-1])
        return self.BOTTOM - (scale(value) - low) / (high - low) * (self.BOTTOM - self.TOP)

    def text(self, x, y, text, more=""):
        self.shapes.append(f'<text x="{x:.1f}" y="{y:.1f}" {more}>{escape(text)}</text>')

    def line(self, x1, y1, x2, y2, more):
        self.shapes.append(f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" {more}/>')

    def curve(self, points, label, colour, dashed=False):
        """Joins the points, and stands its name beside the last one."""
        points = [(self.x(x), self.y(y)) for x, y in sorted(points)]
        way = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        dashes = ' stroke-dasharray="2 3"' if dashed else ""
        self.shapes.append(f'<path d="M{way}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>')
        for x, y in points:
            radius, fill = (5, "none") if dashed else (3.5, colour)
            self.shapes.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" stroke="{colour}" stroke-width="1.5" '
                               f'fill="{fill}"/>')
        self.labels.append((points[-1][1], points[-1][0], label, colour))

    def limit(self, value, label):
        self.line(self.LEFT, self.y(value), self.RIGHT, self.y(value),
                  f'stroke="{GREY}" stroke-width="1.2" stroke-dasharray="7 4"')
        self.labels.append((self.y(value), self.RIGHT - 4, label, GREY))

    def mark(self, x, y):
        """A short line of no curve."""
        self.line(self.x(x) - 11, self.y(y), self.x(x) + 11, self.y(y), 'stroke="#777" stroke-width="1.5"')

    def axes(self):
        self.text(self.LEFT, 24, self.title, 'font-size="16" font-weight="bold"')
        self.text(self.LEFT, 43, self.note, 'fill="#444" font-size="12"')
        for tick in self.ticks:
            self.line(self.LEFT, self.y(tick), self.RIGHT, self.y(tick), 'stroke="#e2e2e2"')
            self.text(self.LEFT - 8, self.y(tick) + 4, f"{tick:.{self.digits}f}", 'text-anchor="end"')
        for peers in self.xs:
            self.line(self.x(peers), self.BOTTOM, self.x(peers), self.BOTTOM + 5, 'stroke="#222"')
            self.text(self.x(peers), self.BOTTOM + 20, f"{peers:,}", 'text-anchor="middle"')
        self.line(self.LEFT, self.BOTTOM, self.RIGHT, self.BOTTOM, 'stroke="#222"')
        self.text((self.LEFT + self.RIGHT) / 2, self.BOTTOM + 44, self.x_label, 'text-anchor="middle"')
        middle = (self.TOP + self.BOTTOM) / 2
        self.text(18, middle, self.y_label, f'text-anchor="middle" transform="rotate(-90 18 {middle:.0f})"')

    def svg(self):
        drawn, self.shapes = self.shapes, []
        self.axes()
        self.shapes += drawn
        placed = []
        for y, x, label, colour in sorted(self.labels):
            # Names that would lie on each other move down.
            while any(abs(y - other_y) < 15 and abs(x - other_x) < 100 for other_y, other_x in placed):
                y += 1
            placed.append((y, x))
            self.text(x + 10, y + 4, label, f'fill="{colour}" stroke="#fff" stroke-width="3" paint-order="stroke"')
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.WIDTH} {self.HEIGHT}" width="{self.WIDTH}" '
            f'height="{self.HEIGHT}" role="img" font-family="Helvetica, Arial, sans-serif" font-size="13" fill="#222">',
            f"<title>{escape(self.title)}</title>", '<rect width="100%" height="100%" fill="#fff"/>', *self.shapes, "</svg>", ""])


def even_ticks(values, start):
    """From `start` or below the least value to above the greatest, in round steps."""
    low, high = min([start, *values]), max(values)
    step = next(step for power in range(-3, 9) for step in (10 ** power, 2 * 10 ** power, 5 * 10 ** power)
                if (high - low) / step <= 7)
    first = math.floor(low / step + 1e-9)
    return [number * step for number in range(first, math.ceil(high / step + 1e-9) + 1)]
