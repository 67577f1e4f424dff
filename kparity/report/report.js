/* Draws the plots of the report from the data beside it, in the colours of the page; again when those change. */
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement;
  const token = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  // Plotly reads mark-up in labels; a layer's name is never mark-up.
  const safe = (text) => text.replace(/[&<>]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign]);
  // The end of a layer's name tells it from its neighbours, the beginning is what they share.
  const shorten = (text, most) =>
    text.length <= most ? text : text.slice(0, most >> 2) + "…" + text.slice((most >> 2) + 1 - most);
  const settings = { displayModeBar: false, responsive: true };

  function base() {
    const axis = {
      gridcolor: token("--grid"), linecolor: token("--rule"), zeroline: false, ticks: "outside", ticklen: 4,
      tickcolor: token("--rule"), tickfont: { size: 11.5, color: token("--quiet") },
      title: { font: { size: 12, color: token("--quiet") }, standoff: 6 },
    };
    return {
      axis,
      layout: {
        paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, autosize: true,
        font: { family: token("--text"), size: 12.5, color: token("--ink") },
        hoverlabel: {
          bgcolor: token("--hover"), bordercolor: token("--hover"), align: "left",
          font: { family: token("--text"), size: 12.5, color: token("--hover-ink") },
        },
      },
    };
  }

  function drawCurve(element) {
    const curve = data.curves[Number(element.dataset.curve)];
    const { axis, layout } = base();
    const few = curve.step.length < 30;
    const line = (y, color, extra) => ({
      x: curve.step, y, type: "scatter", mode: few ? "lines+markers" : "lines", connectgaps: few, hoverinfo: "skip",
      line: { color, width: 2 }, marker: { size: 5 }, ...extra,
    });
    const faint = { mode: "lines", opacity: 0.28, connectgaps: false };
    const traces = [];
    if (curve.low.length) {
      const edge = { mode: "lines", connectgaps: true };
      traces.push(line(curve.low, "rgba(0,0,0,0)", { ...edge, line: { width: 0 } }));
      traces.push(line(curve.high, "rgba(0,0,0,0)", { ...edge, line: { width: 0 }, fill: "tonexty", fillcolor: token("--band") }));
    }
    if (curve.raw_legacy.length) {
      traces.push(line(curve.raw_legacy, token("--legacy"), { ...faint, line: { color: token("--legacy"), width: 0.8 } }));
      traces.push(line(curve.raw_keras3, token("--keras3"), { ...faint, line: { color: token("--keras3"), width: 0.8 } }));
    }
    const named = (name) => ({ name, hoverinfo: "all", hovertemplate: "%{y:.5g}" });
    traces.push(line(curve.legacy, token("--legacy"), named("Keras 2")));
    traces.push(line(curve.keras3, token("--keras3"), {
      ...named("Keras 3"), line: { color: token("--keras3"), width: 2, dash: few ? "dot" : "5px,2px" },
    }));
    Plotly.react(element, traces, {
      ...layout,
      margin: { l: 52, r: 18, t: 10, b: 38 }, hovermode: "x unified", hoverdistance: 30,
      xaxis: { ...axis, title: { ...axis.title, text: "step" }, showgrid: false, nticks: 7, unifiedhovertitle: { text: "step %{x}" } },
      yaxis: { ...axis, nticks: 6 },
    }, settings);
  }

  // Columns are even, steps need not be: [column, step] at round steps, and at the first.
  function roundSteps(starts) {
    if (starts.length <= 16) return starts.map((step, column) => [column, step]);
    const span = starts[starts.length - 1] - starts[0];
    const rough = Math.max(1, span / 8);
    const size = 10 ** Math.floor(Math.log10(rough));
    const apart = size * [1, 2, 5, 10].find((times) => times * size >= rough);
    const ticks = [[0, starts[0]]];
    for (let step = apart * Math.ceil((starts[0] + 1) / apart); step <= starts[starts.length - 1]; step += apart) {
      const column = starts.findLastIndex((start) => start <= step);
      if (column - ticks[ticks.length - 1][0] >= starts.length / 20) ticks.push([column, step]);
    }
    return ticks;
  }

  function drawPanel(element) {
    const panel = data.map.panels[Number(element.dataset.panel)];
    const { axis, layout } = base();
    const rows = panel.rows.length, columns = data.map.steps.length;
    const height = rows <= 50 ? 17 : Math.max(850 / rows, 2);
    const every = Math.ceil(12 / height);
    const caused = new Set(panel.causes.map(([, row]) => row));
    const labelled = [];
    for (let row = 0; row < rows; row++) {
      const nearCause = [...caused].some((other) => other !== row && Math.abs(other - row) < every);
      if (caused.has(row) || (row % every === 0 && !nearCause)) labelled.push(row);
    }
    const ticks = roundSteps(data.map.steps.map((label) => Number(label.split(" ")[0])));
    const power = (value) => 10 ** (value / 100);
    const short = (value) => (value >= 1e5 ? value.toExponential(0) : Number(value.toPrecision(2)).toLocaleString("en"));
    const said = panel.ratio.map((line, row) => line.map((value, column) => {
      if (value === null) return null;
      const difference = panel.difference[row][column];
      const ratio = value <= -1200 ? "no difference" : value >= 1200 ? "not a number on one side" : short(power(value)) + " × the noise floor";
      const numbers = Math.abs(difference) < 1200 && Math.abs(value) < 1200
        ? `<br>difference ${power(difference).toExponential(1)}, noise floor ${power(difference - value).toExponential(1)}` : "";
      return `<b>${safe(panel.rows[row])}</b><br>step ${data.map.steps[column]}<br>${ratio}${numbers}`;
    }));
    const traces = [{
      type: "heatmap", z: panel.ratio.map((line) => line.map((value) => (value === null ? null : value / 100))),
      text: said, hovertemplate: "%{text}<extra></extra>", hoverongaps: false, zmin: 0, zmax: 4, showscale: false,
      xgap: columns < 120 ? 1 : 0, ygap: height > 8 ? 1 : 0,
      colorscale: [
        [0, token("--heat-0")], [0.075, token("--heat-0")], [0.25, token("--heat-1")], [0.5, token("--heat-2")],
        [0.75, token("--heat-3")], [1, token("--heat-4")],
      ],
    }];
    const badges = panel.causes.map(([column, row, number]) => ({
      x: column - 0.5, y: row, xanchor: "left", yanchor: "middle", showarrow: false, text: `<b>${number}</b>`,
      font: { size: 11, color: token("--ink") }, bgcolor: token("--paper"), bordercolor: token("--ink"), borderwidth: 1.5, borderpad: 1,
    }));
    const wide = element.clientWidth > 800 ? 30 : 20;
    const named = data.map.panels.flatMap((one) => one.rows); // one margin for all, so that the steps stand in line
    const longest = named.reduce((most, name) => Math.max(most, Math.min(name.length, wide)), 0);
    element.style.height = `${rows * height + 46}px`;
    Plotly.react(element, traces, {
      ...layout,
      height: rows * height + 46, margin: { l: 20 + 6.6 * longest, r: 18, t: 6, b: 40 }, hovermode: "closest", annotations: badges,
      xaxis: {
        ...axis, title: { ...axis.title, text: "step" }, showgrid: false, range: [-0.5, columns - 0.5],
        tickvals: ticks.map(([column]) => column), ticktext: ticks.map(([, step]) => String(step)),
      },
      yaxis: {
        ...axis, showgrid: false, range: [rows - 0.5, -0.5], ticks: "", tickvals: labelled, automargin: false,
        ticktext: labelled.map((row) => safe(shorten(panel.rows[row], wide)) + "  "),
        tickfont: { ...axis.tickfont, color: token("--ink") },
      },
    }, settings);
  }

  function draw() {
    document.querySelectorAll(".curve").forEach(drawCurve);
    document.querySelectorAll(".map").forEach(drawPanel);
  }

  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    folded.forEach((one) => { one.open = true; });
    root.classList.add("paper");
    draw();
  });
  addEventListener("afterprint", () => {
    folded.forEach((one) => { one.open = false; });
    root.classList.remove("paper");
    draw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
})();
