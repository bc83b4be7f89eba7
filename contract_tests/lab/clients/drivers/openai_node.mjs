// openai-node 7, as its documentation uses it; reads and answers one JSON object a line.
import readline from 'node:readline';
import OpenAI from 'openai';

const readHead = (reply) => ({ id: reply.id ?? null, created: reply.created ?? null, model: reply.model ?? null });
const readUsage = (usage) => usage && [usage.prompt_tokens, usage.completion_tokens, usage.total_tokens];

async function ask({ base_url, kind, body }) {
  const client = new OpenAI({ baseURL: base_url, apiKey: 'sk-any', maxRetries: 0 });
  if (kind === 'models') {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    return { ids };
  }
  if (kind === 'model') return { ids: [(await client.models.retrieve(body.model)).id] };
  if (kind === 'embeddings') {
    const reply = await client.embeddings.create(body);
    const usage = [reply.usage.prompt_tokens, reply.usage.total_tokens];
    return { model: reply.model, vectors: reply.data.map((item) => item.embedding), usage };
  }
  const api = kind === 'chat' ? client.chat.completions : client.completions;
  const reply = await api.create(body);
  return body.stream ? readStream(reply, kind) : readReply(reply, kind);
}

function readReply(reply, kind) {
  const choices = reply.choices.map((choice) => {
    if (kind !== 'chat') {
      return { text: choice.text, finish: choice.finish_reason, tokens: choice.logprobs?.tokens ?? null };
    }
    const { message } = choice;
    const calls = (message.tool_calls ?? []).map((call) => [
      call.id, call.function.name, JSON.parse(call.function.arguments),
    ]);
    return {
      text: message.content ?? '',
      calls,
      refusal: message.refusal ?? null,
      finish: choice.finish_reason,
      tokens: choice.logprobs?.content?.map((item) => item.token) ?? null,
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
        choices.set(choice.index, { text: '', calls: new Map(), finish: null, refusal: '' });
      }
      const slot = choices.get(choice.index);
      slot.finish = choice.finish_reason ?? slot.finish;
      if (kind !== 'chat') { slot.text += choice.text; continue; }
      slot.text += choice.delta.content ?? '';
      slot.refusal += choice.delta.refusal ?? '';
      for (const call of choice.delta.tool_calls ?? []) {
        if (!slot.calls.has(call.index)) slot.calls.set(call.index, [null, '', '']);
        const joined = slot.calls.get(call.index);
        joined[0] = call.id ?? joined[0];
        joined[1] += call.function?.name ?? '';
        joined[2] += call.function?.arguments ?? '';
      }
    }
  }
  const inOrder = [...choices.entries()].sort(([first], [second]) => first - second).map(([, slot]) => ({
    ...slot, calls: [...slot.calls.values()].map(([id, name, text]) => [id, name, JSON.parse(text)]),
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
        ? { status: error.status, code: error.code ?? null, message: error.error?.message ?? null }
        : { message: error.message },
    };
  }
  console.log(JSON.stringify(answer));
}
