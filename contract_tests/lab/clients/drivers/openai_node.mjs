// openai-node 7, as its documentation uses it; reads and answers one JSON object a line. With the argument
// --helper chats and Responses are streamed by the SDK's own helper, `.stream()`, and Responses are read by its twin,
// `.parse()`; nothing else is asked.
import readline from 'node:readline';
import OpenAI from 'openai';
import * as responses from './node_responses.mjs';

const HEAD = ['id', 'created', 'model', 'system_fingerprint', 'service_tier', '_request_id'];
const readHead = (reply) => Object.fromEntries(HEAD.map((name) => [name, reply[name] ?? null]));
const readUsage = (usage) => usage && [
  usage.prompt_tokens, usage.completion_tokens, usage.total_tokens,
  usage.prompt_tokens_details?.cached_tokens ?? null, usage.completion_tokens_details?.reasoning_tokens ?? null,
];
const readModels = (models) => ({
  ids: models.map((model) => model.id ?? null),
  created: models.map((model) => model.created ?? null),
  owned_by: models.map((model) => model.owned_by ?? null),
});
// Each token with its probability, as examples compute it, and its alternatives.
const readTokens = (logprobs) => logprobs?.content?.map((item) => [
  item.token, Math.exp(item.logprob), item.top_logprobs.map((other) => other.token),
]) ?? null;

async function ask({ base_url, kind, body }) {
  const client = new OpenAI({ baseURL: base_url, apiKey: 'sk-any', maxRetries: 0 });
  const helping = process.argv.includes('--helper');
  if (kind === 'responses') return helping ? responses.askHelper(client, body) : responses.ask(client, body);
  if (helping) return kind === 'chat' && body.stream ? askHelper(client, body) : null;
  if (kind === 'models') {
    const models = [];
    for await (const model of client.models.list()) models.push(model);
    return readModels(models);
  }
  if (kind === 'model') return readModels([await client.models.retrieve(body.model)]);
  if (kind === 'embeddings') {
    const reply = await client.embeddings.create(body);
    const usage = [reply.usage.prompt_tokens, reply.usage.total_tokens];
    const indexes = reply.data.map((item) => item.index ?? null);
    return { model: reply.model, vectors: reply.data.map((item) => item.embedding), indexes, usage };
  }
  if (kind === 'moderations') {
    const reply = await client.moderations.create(body);
    const results = reply.results.map((result) => [result.flagged, result.categories, result.category_scores]);
    return { id: reply.id ?? null, model: reply.model ?? null, results };
  }
  if (kind === 'state') return responses.askState(client, body);
  if (kind === 'stored') return askStored(client.chat.completions, body);
  const api = kind === 'chat' ? client.chat.completions : client.completions;
  const reply = await api.create(body);
  return body.stream ? readStream(reply, kind) : readReply(reply, kind);
}

// The same page is replayed for each that is asked for: a list that is said to go on has no end.
const MOST_ITEMS = 20;
async function firstOf(pages) {
  const items = [];
  for await (const item of pages) if (items.push(item) === MOST_ITEMS) break;
  return items;
}

async function askStored(api, { action, id, metadata }) {
  if (action === 'DELETE') {
    const reply = await api.delete(id);
    return { ids: [reply.id ?? null], deleted: reply.deleted ?? null };
  }
  if (action === 'messages') {
    const messages = await firstOf(api.messages.list(id));
    return { ids: messages.map((item) => item.id), messages: messages.map((item) => [item.role, item.content]) };
  }
  let replies;
  if (action === 'list') replies = await firstOf(api.list());
  else replies = [await (action === 'POST' ? api.update(id, { metadata }) : api.retrieve(id))];
  return {
    ids: replies.map((reply) => reply.id ?? null),
    metadata: replies.map((reply) => reply.metadata ?? null),
    replies: replies.map((reply) => readReply(reply, 'chat')),
  };
}

