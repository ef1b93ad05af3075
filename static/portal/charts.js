// Equity as an area, and below it on the same time axis how far it stands below its peak; deposits and withdrawals are
// marked. The page holds the same figures as a table, so whoever reads instead of looking loses nothing.

import { number, money } from "./numbers.js";

const { createChart, createSeriesMarkers, AreaSeries, ColorType, CrosshairMode, LineStyle } = window.LightweightCharts;
const root = document.documentElement;
const lang = root.lang || "en";
const zone = JSON.parse(document.getElementById("portal-data").textContent).zone;
const NARROW = window.matchMedia("(max-width: 767px)");

const colour = (name) => getComputedStyle(root).getPropertyValue("--" + name).trim();
const day = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeZone: zone });
const moment = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short", timeZone: zone });
const TICKS = [
  { year: "numeric" },
  { month: "short" },
  { day: "numeric", month: "short" },
  { hour: "2-digit", minute: "2-digit" },
  { hour: "2-digit", minute: "2-digit", second: "2-digit" },
].map((form) => new Intl.DateTimeFormat(lang, { ...form, timeZone: zone }));

function look() {
  return {
    layout: {
      background: { type: ColorType.Solid, color: "transparent" },
      textColor: colour("muted"),
      fontFamily: getComputedStyle(document.body).fontFamily,
      fontSize: 11,
      attributionLogo: false,
      panes: { separatorColor: colour("line"), separatorHoverColor: colour("line"), enableResize: false },
    },
    grid: { vertLines: { visible: false }, horzLines: { color: colour("line-soft") } },
    crosshair: { vertLine: { color: colour("muted") }, horzLine: { color: colour("muted") } },
  };
}

const equityLook = () => ({
  lineColor: colour("accent"), topColor: colour("accent") + "40", bottomColor: colour("accent") + "08",
});
const fallLook = () => ({
  lineColor: colour("down"), topColor: colour("down") + "08", bottomColor: colour("down") + "38",
});

function marks(points, currency) {
  return points
    .filter((point) => point.flow)
    .map((point) => ({
      time: point.time,
      position: point.flow > 0 ? "belowBar" : "aboveBar",
      shape: point.flow > 0 ? "arrowUp" : "arrowDown",
      color: colour("ink"),
      text: NARROW.matches ? "" : money(point.flow, currency).map((part) => part.textContent ?? part).join(""),
      size: 1,
    }));
}

function draw(box) {
  const data = JSON.parse(box.querySelector("script[type='application/json']").textContent);
  // Exact numbers travel as text.
  const points = data.points.map((point) => Object.fromEntries(Object.entries(point).map(([name, value]) => [name, Number(value)])));
  const place = box.querySelector("[data-canvas]");
  const chart = createChart(place, {
    ...look(),
    autoSize: true,
    handleScroll: { mouseWheel: false, pressedMouseMove: true, horzTouchDrag: true, vertTouchDrag: false },
    handleScale: { mouseWheel: false, pinch: true, axisPressedMouseMove: false },
    kineticScroll: { mouse: false, touch: false },
    crosshair: { mode: CrosshairMode.Magnet, ...look().crosshair },
    rightPriceScale: { borderVisible: false },
    timeScale: {
      borderVisible: false,
      fixLeftEdge: true,
      fixRightEdge: true,
      timeVisible: false,
      tickMarkFormatter: (time, kind) => TICKS[kind].format(new Date(time * 1000)),
    },
    localization: { locale: lang, timeFormatter: (time) => moment.format(new Date(time * 1000)) },
  });
  const common = { lineWidth: 2, priceLineVisible: false, crosshairMarkerRadius: 3 };
  const equity = chart.addSeries(AreaSeries, {
    ...common, ...equityLook(), lineWidth: 2,
    priceFormat: { type: "custom", minMove: 0.01, formatter: (value) => number(value, Math.abs(value) < 1000 ? 2 : 0) },
  });
  equity.setData(points.map((point) => ({ time: point.time, value: point.equity })));
  const marked = createSeriesMarkers(equity, marks(points, data.currency));
  const fall = chart.addSeries(AreaSeries, {
    ...common, ...fallLook(), lineWidth: 1, invertFilledArea: true, lastValueVisible: false,
    priceFormat: { type: "custom", minMove: 0.0001, formatter: (value) => number(value * 100, 1) + " %" },
  }, 1);
  fall.setData(points.map((point) => ({ time: point.time, value: point.drawdown })));
  fall.createPriceLine({ price: 0, color: colour("line"), lineWidth: 1, lineStyle: LineStyle.Solid, axisLabelVisible: false });
  fall.priceScale().applyOptions({ scaleMargins: { top: 0.05, bottom: 0.1 } });
  chart.panes()[0].setStretchFactor(7);
  chart.panes()[1].setStretchFactor(3);
  chart.timeScale().fitContent();
  tell(box, chart, equity, fall, points, data);
  new MutationObserver(() => {
    chart.applyOptions(look());
    equity.applyOptions(equityLook());
    fall.applyOptions(fallLook());
    marked.setMarkers(marks(points, data.currency));
  }).observe(root, { attributes: true, attributeFilter: ["data-bs-theme"] });
}

/** The line above the chart says what is under the pointer, and without one how the period ended. */
function tell(box, chart, equity, fall, points, data) {
  const line = box.querySelector("[data-legend]");
  const byTime = new Map(points.map((point) => [point.time, point]));
  const say = (point) => {
    const part = (word, content) => {
      const span = document.createElement("span");
      span.append(word + " ", ...content);
      return span;
    };
    const percent = document.createElement("strong");
    percent.className = "num";
    percent.textContent = number(point.drawdown * 100, 1) + " %";
    const parts = [
      part(day.format(new Date(point.time * 1000)), []),
      part(data.words.equity, money(point.equity, data.currency)),
      part(data.words.drawdown, [percent]),
    ];
    if (point.flow) parts.push(part(point.flow > 0 ? data.words.deposit : data.words.withdrawal, money(Math.abs(point.flow), data.currency)));
    line.replaceChildren(...parts);
  };
  chart.subscribeCrosshairMove((event) => say(byTime.get(event.time) || points[points.length - 1]));
  say(points[points.length - 1]);
}

function drawAll() {
  for (const box of document.querySelectorAll("[data-chart]:not([data-drawn])")) {
    box.dataset.drawn = "1";
    draw(box);
  }
}
drawAll();
document.addEventListener("htmx:afterSettle", drawAll);
