// The live parts: one socket with the browser's cookie. Frames are hints that are shown at once; after a gap or a
// reconnection the page reads the truth again (the `reread` event of #live-part) and says so.

import { NONE, badge, gain, lots, money, number, price, timeOf } from "./numbers.js";
import { body, cell, counted, enter, forgetHeld, leave, newRow, put, rowOf } from "./rows.js";

const data = JSON.parse(document.getElementById("portal-data").textContent);
const words = data.words;
const shown = new Set(data.shown);
const STALE_AFTER = 15000;

let socket = null;
let attempts = 0;
let everConnected = false;
let lastSeq = 0;
let lastQuote = 0;
let subscribed = new Set();
let live = { accounts: {}, symbols: {}, leaders: {} };
const quotes = new Map();

// --- Frames ---------------------------------------------------------------------------------------------------------------

function onQuote([, symbol, bid, ask]) {
  lastQuote = Date.now();
  quotes.set(symbol, { bid, ask });
  for (const element of document.querySelectorAll('[data-quote="' + CSS.escape(symbol) + '"]')) {
    const digits = Number(element.dataset.digits);
    if (element.dataset.side === "time") put(element, timeOf(Date.now() / 1000));
    else if (element.dataset.side === "spread") {
      const points = String(Math.round((ask - bid) * 10 ** digits));
      if (element.textContent !== points) put(element, points);
    } else {
      const text = price(element.dataset.side === "bid" ? bid : ask, digits);
      if (element.textContent !== text) put(element, text);
    }
  }
  let priced = false;
  for (const row of document.querySelectorAll('tbody[data-rows="position"] tr[data-symbol="' + CSS.escape(symbol) + '"]')) {
    priced = value(row) || priced;
  }
  if (priced) figures();
  badgeNow();
}

/** Shows the position at the last quote: current price and floating result. */
function value(row) {
  const quote = quotes.get(row.dataset.symbol);
  if (!quote || row.classList.contains("gone")) return false;
  const buy = row.dataset.side === "BUY";
  const now = buy ? quote.bid : quote.ask;
  const text = price(now, Number(row.dataset.digits));
  if (cell(row, "now").textContent !== text) put(cell(row, "now"), text);
  const point = Number(row.dataset.point);
  if (!point) return false;
  const result = (now - Number(row.dataset.open)) * (buy ? 1 : -1) * point * Number(row.dataset.lots);
  row.dataset.profit = String(result);
  const shownNow = gain(result, row.dataset.currency);
  if (cell(row, "profit").textContent !== shownNow.textContent) put(cell(row, "profit"), shownNow);
  for (const element of document.querySelectorAll('[data-row-profit="' + row.dataset.row + '"]')) put(element, gain(result, row.dataset.currency));
  return true;
}

function onBalance(frame) {
  const account = live.accounts[frame[1]];
  if (!account) return;
  account.base = frame[6] - frame[9];
  account.profit = frame[9];
  figures();
}

/** Equity and floating result by currency: what the server said last, with the open rows at the quotes of this moment. */
function figures() {
  if (!document.querySelector('[data-figure="equity"]')) return;
  const floating = {};
  for (const row of document.querySelectorAll('tbody[data-rows="position"] tr')) {
    floating[row.dataset.login] = (floating[row.dataset.login] || 0) + Number(row.dataset.profit || 0);
  }
  const equity = {};
  const profit = {};
  for (const [login, account] of Object.entries(live.accounts)) {
    const now = floating[login] || 0;
    equity[account.currency] = (equity[account.currency] || 0) + account.base + now;
    profit[account.currency] = (profit[account.currency] || 0) + now;
  }
  for (const [name, sums] of [["equity", equity], ["profit", profit]]) {
    for (const [currency, sum] of Object.entries(sums)) {
      const element = document.querySelector('[data-figure="' + name + '"] [data-currency="' + currency + '"]');
      const content = name === "equity" ? money(sum, currency) : [gain(sum, currency)];
      const text = content.map((part) => part.textContent ?? part).join("");
      if (element && element.textContent.trim() !== text.trim()) put(element, content);
    }
  }
}

