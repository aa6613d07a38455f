/* One chart for the report and for a live page. `gamedayChart(figure, chart)` draws a chart (the shape of
   harness/gameday/report/chart.py) into a figure: phases shaded, bounds dashed, the guard dotted,
   values out of bound in the colour of broken, down to the worst sample. */
"use strict";

function gamedayChart(figure, chart) {
  const box = figure.querySelector(".plot");
  const readout = figure.querySelector(".readout");
  const big = figure.classList.contains("big");
  const holder = document.createElement("div");
  holder.className = "live";
  holder.setAttribute("role", "img");
  holder.setAttribute("aria-label", box.getAttribute("aria-label"));
  box.after(holder);
  figure.classList.add("scripted");

  const css = getComputedStyle(figure);
  const colour = (name) => css.getPropertyValue("--" + name).trim();
  const font = "12px " + css.fontFamily;
  const times = chart.values.map((_, index) => chart.start + index * chart.step);
  const out = chart.values.map(() => null);
  for (const [first, last] of chart.breaches)
    for (let index = Math.max(0, first - 1); index <= Math.min(out.length - 1, last + 1); index++)
      out[index] = chart.values[index];

  const shown = (value) => {
    if (value == null) return "no data";
    if (chart.unit === "%") return (value * 100).toFixed(value > 0 && value < 1 ? 2 : 0) + "%";
    return String(value) + chart.unit;
  };
  const moment = (seconds) => {
    const whole = Math.round(Math.abs(seconds));
    const text = (whole >= 60 ? Math.floor(whole / 60) + "m" : "") + (whole % 60 || whole < 60 ? (whole % 60) + "s" : "");
    return whole ? (seconds < 0 ? "\u2212" : "+") + text : "0s";
  };

  const clipped = (plot, draw) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    draw(ctx, bbox, (x) => plot.valToPos(x, "x", true), (y) => plot.valToPos(y, "y", true));
    ctx.restore();
  };
  const bands = (plot) => clipped(plot, (ctx, bbox, x) => {
    for (const band of chart.bands) {
      if (band.phase === "before" || band.phase === "after") continue;
      ctx.fillStyle = colour(band.phase === "during" ? "fault" : "edge");
      ctx.fillRect(x(band.start), bbox.top, Math.max(uPlot.pxRatio, x(band.end) - x(band.start)), bbox.height);
    }
    for (const fault of chart.faults) {
      ctx.fillStyle = colour("fault");
      ctx.fillRect(x(fault.start), bbox.top, Math.max(uPlot.pxRatio, x(fault.end) - x(fault.start)), bbox.height);
    }
    for (const mark of chart.marks) {
      if (mark.kind !== "recovered") continue;
      ctx.fillStyle = colour("held-soft");
      ctx.fillRect(x(mark.low), bbox.top, x(mark.high) - x(mark.low), bbox.height);
    }
  });
  const marks = (plot) => clipped(plot, (ctx, bbox, x, y) => {
    ctx.fillStyle = colour("broken");
    ctx.globalAlpha = 0.4;
    chart.worst.forEach((worst, index) => {
      if (worst == null) return;
      const left = x(times[index] - chart.step / 2), from = y(chart.values[index]);
      ctx.fillRect(left, from, x(times[index] + chart.step / 2) - left, y(worst) - from);
    });
    ctx.globalAlpha = 1;
    for (const level of chart.guard ? [chart.guard.low, chart.guard.high] : []) {
      if (level == null) continue;
      ctx.lineWidth = uPlot.pxRatio;
      ctx.strokeStyle = colour("ink");
      ctx.setLineDash([uPlot.pxRatio, 3 * uPlot.pxRatio]);
      ctx.beginPath();
      ctx.moveTo(x(chart.guard.start), y(level));
      ctx.lineTo(x(chart.guard.end), y(level));
      ctx.stroke();
      ctx.fillStyle = colour("muted");
      ctx.font = 12 * uPlot.pxRatio + "px " + css.fontFamily;
      ctx.textAlign = "right";
      ctx.textBaseline = "middle";
      ctx.fillText("guard", x(chart.guard.start) - 5 * uPlot.pxRatio, y(level));
    }
    ctx.lineWidth = 1.25 * uPlot.pxRatio;
    ctx.strokeStyle = colour("limit");
    ctx.setLineDash([5 * uPlot.pxRatio, 4 * uPlot.pxRatio]);
    for (const limit of chart.limits)
      for (const level of [limit.low, limit.high]) {
        if (level == null) continue;
        ctx.beginPath();
        ctx.moveTo(x(limit.start), y(level));
        ctx.lineTo(x(limit.end), y(level));
        ctx.stroke();
      }
    ctx.setLineDash([]);
    for (const mark of chart.marks) {
      ctx.strokeStyle = colour({ impact: "broken", detected: "unknown", recovered: "held", aborted: "ink" }[mark.kind]);
      ctx.beginPath();
      ctx.moveTo(x(mark.at), bbox.top);
      ctx.lineTo(x(mark.at), bbox.top + bbox.height);
      ctx.stroke();
    }
  });
  const axis = (side) => ({
    stroke: colour("muted"),
    font,
    gap: 4,
    splits: () => chart[side].ticks.map((tick) => tick.at),
    values: () => chart[side].ticks.map((tick) => tick.label),
    grid: { show: side === "y", stroke: colour("line"), width: 1 },
    ticks: { show: side === "x", stroke: colour("line"), size: 4, width: 1 },
    size: side === "x" ? 24 : 48,
  });
  // A single point between two gaps has no line, so draw it as a dot.
  const alone = (plot, series) => {
    const values = plot.data[series];
    return values.reduce((indexes, value, index) =>
      value != null && values[index - 1] == null && values[index + 1] == null ? indexes.concat(index) : indexes, []);
  };
  const line = (name, width) => ({
    stroke: colour(name), width, spanGaps: false, points: { show: true, size: 4, filter: alone, fill: colour(name) },
  });

  const plot = new uPlot({
    width: Math.max(50, holder.clientWidth),
    height: big ? 232 : 156,
    padding: [8, 16, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, sync: { key: figure.dataset.sync }, points: { size: 7 } },
    scales: { x: { time: false, range: () => [chart.x.low, chart.x.high] }, y: { range: () => [chart.y.low, chart.y.high] } },
    axes: [axis("x"), axis("y")],
    series: [{}, line("series", 1.75), line("broken", 2.25)],
    hooks: {
      drawClear: [bands],
      draw: [marks],
      setCursor: [(plot) => {
        const index = plot.cursor.idx;
        readout.textContent = index == null ? "" : moment(times[index]) + "  " + shown(chart.values[index]) +
          (chart.worst[index] != null ? " (worst " + shown(chart.worst[index]) + ")" : "");
      }],
    },
  }, [times, chart.values, out], holder);

  const resized = new ResizeObserver(() => plot.setSize({ width: Math.max(50, holder.clientWidth), height: plot.height }));
  resized.observe(holder);
  return { remove() { resized.disconnect(); plot.destroy(); holder.remove(); figure.classList.remove("scripted"); } };
}

{
  const figures = [...document.querySelectorAll("figure.chart")].filter((figure) => figure.querySelector("script"));
  let drawn = [];
  const draw = () => {
    drawn.forEach((chart) => chart.remove());
    drawn = figures.map((figure) => gamedayChart(figure, JSON.parse(figure.querySelector("script").textContent)));
  };
  draw();
  for (const media of ["(prefers-color-scheme: dark)", "print"]) matchMedia(media).addEventListener("change", draw);
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
}
