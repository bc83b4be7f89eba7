// Reads the corpus beside this file and checks all of it: node check.mjs [--json]
// Needs Node 18 or newer and nothing else. Begin your own reader, in any language, from this one.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";

const HOME = dirname(fileURLToPath(import.meta.url));
const problems = [];
const bytes = (name) => readFileSync(join(HOME, name));
const json = (name) => JSON.parse(bytes(name).toString("utf8"));
const expect = (holds, what) => holds || problems.push(what);

// -- HTTP: the body in the bytes of the wire (RFC 9112), without its transfer coding

function unframe(wire) {
  let at = 0;
  for (;;) {
    const end = wire.indexOf("\r\n\r\n", at);
    if (end < 0) return null;
    const [line, ...fields] = wire.subarray(at, end).toString("latin1").split("\r\n");
    const status = Number(line.split(" ")[1]);
    at = end + 4;
    if (status >= 100 && status < 200) continue;
    const field = (name) => fields.filter((f) => f.toLowerCase().startsWith(`${name}:`)).map((f) => f.slice(name.length + 1).trim()).join(", ");
    if (/chunked$/i.test(field("transfer-encoding"))) return { status, body: dechunk(wire, at) };
    const length = field("content-length");
    return { status, body: wire.subarray(at, length === "" ? undefined : at + Number(length)) };
  }
}