function onTrade(frame) {
  const [, order, login, symbol, cmd, wire, open, , openTime, , tp, sl, state, , , profit] = frame;
  if (shown.has(login) && body("waiting") && (cmd > 1 || rowOf("waiting", order))) reread(false);
  if (!shown.has(login) || cmd > 1 || !body("position")) return;
  let row = rowOf("position", order);
  if (state !== 0) {
    if (row) {
      leave(row);
      figures();
    }
    return;
  }
  const account = live.accounts[login];
  const contract = live.symbols[symbol];
  if (!account || !contract) {
    reread(false);
    return;
  }
  const fresh = !row;
  if (fresh) {
    row = newRow("position", order);
    Object.assign(row.dataset, {
      login: String(login), symbol, side: cmd === 0 ? "BUY" : "SELL", currency: account.currency,
      digits: String(contract.digits), point: String(contract.points[account.currency] || 0), copied: "0",
    });
    put(cell(row, "symbol"), symbol);
    put(cell(row, "order"), String(order));
    put(cell(row, "side"), badge("side", row.dataset.side));
    put(cell(row, "login"), String(login));
    put(cell(row, "leader"), NONE);
    put(cell(row, "opened"), timeOf(openTime));
    const link = row.querySelector(".act a");
    link.setAttribute("href", link.getAttribute("href").replace("/0/", "/" + order + "/"));
  }
  Object.assign(row.dataset, { lots: String(wire / 100), open: String(open), profit: String(profit) });
  put(cell(row, "lots"), lots(wire));
  put(cell(row, "open"), price(open, contract.digits));
  put(cell(row, "sl"), price(sl, contract.digits));
  put(cell(row, "tp"), price(tp, contract.digits));
  put(cell(row, "profit"), gain(profit, account.currency));
  value(row);
  if (fresh) enter("position", row);
  quotesWanted();
  figures();
}

function onCopyPosition(copy) {
  const row = rowOf("position", copy.order);
  if (!row) return;
  row.dataset.copied = "1";
  const name = document.createElement("span");
  name.className = "badge-state tone-accent";
  name.textContent = live.leaders[copy.leader_login] || String(copy.leader_login);
  if (cell(row, "leader").textContent.trim() !== name.textContent) put(cell(row, "leader"), name);
  counted("position");
}

function onCopyOrder(order) {
  if (!body("copy-order") || !(shown.has(order.follower_login) || shown.has(order.leader_login))) return;
  let row = rowOf("copy-order", order.id);
  const fresh = !row;
  if (fresh) {
    row = newRow("copy-order", order.id);
    row.dataset.login = String(order.follower_login);
    put(cell(row, "time"), timeOf(order.time));
    put(cell(row, "action"), words.actions[order.action] || order.action);
    put(cell(row, "symbol"), order.follower_symbol || order.symbol);
    put(cell(row, "side"), badge("side", order.side));
    put(cell(row, "leader"), String(order.leader_login));
    put(cell(row, "follower"), String(order.follower_login));
    const link = row.querySelector(".act a");
    if (order.master_order) link.setAttribute("href", link.getAttribute("href").replace("/0/0", "/" + order.master_order + "/" + order.follower_login));
    else link.remove();
    const filled = order.status === "FILLED";
    const figure = document.querySelector('[data-figure="' + (filled ? "today" : "today-refused") + '"]');
    if (figure && ["FILLED", "SKIPPED", "REJECTED"].includes(order.status)) put(figure, String(Number(figure.textContent) + 1));
  }
  put(cell(row, "lots"), lots(order.volume));
  put(cell(row, "status"), badge("copy_order", order.status));
  put(cell(row, "detail"), order.detail || "");
  if (order.fill_ms === null) put(cell(row, "latency"), NONE);
  else {
    const unit = document.createElement("span");
    unit.className = "unit";
    unit.textContent = "ms";
    put(cell(row, "latency"), number(order.fill_ms, 1), " ", unit);
  }
  if (fresh) enter("copy-order", row);
}

function onCopyTrade(trade) {
  if (!body("copied-trade") || !shown.has(trade.login) || rowOf("copied-trade", trade.order)) return;
  const account = live.accounts[trade.login];
  const digits = live.symbols[trade.symbol]?.digits ?? 5;
  const row = newRow("copied-trade", trade.order);
  put(cell(row, "time"), timeOf(trade.close_time));
  put(cell(row, "order"), String(trade.order));
  put(cell(row, "symbol"), trade.symbol);
  put(cell(row, "side"), badge("side", trade.side));
  put(cell(row, "lots"), lots(trade.volume));
  put(cell(row, "open"), price(trade.open_price, digits));
  put(cell(row, "close"), price(trade.close_price, digits));
  put(cell(row, "result"), gain(trade.pnl, account ? account.currency : ""));
  put(cell(row, "login"), String(trade.login));
  enter("copied-trade", row);
}

const EVENTS = { "copy.order": onCopyOrder, "copy.position": onCopyPosition, "copy.trade": onCopyTrade };
const FRAMES = { t: onQuote, b: onBalance, o: onTrade };

// --- The socket -----------------------------------------------------------------------------------------------------------

const send = (message) => socket?.readyState === WebSocket.OPEN && socket.send(JSON.stringify(message));

