// AI SDK with its OpenAI provider, as its guides use them; reads and answers one JSON object a line. Responses,
// chats and completions are asked by generateText and streamText, embeddings by embedMany; nothing else is asked.
// A question with a `turn` is asked on once its tools have run: with the whole `history`, or with the id of the
// `previous` response.
import readline from 'node:readline';
import { createOpenAI } from '@ai-sdk/openai';
import { embedMany, generateText, Output, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';

globalThis.AI_SDK_LOG_WARNINGS = false;
const MODELS = { responses: 'responses', chat: 'chat', completions: 'completion' };

async function ask({ base_url, kind, body, turn }) {
  const provider = createOpenAI({ baseURL: base_url, apiKey: 'sk-any' });
  if (kind === 'embeddings') {
    const model = provider.embedding(body.model);
    const reply = await embedMany({ model, values: [body.input].flat(), maxRetries: 0 });
    return { vectors: reply.embeddings, usage: reply.usage.tokens ?? null };
  }
  if (!MODELS[kind]) return null;
  const functions = (body.tools ?? []).map((entry) => entry.function ?? entry).filter((entry) => entry.parameters);
  const schema = body.text?.format?.schema ?? body.response_format?.json_schema?.schema;
  const execute = turn === 'history' && (async () => '4');
  const make = ({ name, parameters }) => [name, tool({ inputSchema: z.fromJSONSchema(parameters), ...(execute && { execute }) })];
  const tools = functions.map(make);
  if (body.tools?.some((entry) => entry.type === 'web_search')) tools.push(['web_search', provider.tools.webSearch({})]);
  const options = {
    model: provider[MODELS[kind]](body.model),
    system: body.instructions ?? body.messages?.find((message) => message.role === 'system')?.content,
    prompt: 'Say hello.',
    maxRetries: 0,
    ...(execute && { stopWhen: stepCountIs(2) }),
    tools: tools.length ? Object.fromEntries(tools) : undefined,
    output: schema && Output.object({ schema: z.fromJSONSchema(schema) }),
  };
  if (turn === 'previous') return { text: (await goOn(options, await generateText(options))).text };
  if (turn) return { text: (await generateText(options)).text };
  return body.stream ? readStream(options) : readReply(await generateText(options), schema);
}

// Sends the results of the calls of a reply, without the messages that led to them: the target keeps those.
function goOn({ prompt, ...options }, reply) {
  const content = reply.toolCalls.map(({ toolCallId, toolName }) => (
    { type: 'tool-result', toolCallId, toolName, output: { type: 'text', value: '4' } }));
  const previousResponseId = reply.providerMetadata.openai.responseId;
  return generateText({ ...options, messages: [{ role: 'tool', content }], providerOptions: { openai: { previousResponseId } } });
}

// What the SDK puts in place of an id and of a time that are not given.
const MADE_UP = /^aitxt-/;
const STARTED = new Date();

async function readReply(reply, schema) {
  return {
    id: MADE_UP.test(reply.response.id) ? null : reply.response.id,
    created: reply.response.timestamp > STARTED ? null : reply.response.timestamp.getTime() / 1000,
    model: reply.response.modelId ?? null,
    finish: [reply.finishReason, reply.rawFinishReason ?? null],
    choices: [{ text: reply.text, ...readCalls(reply.toolCalls) }],
    annotations: reply.sources.map((source) => [source.sourceType, source.url ?? null, source.title ?? null]),
    reasoning: reply.reasoning.map((part) => [part.text, part.providerMetadata?.openai ?? null]),
    tokens: [reply.providerMetadata?.openai?.logprobs ?? null],
    usage: readUsage(reply.usage),
    parsed: schema ? await reply.output : null,
  };
}

// The parts as they come, and what the SDK has put together at the end.
async function readStream(options) {
  const streamed = { text: '', reasoning: '', inputs: {} };
  const reply = streamText({ ...options, onError: () => {} });
  for await (const part of reply.fullStream) {
    if (part.type === 'text-delta') streamed.text += part.text;
    else if (part.type === 'reasoning-delta') streamed.reasoning += part.text;
    else if (part.type === 'tool-input-delta') streamed.inputs[part.id] = (streamed.inputs[part.id] ?? '') + part.delta;
    else if (part.type === 'error') throw part.error;
  }
  const whole = {};
  for (const name of WHOLE) whole[name] = await reply[name];
  const answer = await readReply({ ...whole, output: options.output && await reply.output }, options.output);
  return { ...answer, streamed: [streamed.text, streamed.reasoning, Object.values(streamed.inputs)] };
}
const WHOLE = [
  'response', 'finishReason', 'rawFinishReason', 'text', 'toolCalls', 'sources', 'reasoning', 'providerMetadata', 'usage',
];

function readCalls(calls) {
  const read = (call) => [call.toolCallId, call.toolName, call.input];
  return {
    calls: calls.filter((call) => !call.invalid).map(read),
    'invalid calls': calls.filter((call) => call.invalid).map(read),
  };
}

const readUsage = (usage) => [
  usage.inputTokens ?? null, usage.outputTokens ?? null, usage.totalTokens ?? null,
  usage.inputTokenDetails?.cacheReadTokens ?? null, usage.outputTokenDetails?.reasoningTokens ?? null,
];

// What is thrown; the error of a stream's part may be a text.
function describeError(error) {
  if (!(error instanceof Error)) return { error: 'StreamError', said: { message: error } };
  const code = error.data?.error?.code ?? error.code ?? null;
  return { error: error.name, said: { status: error.statusCode ?? null, message: error.message, code } };
}

console.log('ready');
for await (const line of readline.createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = { result: await ask(JSON.parse(line)) };
  } catch (error) {
    answer = describeError(error);
  }
  console.log(JSON.stringify(answer));
}
