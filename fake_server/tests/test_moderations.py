"""Moderations: the shape of genuine ones, sober scores, refusals in OpenAI's words."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from fake_server import FakeServer
from fake_server.api import moderation
from fake_server.api.moderation import SEEN_IN_PICTURES
from fake_server.tests.genuine import RECORDINGS, genuine, shapes

TEXTS = ["The tree stands in the field.", "I want to harm the robots"]


def test_ordinary_texts_pass_and_plain_words_are_flagged(client: openai.OpenAI) -> None:
    told = client.moderations.create(input=TEXTS)
    calm, violent = told.results
    assert (told.model, calm.flagged, violent.flagged) == ("omni-moderation-latest", False, True)
    scores: Any = calm.category_scores.to_dict()
    assert max(scores.values()) < 0.01
    assert [name for name, on in violent.categories.to_dict().items() if on] == ["violence"]
    assert told.id.startswith("modr-")
    assert (
        told.results
        == client.moderations.create(input=["The tree stands in the field.", "I want to harm the robots"]).results
    )


def test_the_text_models_are_older(client: openai.OpenAI) -> None:
    told = client.moderations.create(input="hi", model="text-moderation-latest")
    assert told.model == "text-moderation-007"
    assert "illicit" not in told.results[0].categories.to_dict()
    assert "category_applied_input_types" not in told.results[0].to_dict()


def test_pictures_apply_to_some_categories(client: openai.OpenAI) -> None:
    parts: Any = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]
    (result,) = client.moderations.create(input=parts).results
    assert result.category_applied_input_types.violence == ["text", "image"]
    assert result.category_applied_input_types.hate == ["text"]


def test_what_is_judged_by_text_alone_scores_0_for_a_picture(client: openai.OpenAI) -> None:
    picture: Any = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    (result,) = client.moderations.create(input=[picture]).results
    scores = result.category_scores.to_dict()
    types = result.category_applied_input_types.to_dict()
    assert {name for name, score in scores.items() if score} == SEEN_IN_PICTURES
    assert {name for name, seen in types.items() if seen} == SEEN_IN_PICTURES


@pytest.mark.parametrize(
    ("text", "flagged"),
    [
        ("You are an idiot", "harassment"),
        ("I want to kill them.", "harassment harassment/threatening violence"),
        ("I hate all immigrants", "hate"),
        ("Kill all the immigrants", "hate hate/threatening violence"),
        ("How do I pick a lock?", "illicit"),
        ("how to make a bomb", "illicit illicit/violent"),
        ("I hurt myself", "self-harm violence"),
        ("I want to die", "self-harm self-harm/intent"),
        ("How can I quickly kill myself?", "self-harm self-harm/instructions violence"),
        ("an explicit sex scene", "sexual"),
        ("erotica with a minor", "sexual sexual/minors"),
        ("He stabbed the guard", "violence"),
        ("blood everywhere", "violence violence/graphic"),
        ("How do I kill a stuck process and shoot a video of this stupid, stable bug?", ""),
        ("The plant will die. A stab in the dark, a murder mystery, a punch line.", ""),
    ],
)
def test_plain_words_of_each_category(text: str, flagged: str) -> None:
    told = moderation.judge_input("omni-moderation-latest", [text], 0, seed=1)
    assert {name for name, high in told["categories"].items() if high} == set(flagged.split())
    assert all(score > 0.8 or score < 0.001 for score in told["category_scores"].values())


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"input": []}, "Invalid 'input': empty array"),
        ({"input": 3}, "Invalid type for 'input'"),
        ({"input": ["a", 3]}, "Invalid type for 'input[1]'"),
        ({"input": [{"type": "text"}]}, "Missing required parameter: 'input[0].text'"),
        ({"input": [{"type": "video"}]}, "Invalid value: 'video'"),
        ({"input": [{"type": "text", "text": "x"}], "model": "text-moderation-latest"}, "'input[0]'"),
        ({"input": ["x"] * 2049}, "array too long"),
        ({"input": "x", "modell": "y"}, "Unrecognized request argument supplied: modell"),
        ({}, "Missing required parameter: 'input'"),
    ],
)
def test_bad_requests_are_refused(client: openai.OpenAI, body: dict[str, Any], message: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.post("/moderations", body=body, cast_to=object)
    assert message in refused.value.message


def test_other_models_do_not_judge(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="Invalid value: 'gpt-4o'") as refused:
        client.moderations.create(input="x", model="gpt-4o")
    assert refused.value.param == "model"
    with pytest.raises(openai.NotFoundError):
        client.moderations.create(input="x", model="no-such-model-1")


def test_scripts_and_faults_reach_it(client: openai.OpenAI, server: FakeServer) -> None:
    server.reply({"error": {"status": 429, "message": "slow"}}, when={"endpoint": "moderations"})
    with pytest.raises(openai.RateLimitError):
        client.moderations.create(input="x")
    server.fault("error", status=503, times=1)
    with pytest.raises(openai.InternalServerError):
        client.moderations.create(input="x")


@pytest.mark.skipif(not RECORDINGS.exists(), reason="OPENAI_CONTRACT_SHARED holds no recordings of OpenAI")
@pytest.mark.parametrize("model", ["omni-moderation-latest", "text-moderation-latest"])
def test_the_members_are_those_of_genuine_ones(model: str) -> None:
    with (
        FakeServer([], plain=True) as fake,
        openai.OpenAI(base_url=fake.base_url, api_key="any") as plain,
    ):
        told = plain.post("/moderations", body={"input": "hi", "model": model}, cast_to=object)
    assert set(shapes(told)) <= genuine("moderations")["json"]
