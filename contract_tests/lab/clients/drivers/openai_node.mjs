// openai-node 7, as its documentation uses it; reads and answers one JSON object a line.
import readline from 'node:readline';
import OpenAI from 'openai';

const head = (reply) => ({ id: reply.id ?? null, created: reply.created ?? null, model: reply.model ?? null });
const used = (usage) => usage && [usage.prompt_tokens, usage.completion_tokens, usage.total_tokens];

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
    return { model: reply.model, vectors: reply.data.map((one) => one.embedding), usage };
  }
  const api = kind === 'chat' ? client.chat.completions : client.completions;
  const reply = await api.create(body);
  return body.stream ? streamed(reply, kind) : whole(reply, kind);
}

function whole(reply, kind) {
  const choices = reply.choices.map((choice) => {
    if (kind !== 'chat') {
      return { text: choice.text, finish: choice.finish_reason, tokens: choice.logprobs?.tokens ?? null };
    }
    const { message } = choice;
    const calls = (message.tool_calls ?? []).map((one) => [
      one.id, one.function.name, JSON.parse(one.function.arguments),
    ]);
    return {
      text: message.content ?? '',
      calls,
      refusal: message.refusal ?? null,
      finish: choice.finish_reason,
      tokens: choice.logprobs?.content?.map((one) => one.token) ?? null,
    };
  });
  return { ...head(reply), choices, usage: used(reply.usage) };
}

async function streamed(stream, kind) {
  const choices = new Map();
  let made = null;
  let usage = null;
  for await (const chunk of stream) {
    made ??= head(chunk);
    usage = used(chunk.usage) ?? usage;
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
        const one = slot.calls.get(call.index);
        one[0] = call.id ?? one[0];
        one[1] += call.function?.name ?? '';
        one[2] += call.function?.arguments ?? '';
      }
    }
  }
  const said = [...choices.entries()].sort(([one], [other]) => one - other).map(([, slot]) => ({
    ...slot, calls: [...slot.calls.values()].map(([id, name, text]) => [id, name, JSON.parse(text)]),
  }));
  return { ...(made ?? {}), choices: said, usage };
}

console.log('ready');
for await (const line of readline.createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = { result: await ask(JSON.parse(line)) };
  } catch (error) {
    const known = error instanceof OpenAI.APIError;
    answer = {
      error: error.constructor.name,
      said: known && error.status
        ? { status: error.status, code: error.code ?? null, message: error.error?.message ?? null }
        : { message: error.message },
    };
  }
  console.log(JSON.stringify(answer));
}
