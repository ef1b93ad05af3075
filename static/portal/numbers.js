// Numbers, money and times as portal/formats.py writes them.

const lang = document.documentElement.lang || "en";
const zone = JSON.parse(document.getElementById("portal-data").textContent).zone;
const MINUS = "\u2212";
export const NONE = "\u2013";

function fixed(value, digits) {
  return new Intl.NumberFormat(lang, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(Math.abs(value));
}

export function number(value, digits, sign) {
  const text = fixed(value, digits);
  const zero = Number(Math.abs(value).toFixed(digits)) === 0;
  if (value < 0 && !zero) return MINUS + text;
  return sign && !zero ? "+" + text : text;
}

const CURRENCY_DIGITS = { JPY: 0, KRW: 0, HUF: 0, BTC: 8, ETH: 8, USDT: 6, USDC: 6 };
const currencyDigits = (currency) => CURRENCY_DIGITS[currency] ?? 2;
export const price = (value, digits) => (value ? number(value, digits) : NONE);

export function lots(wire) {
  return number(wire / 100, 2);
}

export function gain(value, currency) {
  const digits = currencyDigits(currency);
  const zero = Number(Math.abs(value).toFixed(digits)) === 0;
  const box = document.createElement("span");
  box.className = "gain " + (zero ? "flat" : value > 0 ? "up" : "down");
  const arrow = document.createElement("span");
  arrow.className = "arrow";
  arrow.setAttribute("aria-hidden", "true");
  arrow.textContent = zero ? "" : value > 0 ? "\u25b2" : "\u25bc";
  const figure = document.createElement("span");
  figure.className = "num";
  figure.textContent = number(value, digits, true);
  const unit = document.createElement("span");
  unit.className = "unit";
  unit.textContent = currency;
  box.append(arrow, figure, " ", unit);
  return box;
}

export function money(value, currency) {
  const figure = document.createElement("span");
  figure.className = "num";
  figure.textContent = number(value, currencyDigits(currency));
  const unit = document.createElement("span");
  unit.className = "unit";
  unit.textContent = currency;
  return [figure, " ", unit];
}

export function badge(kind, value) {
  const template = document.querySelector('template[data-badge="' + kind + "-" + value + '"]');
  return template ? template.content.cloneNode(true) : document.createTextNode(value);
}

export function timeOf(seconds) {
  const time = document.createElement("time");
  const at = new Date(seconds * 1000);
  time.dateTime = at.toISOString();
  time.title = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "long", timeZone: zone }).format(at);
  time.textContent = window.portalAgo(at.getTime());
  return time;
}