function dechunk(wire, at) {
  const parts = [];
  for (;;) {
    const end = wire.indexOf("\r\n", at);
    const size = end < 0 ? NaN : parseInt(wire.subarray(at, end).toString("latin1"), 16);
    if (!size) return Buffer.concat(parts);
    parts.push(wire.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}

function decode(exchange, body) {
  const coding = (exchange.reply.headers.find(([name]) => name.toLowerCase() === "content-encoding") ?? [])[1];
  const decoders = { gzip: gunzipSync, deflate: inflateSync, br: brotliDecompressSync };
  try {
    return coding in decoders ? decoders[coding](body) : body;
  } catch {
    return body; // a broken coding is what some exchanges are about
  }
}

// -- server-sent events (WHATWG HTML 9.2.6): the data of each event

function events(body) {
  const found = [];
  let data = [];
  for (const line of body.toString("utf8").replace(/^\uFEFF/, "").split(/\r\n|\n|\r/)) {
    if (line === "" && data.length) found.push(data.join("\n")), (data = []);
    else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
  return found;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// -- some rules, written anew: each says whether an exchange to which it applies breaks it

const list = (value) => (Array.isArray(value) ? value : []);
const choices = (reply) => reply.values.flatMap((value) => list(value?.choices));
const calls = (reply) => choices(reply).flatMap((choice) => list((choice?.message ?? choice?.delta)?.tool_calls));
const endsWithDone = (reply) => reply.events.filter((data) => data === "[DONE]").length === 1 && reply.events.at(-1) === "[DONE]";
const RULES = {
  "chat.role": (reply) => choices(reply).some((choice) => choice?.message && choice.message.role !== "assistant"),
  "chat.stream.done-last": (reply) => !endsWithDone(reply),
  "completions.stream.done-last": (reply) => !endsWithDone(reply),
  "http.body-not-empty": (reply) => reply.body.length === 0,
  "tools.arguments": (reply) =>
    calls(reply).some((call) => call?.function && "arguments" in call.function && typeof call.function.arguments !== "string"),
};

// -- the checks

const index = json("index.json");
const { rules } = json("rules.json");
const { examples } = json("relations.json");
expect(index.format === "openai-contract-corpus/1", `index.json: the format is ${index.format}; this reader knows openai-contract-corpus/1`);
for (const [name, file] of Object.entries(index.files)) {
  const data = bytes(name);
  expect(data.length === file.bytes, `${name}: ${data.length} bytes, expected ${file.bytes}`);
  expect(createHash("sha256").update(data).digest("hex") === file.sha256, `${name}: its SHA-256 is another`);
}

const counts = { rules: rules.length, exchanges: {}, findings: {}, relations: examples.length };
const kept = new Map(), broken = new Map(), judged = {};
const add = (map, rule, name) => map.set(rule, [...(map.get(rule) ?? []), name]);
for (const name of index.exchanges) {
  const home = `exchanges/${name}`;
  const exchange = json(`${home}/exchange.json`);
  const payload = bytes(`${home}/reply.body`);
  const kind = name.slice(0, name.lastIndexOf("/"));
  counts.exchanges[kind] = (counts.exchanges[kind] ?? 0) + 1;

  const writes = exchange.reply.writes;
  expect(writes.reduce((sum, write) => sum + write.bytes, 0) === payload.length, `${name}: its writes are not its body`);
  if (["chunked", "content-length", "close"].includes(exchange.reply.framing) && exchange.reply.ending === "clean") {
    const read = unframe(bytes(`${home}/reply.wire`));
    expect(read && read.status === exchange.reply.status, `${name}: the status on the wire is ${read?.status}`);
    expect(read && read.body.equals(payload), `${name}: the body on the wire is not reply.body`);
  }

  const flagged = new Set(exchange.findings.map((finding) => finding.rule));
  for (const finding of exchange.findings) {
    counts.findings[finding.level] = (counts.findings[finding.level] ?? 0) + 1;
    expect(rules.some((rule) => rule.id === finding.rule), `${name}: no rule is called ${finding.rule}`);
  }
  for (const rule of exchange.applied) add(flagged.has(rule) ? broken : kept, rule, name);

  let reply;
  for (const [rule, breaks] of Object.entries(RULES)) {
    if (!exchange.applied.includes(rule)) continue;
    reply ??= read(exchange, payload);
    const tally = (judged[rule] ??= { exchanges: 0, broken: 0 });
    tally.exchanges += 1;
    tally.broken += breaks(reply);
    expect(breaks(reply) === flagged.has(rule), `${name}: ${rule} says ${breaks(reply) ? "broken" : "kept"} here, the corpus says otherwise`);
  }
}

function read(exchange, payload) {
  const body = decode(exchange, payload);
  const texts = events(body);
  const values = texts.length ? texts.map(parse) : [parse(body.toString("utf8"))];
  return { body, events: texts, values: values.filter((value) => value && typeof value === "object") };
}

for (const rule of rules) {
  const same = (map, names) => JSON.stringify(map.get(rule.id) ?? []) === JSON.stringify(names);
  expect(same(kept, rule.kept) && same(broken, rule.broken), `${rule.id}: its exchanges are not those that name it`);
  if (rule.relation) {
    const forms = examples.filter((example) => example.rule === rule.id);
    const right = (form) => forms.some((e) => e.form === form && e.findings.some((f) => f.rule === rule.id) === (form === "broken"));
    expect(right("kept") && right("broken"), `${rule.id}: it has no example that keeps and one that breaks it`);
  } else {
    expect(rule.kept.length && rule.broken.length, `${rule.id}: no exchange ${rule.kept.length ? "breaks" : "keeps"} it`);
  }
}
for (const [name, count] of Object.entries({ ...index.counts, exchanges: undefined, findings: undefined })) {
  expect(count === undefined || counts[name] === count, `${counts[name]} ${name}, index.json says ${count}`);
}
for (const part of ["exchanges", "findings"]) {
  for (const [name, count] of Object.entries(index.counts[part])) {
    expect((counts[part][name] ?? 0) === count, `${counts[part][name] ?? 0} ${part} (${name}), index.json says ${count}`);
  }
}

if (process.argv.includes("--json")) {
  console.log(JSON.stringify({ counts, judged, problems }, null, 2));
} else {
  console.log(`${counts.rules} rules, ${index.exchanges.length} exchanges, ${counts.relations} examples of relations, ${Object.keys(index.files).length} files`);
  for (const [level, count] of Object.entries(counts.findings)) console.log(`${String(count).padStart(5)} ${level} findings`);
  for (const [rule, tally] of Object.entries(judged)) console.log(`${rule}, written anew: ${tally.broken} of ${tally.exchanges} exchanges break it`);
  for (const problem of problems.slice(0, 20)) console.log(`PROBLEM  ${problem}`);
  console.log(problems.length ? `FAIL  ${problems.length} problems` : "OK  all of it reads as it says");
}
process.exitCode = problems.length ? 1 : 0;
