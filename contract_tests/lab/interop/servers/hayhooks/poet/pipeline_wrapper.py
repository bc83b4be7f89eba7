"""A Haystack pipeline of one component, which asks the upstream; clients name it as the model `poet`."""

# mypy: ignore-errors
# It runs in the environment of its server, which is not the kit's.

import os

from hayhooks import BasePipelineWrapper, streaming_generator
from haystack import Pipeline
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.utils import Secret

PASSED_ON = ("max_completion_tokens", "max_tokens", "response_format", "seed", "stop", "temperature", "top_p")


class PipelineWrapper(BasePipelineWrapper):
    """What Hayhooks serves: the way its own guide shows, with `stream` read from the body."""

    def setup(self):
        self.pipeline = Pipeline()
        generator = OpenAIChatGenerator(
            api_key=Secret.from_token("contract-kit-upstream"),
            model="gpt-4o-mini",
            api_base_url=os.environ["UPSTREAM"],
            max_retries=0,
        )
        self.pipeline.add_component("llm", generator)

    def run_chat_completion(self, model, messages, body):
        turns = [ChatMessage.from_openai_dict_format(message) for message in messages]
        wishes = {name: body[name] for name in PASSED_ON if body.get(name) is not None}
        arguments = {"llm": {"messages": turns, "generation_kwargs": wishes}}
        if body.get("stream"):
            return streaming_generator(pipeline=self.pipeline, pipeline_run_args=arguments)
        return self.pipeline.run(arguments)["llm"]["replies"][0].text