// What the helper puts together, with the calls and texts that its events report as done.
async function askHelper(client, body) {
  const done = [];
  const stream = client.chat.completions.stream(body);
  stream.on('tool_calls.function.arguments.done', (event) => done.push([event.index, event.name, event.arguments]));
  stream.on('content.done', () => done.push(['content.done']));
  stream.on('refusal.done', () => done.push(['refusal.done']));
  return { ...readReply(await stream.finalChatCompletion(), 'chat'), events: done };
}

const readCall = (call) => (call.type === 'custom'
  ? [call.id, call.custom.name, call.custom.input, call.type]
  : [call.id, call.function.name, JSON.parse(call.function.arguments), call.type ?? null]);

function readReply(reply, kind) {
  const choices = reply.choices.map((choice) => {
    const head = { index: choice.index ?? null, finish: choice.finish_reason };
    if (kind !== 'chat') {
      const listed = choice.logprobs;
      const tokens = listed?.tokens.map((token, at) => [
        token, listed.token_logprobs[at] ?? null, listed.text_offset[at] ?? null,
      ]);
      return { ...head, text: choice.text, tokens: tokens ?? null };
    }
    const { message } = choice;
    const legacy = message.function_call;
    return {
      ...head,
      role: message.role ?? null,
      text: message.content ?? '',
      calls: (message.tool_calls ?? []).map(readCall),
      function_call: legacy ? [legacy.name, JSON.parse(legacy.arguments)] : null,
      refusal: message.refusal ?? null,
      tokens: readTokens(choice.logprobs),
    };
  });
  return { ...readHead(reply), choices, usage: readUsage(reply.usage) };
}

async function readStream(stream, kind) {
  const choices = new Map();
  let start = null;
  let usage = null;
  for await (const chunk of stream) {
    start ??= readHead(chunk);
    usage = readUsage(chunk.usage) ?? usage;
    for (const choice of chunk.choices) {
      if (!choices.has(choice.index)) {
        choices.set(choice.index, {
          role: null, text: '', calls: new Map(), function_call: null, finish: null, refusal: '', tokens: [],
        });
      }
      const slot = choices.get(choice.index);
      slot.finish = choice.finish_reason ?? slot.finish;
      if (kind !== 'chat') { slot.text += choice.text; continue; }
      slot.role = choice.delta.role ?? slot.role;
      slot.tokens.push(...readTokens(choice.logprobs) ?? []);
      if (choice.delta.function_call) {
        slot.function_call ??= ['', ''];
        slot.function_call[0] += choice.delta.function_call.name ?? '';
        slot.function_call[1] += choice.delta.function_call.arguments ?? '';
      }
      slot.text += choice.delta.content ?? '';
      slot.refusal += choice.delta.refusal ?? '';
      for (const call of choice.delta.tool_calls ?? []) {
        if (!slot.calls.has(call.index)) slot.calls.set(call.index, [null, '', '', null]);
        const joined = slot.calls.get(call.index);
        joined[0] = call.id ?? joined[0];
        joined[3] = call.type ?? joined[3];
        joined[1] += call.function?.name ?? '';
        joined[2] += call.function?.arguments ?? '';
      }
    }
  }
  const inOrder = [...choices.entries()].sort(([first], [second]) => first - second).map(([index, slot]) => ({
    index, ...slot, calls: [...slot.calls.values()].map(([id, name, text, type]) => [id, name, JSON.parse(text), type]),
  }));
  return { ...(start ?? {}), choices: inOrder, usage };
}

console.log('ready');
for await (const line of readline.createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = { result: await ask(JSON.parse(line)) };
  } catch (error) {
    const isApiError = error instanceof OpenAI.APIError;
    answer = {
      error: error.constructor.name,
      said: isApiError && error.status
        ? {
          status: error.status, code: error.code ?? null, message: error.error?.message ?? null,
          type: error.type ?? null, param: error.param ?? null,
        }
        : { message: error.message },
    };
  }
  console.log(JSON.stringify(answer));
}
