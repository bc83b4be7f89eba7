// The official SDK for Node against the fake at FAKE_URL: one line per check, `ok NAME` or `not ok NAME: why`.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { ResponsesWS } from 'openai/resources/responses/ws';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';

const client = new OpenAI({ baseURL: `${process.env.FAKE_URL}/v1`, apiKey: 'sk-fake', maxRetries: 0 });
const model = 'gpt-4o-mini';
const ask = (content, more = {}) => ({ model, messages: [{ role: 'user', content }], ...more });
const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather in a city.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};
const faulty = (fault) => ({ headers: { 'x-fake-fault': fault } });

const checks = {
  async 'chat, whole'() {
    const reply = await client.chat.completions.create(ask('Repeat after me: ett två'));
    assert.equal(reply.choices[0].message.content, 'ett två');
    assert.equal(reply.usage.total_tokens, reply.usage.prompt_tokens + reply.usage.completion_tokens);
    assert.match(reply._request_id, /^req_/);
  },
  async 'chat, streamed'() {
    const options = { stream: true, stream_options: { include_usage: true } };
    let text = '', usage = null;
    for await (const chunk of await client.chat.completions.create(ask('Repeat after me: ett två', options))) {
      text += chunk.choices[0]?.delta?.content ?? '';
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, 'ett två');
    assert.ok(usage.total_tokens > 0);
  },
  async 'the stream helper'() {
    const deltas = [];
    const stream = client.chat.completions.stream(ask('Repeat after me: one two three'));
    stream.on('content', (delta) => deltas.push(delta));
    const whole = await stream.finalChatCompletion();
    assert.equal(whole.choices[0].message.content, 'one two three');
    assert.equal(deltas.join(''), 'one two three');
  },
  async 'tools, whole'() {
    const reply = await client.chat.completions.create(
      ask('What is the weather in Oslo?', { tools: [weather], tool_choice: 'required' }),
    );
    const [call] = reply.choices[0].message.tool_calls;
    assert.equal(call.function.name, 'get_weather');
    assert.equal(typeof JSON.parse(call.function.arguments).city, 'string');
    assert.equal(reply.choices[0].finish_reason, 'tool_calls');
  },
  async 'tools, streamed by the helper'() {
    const stream = client.chat.completions.stream(
      ask('What is the weather in Oslo?', { tools: [weather], tool_choice: 'required' }),
    );
    const whole = await stream.finalChatCompletion();
    assert.equal(typeof JSON.parse(whole.choices[0].message.tool_calls[0].function.arguments).city, 'string');
  },
  async 'a tool run to its answer'() {
    const asked = [];
    const run = (values) => (asked.push(values), { degrees: 12 });
    const tool = { ...weather, function: { ...weather.function, function: run, parse: JSON.parse } };
    const runner = client.chat.completions.runTools(ask('Use get_weather for Oslo.', { tools: [tool] }));
    assert.equal(typeof (await runner.finalContent()), 'string');
    assert.equal(asked.length, 1);
  },
  async 'structured output, parsed'() {
    const Event = z.object({ name: z.string(), day: z.enum(['monday', 'friday']), people: z.array(z.string()) });
    const reply = await client.chat.completions.parse(
      ask('Anna and Bo meet on friday.', { response_format: zodResponseFormat(Event, 'event') }),
    );
    const { parsed } = reply.choices[0].message;
    assert.ok(['monday', 'friday'].includes(parsed.day));
    assert.ok(Array.isArray(parsed.people));
  },
  async embeddings() {
    const packed = await client.embeddings.create({ model: 'text-embedding-3-small', input: ['a', 'b'] });
    const plain = await client.embeddings.create({
      model: 'text-embedding-3-small', input: ['a', 'b'], encoding_format: 'float', dimensions: 8,
    });
    assert.deepEqual([packed.data[0].embedding.length, plain.data[1].embedding.length], [1536, 8]);
    assert.equal(typeof packed.data[0].embedding[0], 'number');
  },
  async 'models, moderations, text completions'() {
    const names = [];
    for await (const listed of client.models.list()) names.push(listed.id);
    assert.ok(names.includes(model));
    const moderation = await client.moderations.create({ input: 'I want to harm the robots' });
    assert.equal(moderation.results[0].flagged, true);
    const text = await client.completions.create({ model: 'gpt-3.5-turbo-instruct', prompt: 'Once', max_tokens: 5 });
    assert.equal(typeof text.choices[0].text, 'string');
  },
  async 'stored completions'() {
    const stored = await client.chat.completions.create(ask('hi', { store: true, metadata: { team: 'node' } }));
    const ids = [];
    for await (const completion of client.chat.completions.list({ limit: 1 })) ids.push(completion.id);
    assert.ok(ids.includes(stored.id));
    assert.equal((await client.chat.completions.delete(stored.id)).deleted, true);
  },
  async 'errors by their status'() {
    const kinds = {
      400: OpenAI.BadRequestError, 401: OpenAI.AuthenticationError, 403: OpenAI.PermissionDeniedError,
      404: OpenAI.NotFoundError, 409: OpenAI.ConflictError, 422: OpenAI.UnprocessableEntityError,
      429: OpenAI.RateLimitError, 500: OpenAI.InternalServerError, 503: OpenAI.InternalServerError,
    };
    for (const [status, kind] of Object.entries(kinds)) {
      const error = await client.chat.completions
        .create(ask('hi'), faulty(`error;status=${status}`)).then(() => null, (raised) => raised);
      assert.ok(error instanceof kind, status);
      assert.equal(typeof error.type, 'string');
      assert.match(error.requestID, /^req_/);
    }
    const refused = await client.chat.completions.create({ model, messages: [] }).catch((error) => error);
    assert.equal(refused.param, 'messages');
  },
  async 'retries until it succeeds'() {
    await fetch(`${process.env.FAKE_URL}/__fake__/faults`, {
      method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ fault: 'error', status: 503, retry_after: 0.01, times: 2 }),
    });
    const patient = new OpenAI({ baseURL: client.baseURL, apiKey: 'sk-fake', maxRetries: 2 });
    assert.ok((await patient.chat.completions.create(ask('hi'))).choices.length);
  },
  async 'a stream that is cut is an error'() {
    const stream = await client.chat.completions.create(ask('hi', { stream: true }), faulty('cut;after_events=2'));
    await assert.rejects(async () => { for await (const chunk of stream) void chunk; });
  },
  async 'an error in mid-stream is an error'() {
    const stream = await client.chat.completions.create(ask('hi', { stream: true }), faulty('error-event'));
    await assert.rejects(async () => { for await (const chunk of stream) void chunk; }, OpenAI.APIError);
  },
  async 'responses over a WebSocket, one turn after the other'() {
    const socket = new ResponsesWS(client);
    const create = (input, more = {}) => socket.send({ type: 'response.create', model, input, store: false, ...more });
    const texts = [''];
    let failure;
    create('Repeat after me: ett');
    for await (const { type, message, error } of socket) {
      if (failure = error) break;
      if (message?.type === 'response.output_text.delta') texts[texts.length - 1] += message.delta;
      if (message?.type !== 'response.completed') continue;
      assert.equal(message.response.output.at(-1).content[0].text, texts.at(-1));
      texts.push('');
      const previous_response_id = texts.length === 2 ? message.response.id : 'resp_0';
      create('Repeat after me: två', { previous_response_id });
    }
    socket.close();
    assert.deepEqual(texts, ['ett', 'två', '']);
    assert.match(failure.message, /resp_0/);
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok  ${name}: ${String(error.stack ?? error).split('\n').slice(0, 3).join(' ')}`);
  }
}
process.exit(failed ? 1 : 0);
