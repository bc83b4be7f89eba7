// All that is shown may be hostile text: it becomes text nodes and attributes, never markup.
const $ = (id) => document.getElementById(id), {base, space, copies, example, clears} = document.body.dataset;
const replay = "replay" in document.body.dataset, list = $("list"), detail = $("detail"), dialog = $("dialog");
const rows = new Map(), KEY = `key ${location.host}`;
let open = 0, shown = "", timer, fresh = 0, dropped = 0, live = 0, asked = 0;
document.body.classList.add("js");

function el(tag, given = {}, ...inside) {
	const made = /^(svg|path)$/.test(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
	for (const [name, value] of Object.entries(given)) {
		if (name === "do") made.addEventListener("click", value);
		else if (value !== false) made.setAttribute(name, value);
	}
	made.append(...inside);
	return made;
}
const button = (text, act, more = {}) => el("button", {do: act, ...more}, text);
const dim = (text) => el("p", {class: "dim"}, text);
const div = (kind, ...inside) => el("div", {class: kind}, ...inside);
const span = (kind, text) => el("span", {class: kind}, text);
const many = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;
function say(text, quiet) {
	$("say").className = quiet ? "quiet" : "";
	$("say").textContent = text;
	clearTimeout(timer);
	timer = setTimeout(() => { $("say").textContent = ""; }, 4000);
}

// -- the control API
const headers = () => sessionStorage[KEY] ? {authorization: `Bearer ${sessionStorage[KEY]}`} : {};
async function ask(method, path, body) {
	const reply = await fetch(base + path, {
		method, headers: {"content-type": "application/json", ...headers()},
		body: body === undefined ? null : JSON.stringify(body),
	});
	const value = await (/^application.json/.test(reply.headers.get("content-type")) ? reply.json() : reply.text());
	if (!reply.ok) throw new Error(value.error?.message || `status ${reply.status}`);
	return value;
}
const attempt = (work, tell = say) => async (...given) => {
	try { await work(...given); } catch (error) { tell(error.message); }
};

// -- the list
function draw(row) {
	const marks = row.faults.map((fault) => el("mark", {}, fault));
	const by = el("span", {class: "by"}, row.script || el("em", {}, row.note), ...marks, el("q", {}, row.miss));
	const link = el("a", {class: "row", href: `#r${row.id}`, "aria-current": row.id === open && "true"},
		el("time", {}, row.time),
		el("span", {class: "what"}, el("b", {}, row.method), ` ${row.path} `, el("i", {}, row.stream ? "stream" : ""), el("q", {}, row.words)),
		span("model", row.model),
		span(`status s${Math.floor(row.status / 100)}`, row.status || "…"),
		by, span("took", row.took));
	const old = rows.get(row.id)?.item, item = old || el("li", {id: `r${row.id}`});
	const focused = old && document.activeElement === old.firstChild;
	item.replaceChildren(link);
	item.hidden = !matches(row);
	rows.set(row.id, {row, item});
	if (focused) link.focus({preventScroll: true});
	if (old) return;
	if (live === 2) fresh += 1;
	let before = list.firstChild;
	while (before && Number(before.id.slice(1)) > row.id) before = before.nextSibling;
	list.insertBefore(item, before);
}
function matches(row) {
	const text = Object.values(row).join(" ").toLowerCase();
	return $("filter").value.toLowerCase().split(" ").every((word) => text.includes(word));
}
function count() {
	const visible = list.querySelectorAll("li:not([hidden])").length, all = rows.size;
	$("count").textContent = `${visible < all ? `${visible} of ` : ""}${many(all, "request")}${dropped ? `, ${dropped} older dropped` : ""}`;
	$("none").hidden = all > 0;
}
function take(news) {
	if (news.state) {
		dropped = news.state.dropped;
		if ($("armed")) $("armed").textContent = news.state.faults.length || "";
	}
	for (const [id, {item}] of rows) if (id < news.first) { item.remove(); rows.delete(id); }
	for (const row of news.rows) {
		draw(row);
		if (row.id === open && shown && shown !== `${row.status} ${row.took}`) choose(open, false);
	}
	if (!news.more && live < 2) {
		live = 2;
		const linked = Number(location.hash.slice(2));
		if (rows.has(linked)) choose(linked);
	}
	count();
}
setInterval(() => {
	if (fresh) say(many(fresh, "new request"), true);
	fresh = 0;
}, 5000);
function connected(how) {
	live = how;
	$("live").textContent = how ? "live" : "not connected";
	$("live").classList.toggle("on", how);
}
async function follow() {
	for (;;) {
		try {
			const reply = await fetch(`${base}/events?follow=true`, {headers: headers()});
			if (reply.status === 401) {
				delete sessionStorage[KEY];
				say("this is not the key");
				return;
			}
			if (!reply.ok) throw new Error();
			$("lock")?.remove();
			const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
			list.textContent = "";
			rows.clear();
			connected(1);
			for (let rest = ""; ;) {
				const {value, done} = await reader.read();
				if (done) break;
				const events = (rest + value).split("\n\n");
				rest = events.pop();
				for (const event of events) if (event.startsWith("data: ")) take(JSON.parse(event.slice(6)));
			}
		} catch { /* it has gone, or has no room */ }
		connected(0);
		await new Promise((done) => setTimeout(done, 1000));
	}
}

// -- one request
function pretty(value) {
	const plain = typeof value === "string", text = plain ? value : JSON.stringify(value, null, 2), made = el("pre", {tabindex: "0"});
	let end = 0;
	if (!plain && text.length < 100000) {
		for (const found of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|-?\d[\d.eE+-]*|\b(?:true|false|null)\b/g)) {
			made.append(text.slice(end, found.index), span(found[2] ? "jk" : "jt", found[1] || found[0]));
			end = found.index + (found[1] || found[0]).length;
		}
	}
	made.append(text.slice(end));
	return made;
}
function bodies(title, value, raw, words, unread) {
	const events = typeof value === "string" ? value.split(/[\r\n]+/).filter((line) => line.startsWith("data:")) : [];
	const nice = events.map((line, at) => `${at + 1}  ${line.slice(5).trim()}`).join("\n") || value;
	const inside = el("div"), kinds = ["pretty", "raw"].map((kind) => button(kind, () => pick(kind)));
	const pick = (kind) => {
		inside.replaceChildren(raw === "" ? dim(unread || "empty") : pretty(kind === "raw" ? raw : nice));
		if (words && kind !== "raw") inside.prepend(el("p", {class: "say"}, words));
		for (const each of kinds) each.setAttribute("aria-pressed", String(each.textContent === kind));
	};
	pick("pretty");
	return part(title, kinds, inside);
}
const part = (title, kinds, ...inside) => div("part", div("", el("h3", {}, title), ...kinds), ...inside);
function timeline(line) {
	const paths = ["axis", "head", "ticks"].map((kind) => el("path", {class: kind, d: line[kind]}));
	return part("writes over time", [], el("svg", {viewBox: "0 0 600 66", preserveAspectRatio: "none", role: "img", "aria-label": line.words}, ...paths), dim(line.words));
}
function show(one) {
	const path = `/requests/${one.id}`, top = detail.scrollTop, {facts, timeline: line, words} = one.view;
	const had = detail.contains(document.activeElement) ? document.activeElement.textContent : null;
	shown = `${one.row.status} ${one.row.took}`;
	const acts = copies.split(" ").map((form) => button(`Copy ${form}`, () => copy(form, `${path}/${form}`)));
	if (!replay) acts.unshift(button("Answer again", again, {class: "main"}), button("Make a script", () => edit(path)), button("Queue a reply", queue));
	detail.replaceChildren(
		div("top", el("h2", {}, `${one.method} ${one.path}`), button("Close", close)),
		div("acts", ...acts),
		el("dl", {}, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
		line ? timeline(line) : "",
		bodies("request", one.body, one.raw.body, "", one.view.unread), bodies("reply", one.reply, one.raw.reply, words),
		part("request headers", [], pretty(Object.entries(one.headers).map((field) => field.join(": ")).join("\n"))));
	detail.hidden = false;
	detail.scrollTop = top;
	if (had) [...detail.querySelectorAll("button")].find((each) => each.textContent === had)?.focus();
}
const choose = attempt(async (id, moves = true) => {
	const mine = asked += 1;
	turn(id);
	if (moves) rows.get(id)?.item.scrollIntoView({block: "nearest"});
	const one = await ask("GET", `/requests/${id}`);
	if (mine !== asked || open !== id) return;
	show(one);
	if (moves) detail.scrollTop = 0;
});
function turn(id) {
	const before = open;
	open = id;
	history.replaceState(0, "", id ? `#r${id}` : "#");
	for (const each of [before, id]) if (rows.has(each)) draw(rows.get(each).row);
}
function close() {
	rows.get(open)?.item.firstChild.focus({preventScroll: true});
	turn(0);
	shown = "";
	detail.hidden = true;
}
const again = attempt(async () => {
	const made = await ask("POST", `/requests/${open}/again`, {});
	say(`answered again: status ${made.status}`);
	await choose(made.id);
});
const copy = attempt(async (what, path) => {
	const text = await ask("GET", path);
	try {
		await navigator.clipboard.writeText(text);
		say(`copied: ${what}`);
	} catch { // not allowed at every name
		const area = el("textarea", {readonly: "", "aria-label": what}, text);
		popup(`Copy ${what}`, [area], {});
		area.select();
	}
});

// -- what changes the server
function popup(title, inside, acts) {
	const error = el("p", {class: "err", role: "alert"});
	const tell = (text) => { error.textContent = text; };
	const bar = Object.entries(acts).map(([text, work]) => button(text, attempt(async () => { tell(""); await work(tell); }, tell), {class: "main"}));
	dialog.replaceChildren(el("h2", {id: "dialog-title"}, title), ...inside, error, div("bar", button("Close", () => dialog.close()), ...bar));
	if (!dialog.open) dialog.showModal();
}
const edit = attempt(async (path) => {
	const area = el("textarea", {"aria-label": "Script in YAML"});
	area.value = await ask("GET", `${path}/script`);
	const send = (query) => async (tell) => {
		area.removeAttribute("aria-invalid");
		try {
			const made = await ask("POST", `/scripts${query}`, {yaml: area.value});
			say(query ? `right: ${made.scripts}` : `added: ${made.added}`);
			if (!query) dialog.close();
		} catch (problem) {
			const line = /^script:(\d+)/.exec(problem.message)?.[1], lines = area.value.split("\n").slice(0, line);
			area.focus();
			const end = lines.join("\n").length;
			if (line) area.setSelectionRange(end - lines.pop().length, end);
			area.setAttribute("aria-invalid", "true");
			tell(problem.message.replace(/^script:(\d+)/gm, "line $1"));
		}
	};
	popup("Make a script of this request", [dim("Requests that meet its conditions get its reply from now on."), area], {Check: send("?check=true"), Save: send("")});
	area.focus();
});
function queue() {
	const area = el("textarea", {"aria-label": "Reply", placeholder: `A text, or as in a script: ${example}`});
	popup("Queue a reply", [dim(`The next request${space ? ` in @${space}` : ""} gets it, once.`), area], {Queue: async () => {
		if (!area.value) throw new Error("write what the reply is to say");
		const made = await ask("POST", "/replies", /^\s*[{[]/.test(area.value) ? JSON.parse(area.value) : area.value);
		dialog.close();
		say(`queued: ${made.added}`);
	}});
	area.focus();
}
const faults = attempt(async () => {
	const known = await ask("GET", "/catalogue"), force = el("div");
	const list = async () => {
		const active = (await ask("GET", "/faults")).faults;
		force.replaceChildren(el("h3", {}, active.length ? "in force" : "none in force"), ...active.map(({name, struck, ...written}) => div("force",
			el("span", {}, `${name}: ${JSON.stringify(written, (_, value) => value ?? undefined)}, so far ${struck}×`),
			button("Lift", attempt(async () => { await ask("DELETE", `/faults/${encodeURIComponent(name)}`); await list(); }), {"aria-label": `Lift ${name}`}))));
	};
	const options = (label, names) => el("optgroup", {label}, ...[...names.keys()].map((name) => el("option", {}, name)));
	const bugs = new Map(known.bugs.map((bug) => [bug.id, bug])), kinds = new Map(known.faults.map((fault) => [fault.name, fault]));
	const pick = el("select", {}, options("Faults", kinds), options("Bugs of real servers", bugs));
	const more = el("input"), times = el("input", {type: "number", min: "1", placeholder: "always"}), about = dim("");
	const tell = () => {
		const bug = bugs.get(pick.value), fault = kinds.get(pick.value);
		about.textContent = bug ? bug.title : `${fault.about} Parameters: ${fault.parameters.join(", ") || "none"}.`;
		more.placeholder = fault?.example || "";
		more.disabled = !fault?.parameters.length;
	};
	pick.addEventListener("change", tell);
	tell();
	await list();
	popup("Faults and bugs", [force, div("fields", el("label", {}, "What goes wrong", pick), about, el("label", {}, "Parameters", more), el("label", {}, "How many times", times))], {Inject: async () => {
		const often = times.value ? `;times=${times.value}` : "";
		if (bugs.has(pick.value)) await ask("POST", "/faults", {bug: pick.value, ...(often && {times: Number(times.value)})});
		else await ask("POST", "/faults", `${pick.value}${more.value && `;${more.value}`}${often}`);
		await list();
	}});
});
function clear() {
	const forget = (method, path) => async () => { await ask(method, path); dialog.close(); close(); say("cleared"); };
	const acts = replay ? {} : {"Reset the space": forget("POST", "/reset")};
	popup("Clear", [dim(clears)], {"Forget requests": forget("DELETE", "/requests"), ...acts});
}

// -- keys and pointers
list.addEventListener("click", (event) => {
	const row = event.target.closest("li");
	if (!row || event.ctrlKey || event.metaKey) return;
	event.preventDefault();
	choose(Number(row.id.slice(1)));
});
function move(step) {
	const visible = [...list.querySelectorAll("li:not([hidden])")], at = visible.findIndex((item) => item.id === `r${open}`);
	const next = visible[at < 0 ? 0 : Math.min(Math.max(at + step, 0), visible.length - 1)];
	next?.firstChild.focus({preventScroll: true});
	if (next) choose(Number(next.id.slice(1)));
}
document.addEventListener("keydown", (event) => {
	const {key, target} = event, typing = /^(INPUT|SELECT)$/.test(target.tagName), reads = detail.contains(target);
	if (dialog.open || event.ctrlKey || event.metaKey || event.altKey) return;
	if (key === "Escape" && typing) { $("filter").value = ""; filter(); target.blur(); }
	else if (typing) return;
	else if (key === "Escape" && open) close();
	else if (key === "j" || (key === "ArrowDown" && !reads)) move(1);
	else if (key === "k" || (key === "ArrowUp" && !reads)) move(-1);
	else if (key === "/") $("filter").focus();
	else if (key === "a" && open && !replay) again();
	else return;
	event.preventDefault();
});
function filter() {
	for (const {row, item} of rows.values()) item.hidden = !matches(row);
	count();
}
function unlock(event) {
	if (event.type === "keydown" && event.key !== "Enter") return;
	sessionStorage[KEY] = $("key").value;
	follow();
}
const on = (id, kind, act) => $(id)?.addEventListener(kind, act);
for (const [id, act] of Object.entries({queue, faults, clear, unlock})) on(id, "click", act);
on("filter", "input", filter);
on("key", "keydown", unlock);
on("space", "change", () => {
	location.href = base.replace(/(\/@[^/]*)?\/__fake__$/, `${$("space").value && `/@${$("space").value}`}/__fake__/`);
});
if (!$("lock") || sessionStorage[KEY]) follow();
