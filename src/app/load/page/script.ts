// What the browser runs: a uPlot for each plot of the data, all with one cursor.
// Text for a script element; it decides nothing that `plots.ts` could have decided.

export const SCRIPT = `
const plots = JSON.parse(document.getElementById('data').textContent);
const sync = uPlot.sync('run');
const made = plots.map((plot) => {
  const stepped = uPlot.paths.stepped({ align: 1 });
  const marks = (u) => {
    const { ctx, bbox } = u;
    ctx.save();
    for (const { at, bad } of plot.marks) {
      const x = Math.round(u.valToPos(at, 'x', true)) + 0.5;
      ctx.strokeStyle = bad ? 'rgba(229,62,62,.55)' : 'rgba(113,128,150,.4)';
      ctx.setLineDash([2, 4]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  };
  const value = (_, v) => (v == null ? '-' : v + plot.unit);
  const element = document.getElementById(plot.id);
  const range = plot.logarithmic
    ? undefined
    : (_, min, max) => [0, max > 0 ? max * 1.08 : 1];
  return new uPlot(
    {
      width: element.clientWidth,
      height: 220,
      cursor: { sync: { key: sync.key } },
      scales: {
        x: { time: false, range: [0, plot.until] },
        y: plot.logarithmic ? { distr: 3, log: 10 } : { range },
      },
      axes: [
        { values: (_, ticks) => ticks.map((tick) => tick + ' s') },
        { size: 90, values: (_, ticks) => ticks.map((tick) => (tick == null ? '' : tick + plot.unit)) },
      ],
      series: [
        { label: 'second' },
        ...plot.lines.map((line) => ({
          label: line.label,
          stroke: line.color,
          width: line.dashed ? 1 : 1.6,
          dash: line.dashed ? [5, 4] : undefined,
          fill: line.filled ? line.color + '22' : undefined,
          paths: line.stepped ? stepped : undefined,
          points: { show: plot.times.length < 3 },
          spanGaps: false,
          value,
        })),
      ],
      hooks: { draw: [marks] },
    },
    [plot.times, ...plot.lines.map((line) => line.values)],
    element,
  );
});
addEventListener('resize', () => {
  made.forEach((u, i) => u.setSize({ width: document.getElementById(plots[i].id).clientWidth, height: 220 }));
});
document.documentElement.dataset.drawn = made.length;
`;