function connect() {
  const scheme = window.location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(scheme + "//" + window.location.host + "/ws/");
  socket.addEventListener("message", (event) => {
    if (event.data === "pong") return;
    const message = JSON.parse(event.data);
    if (Array.isArray(message)) FRAMES[message[0]]?.(message);
    else if (message.event === "authorization" && message.success) greeted();
    else if (message.seq !== undefined) {
      const gap = message.seq !== lastSeq + 1;
      lastSeq = message.seq;
      if (gap) reread(true);
      else EVENTS[message.event]?.(message.data);
    }
  });
  socket.addEventListener("close", (event) => {
    badgeNow();
    if (event.code === 4401) {
      window.location.assign("/app/sign-in?next=" + encodeURIComponent(window.location.pathname + window.location.search));
      return;
    }
    attempts += 1;
    window.setTimeout(connect, Math.min(8000, 250 * 2 ** attempts) * (0.75 + Math.random() / 2));
  });
}

function greeted() {
  attempts = 0;
  lastSeq = 0;
  subscribed = new Set();
  send({ event: "account.switch", active_login: data.all ? 0 : data.shown[0] });
  send({ event: "subscribe", data: ["@copy"] });
  quotesWanted();
  // Also the first time: something may have happened between reading the page and listening.
  reread(everConnected);
  everConnected = true;
  badgeNow();
}

/** Subscribes to the symbols on the page; without any, to one, so that the badge can say how fresh prices are. */
function quotesWanted() {
  const wanted = new Set();
  for (const element of document.querySelectorAll("[data-quote]")) wanted.add(element.dataset.quote);
  for (const row of document.querySelectorAll('tbody[data-rows="position"] tr')) wanted.add(row.dataset.symbol);
  if (!wanted.size && data.heartbeat) wanted.add(data.heartbeat);
  const fresh = [...wanted].filter((symbol) => symbol && !subscribed.has(symbol));
  if (fresh.length && send({ event: "subscribe", data: fresh }) !== false) fresh.forEach((symbol) => subscribed.add(symbol));
}

// --- The truth ------------------------------------------------------------------------------------------------------------

let reading = false;
let again = false;

/** One reading at a time: what is asked for meanwhile comes after it, because the part that asks is itself replaced. */
function reread(tell) {
  const part = document.getElementById("live-part");
  if (part && reading) again = true;
  else if (part) window.htmx.trigger(part, "reread");
  if (tell) window.portalSay("info", words.reread);
}

function readingEnded() {
  reading = false;
  if (!again) return;
  again = false;
  reread(false);
}

const ofLivePart = (event) => event.detail.target?.id === "live-part";
document.addEventListener("htmx:beforeRequest", (event) => {
  if (ofLivePart(event)) reading = true;
});
document.addEventListener("htmx:afterRequest", (event) => {
  // The new part listens once it has settled.
  if (ofLivePart(event)) window.setTimeout(readingEnded, window.htmx.config.defaultSettleDelay + 1);
});
// An answer of the server says that something was done.
document.addEventListener("reread-all", () => reread(false));

function takeIn() {
  const stored = document.getElementById("live-data");
  if (!stored) return;
  live = JSON.parse(stored.textContent);
  for (const account of Object.values(live.accounts)) account.base = Number(account.equity) - Number(account.profit);
  for (const [name, symbol] of Object.entries(live.symbols)) {
    if (symbol.quote && !quotes.has(name)) quotes.set(name, { bid: Number(symbol.quote[0]), ask: Number(symbol.quote[1]) });
  }
  forgetHeld();
}

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target.id === "live-part" || document.getElementById("live-part")?.contains(event.detail.target)) takeIn();
  quotesWanted();
});

// --- The badge ------------------------------------------------------------------------------------------------------------

const badgeElement = document.getElementById("live");

function badgeNow() {
  const open = socket?.readyState === WebSocket.OPEN;
  const silent = Date.now() - lastQuote;
  let state = "live";
  if (!open) state = everConnected ? "reconnecting" : "connecting";
  else if (lastQuote && silent > STALE_AFTER) state = "stale";
  if (badgeElement.dataset.state !== state) {
    badgeElement.dataset.state = state;
    badgeElement.querySelector("[data-live-word]").textContent = words[state];
  }
  const age = lastQuote ? number(silent / 1000, silent < 10000 ? 1 : 0) + " s" : "";
  badgeElement.querySelector("[data-live-age]").textContent = age;
  badgeElement.title = words.age;
}

document.addEventListener("rows-placed", quotesWanted);
takeIn();
connect();
window.setInterval(badgeNow, 500);
window.setInterval(() => socket?.readyState === WebSocket.OPEN && socket.send("ping"), 20000);
