// How openai-node is asked for Responses, and what its answers say to an application.
const ENDS = ['response.completed', 'response.incomplete', 'response.failed'];

// A dict, or a stream read by a loop over its events.
export async function ask(client, body) {
  const reply = await client.responses.create(body);
  return body.stream ? readEvents(reply) : readResponse(reply);
}

// `.stream()`, and for an answer with a schema or with tools its twin, `.parse()`; else null.
export async function askHelper(client, { stream, ...body }) {
  if (stream) {
    const events = client.responses.stream(body);
    const answer = await readEvents(events);
    return { ...answer, 'final response': prefixMembers(readResponse(await events.finalResponse())) };
  }
  return body.text?.format?.schema || body.tools ? readResponse(await client.responses.parse(body)) : null;
}

// What a server keeps, counts or compacts; `action` is the operation, `path` its ids.
export async function askState({ responses, conversations }, { action, path: [id, , item], method, body }) {
  if (action === 'response') return readResponse(await responses.retrieve(id));
  if (action === 'response deleted') {
    await responses.delete(id); // undefined: only what is thrown is seen
    return { deleted: true };
  }
  if (action === 'response items') return readList(await responses.inputItems.list(id));
  if (action === 'response tokens') return { tokens: (await responses.inputTokens.count(body)).input_tokens };
  if (action === 'response compacted') {
    const reply = await responses.compact(body);
    const kept = reply.output.map((entry) => [...readItem(entry), entry.encrypted_content ?? null]);
    return { id: reply.id ?? null, created: reply.created_at ?? null, items: kept, usage: readUsage(reply.usage) };
  }
  if (action === 'conversation deleted') {
    const reply = await conversations.delete(id);
    return { ids: [reply.id ?? null], deleted: reply.deleted ?? null };
  }
  if (action === 'conversation item') {
    return readItems([await conversations.items.retrieve(item, { conversation_id: id })]);
  }
  if (action === 'conversation items') {
    return method === 'POST'
      ? readItems((await conversations.items.create(id, body)).data)
      : readList(await conversations.items.list(id));
  }
  let reply;
  if (action === 'conversations') reply = await conversations.create(body);
  else reply = await (method === 'GET' ? conversations.retrieve(id) : conversations.update(id, body));
  return { ids: [reply.id ?? null], created: reply.created_at ?? null, metadata: reply.metadata ?? null };
}

// All items, the first of them where the same page comes again and again, and the cursor as it is shown.
const MOST_ITEMS = 20;
async function readList(page) {
  const items = [];
  for await (const item of page) if (items.push(item) === MOST_ITEMS) break;
  return { ...readItems(items), page: [page.first_id ?? null, page.last_id ?? null, page.has_more ?? null] };
}

const readItems = (items) => ({
  ids: items.map((item) => item.id ?? null),
  items: items.map(readItem),
  messages: items.map((item) => [
    item.role ?? null, (item.content ?? []).map((part) => [part.type, part.text ?? null]),
  ]),
});

function readResponse(reply) {
  const messages = reply.output.filter((item) => item.type === 'message');
  const parts = messages.flatMap((item) => item.content);
  const texts = parts.filter((part) => part.type === 'output_text').map((part) => part.text);
  const refusals = parts.filter((part) => part.type === 'refusal').map((part) => part.refusal);
  const calls = reply.output.filter((item) => item.type === 'function_call').map(readCall);
  return {
    id: reply.id ?? null,
    created: reply.created_at ?? null,
    model: reply.model ?? null,
    finish: readFinish(reply),
    choices: [{ text: reply.output_text ?? texts.join(''), refusal: refusals.join(''), calls }],
    items: reply.output.map(readItem),
    role: messages.map((item) => item.role ?? null),
    annotations: parts.flatMap((part) => (part.annotations ?? []).map((note) => readAnnotation(part, note))),
    reasoning: reply.output.filter((item) => item.type === 'reasoning').map(readReasoning),
    usage: readUsage(reply.usage),
    parsed: reply.output_parsed ?? null,
  };
}

// The members of the Response at the end of a stream, each by a name of its own.
function prefixMembers({ choices: [choice], ...rest }) {
  return Object.fromEntries(Object.entries({ ...choice, ...rest }).map(([name, value]) => [`final ${name}`, value]));
}

// What a loop over the events puts together, as the guides to streaming and function calling have it.
async function readEvents(events) {
  const text = { text: '', refusal: '' };
  const calls = {};
  let final = null;
  const done = [];
  for await (const event of events) {
    if (event.type === 'response.output_text.delta') text.text += event.delta;
    else if (event.type === 'response.refusal.delta') text.refusal += event.delta;
    else if (event.type === 'response.output_item.added' && event.item.type === 'function_call') {
      calls[event.output_index] = { ...event.item };
    } else if (event.type === 'response.function_call_arguments.delta') {
      if (calls[event.output_index]) calls[event.output_index].arguments += event.delta;
    } else if (event.type === 'response.output_item.done') done.push(readItem(event.item));
    else if (ENDS.includes(event.type)) final = prefixMembers(readResponse(event.response));
  }
  const choices = [{ ...text, calls: Object.values(calls).map(readCall) }];
  return { choices, 'done items': done, 'final response': final };
}

const readFinish = (reply) => [
  reply.status ?? null, reply.incomplete_details?.reason ?? null, reply.error?.code ?? null,
  reply.error?.message ?? null,
];
const readCall = (item) => [item.call_id ?? null, item.name ?? null, JSON.parse(item.arguments)];
const readItem = (item) => [item.type, item.id ?? null, item.status ?? null];
// The words that are linked, as an application marks them, and where to.
const readAnnotation = (part, note) => (note.type === 'url_citation'
  ? [part.text.slice(note.start_index, note.end_index), note.url ?? null, note.title ?? null]
  : [note.type]);
const readReasoning = (item) => [item.summary.map((part) => part.text).join(''), item.encrypted_content ?? null];
const readUsage = (usage) => usage && [
  usage.input_tokens, usage.output_tokens, usage.total_tokens,
  usage.input_tokens_details.cached_tokens, usage.output_tokens_details.reasoning_tokens,
];
