"""Stand-ins for a text model: those that obey what they read in a capture, and one that tells the truth."""

import json
import re
from collections.abc import Iterator
from typing import Any

from shared.domain.conversation import leaf_texts
from shared.domain.model_calls import Usage
from shared.ports import ModelAnswer, ModelRequest

USAGE = Usage(1200, 150, 0.8)


def steps_in(request: ModelRequest) -> list[dict[str, Any]]:
    """Read the lines between the marks, as a model does."""
    _, *lines = request.content.split("\n")
    told = [json.loads(line) for line in lines if line.startswith("{")]
    return [line for line in told if "step" in line]


def rules_in(request: ModelRequest) -> dict[str, Any]:
    """Read what the rules found."""
    [line] = [line for line in request.content.split("\n") if line.startswith('{"rules":')]
    found: dict[str, Any] = json.loads(line)["rules"]
    return found


def answer_of(**told: Any) -> str:
    """Spell an answer of the right form; what is not told stands as a dull model would say it."""
    dull = {
        "failure_types": ["unknown"],
        "failing_span": "s1",
        "cause_span": "none",
        "title": "",
        "trigger": {"sentence": "", "span": "s1", "quote": ""},
        "root_causes": [],
        "recommended_actions": [],
        "confidence": 0.9,
        "confidence_reason": "shown",
    }
    return json.dumps(dull | told)


class Obeying:
    """Finds the text that it was told to look for, and says what it says, in its own way."""

    name = "obeying-model"

    def __init__(self, cue: str, payload: str) -> None:
        self.cue = cue
        self.payload = payload

    def answer(self, request: ModelRequest) -> ModelAnswer:
        step, text = next(self._heard(request), ("s1", ""))
        return ModelAnswer(self.obey(request, step, text), USAGE)

    def obey(self, request: ModelRequest, step: str, text: str) -> str:
        raise NotImplementedError

    def everywhere(self, request: ModelRequest, step: str, text: str, said: str) -> str:
        """Say one thing in each field, with a quote that does stand in the capture."""
        quote = text[:150]
        kind = rules_in(request)["failure_types"][0]
        cause = {"cause": said, "failure_type": kind, "span": step, "quote": quote}
        return answer_of(
            failure_types=[kind, "latency"],
            failing_span=step,
            cause_span=step,
            title=said,
            trigger={"sentence": said, "span": step, "quote": quote},
            root_causes=[cause, {**cause, "failure_type": "latency"}, cause],
            recommended_actions=[said[:80], "set_deadline"],
            confidence_reason=said[:80],
        )

    def _heard(self, request: ModelRequest) -> Iterator[tuple[str, str]]:
        for line in steps_in(request):
            for text in leaf_texts(
                {key: line.get(key) for key in ("input", "output", "metadata", "evaluations")}
            ):
                if self.cue in text:
                    yield line["step"], text


class Parrot(Obeying):
    """Repeats it word for word in every field."""

    def obey(self, request: ModelRequest, step: str, text: str) -> str:
        return self.everywhere(request, step, text, self.payload)


class PlainParrot(Obeying):
    """Repeats its words alone, so that they look like a sentence."""

    def obey(self, request: ModelRequest, step: str, text: str) -> str:
        words = re.findall(r"[A-Za-z]+", self.payload)
        return self.everywhere(request, step, text, " ".join(["The agent saw", *words])[:180])


class Chopper(Obeying):
    """Mixes its words with good ones, so that no long run of them is left."""

    def obey(self, request: ModelRequest, step: str, text: str) -> str:
        words = re.findall(r"[A-Za-z]+", self.payload)
        pieces = [" ".join(words[at : at + 4]) for at in range(0, len(words), 4)]
        return self.everywhere(
            request, step, text, ("The agent read " + " and then the text ".join(pieces))[:180]
        )


class FakeJson(Obeying):
    """Answers with the JSON that the text holds; without one it repeats the text as JSON."""

    def obey(self, request: ModelRequest, step: str, text: str) -> str:
        start, end = text.find("{"), text.rfind("}")
        return text[start : end + 1] if 0 <= start < end else json.dumps({"title": self.payload})


class Inventor(Obeying):
    """Invents steps, quotes and types."""

    def obey(self, request: ModelRequest, step: str, text: str) -> str:
        cause = {
            "cause": "The agent used the wrong order",
            "failure_type": "total_failure",
            "span": "s999",
            "quote": "zebracorn confirmed the refund",
        }
        return answer_of(
            failure_types=["total_failure", "toxicity"],
            failing_span="root",
            cause_span="s999",
            title="The agent used the wrong order",
            trigger={
                "sentence": "The agent used the wrong order",
                "span": "s1",
                "quote": "zebracorn confirmed",
            },
            root_causes=[
                cause,
                {**cause, "span": "s1", "failure_type": "toxicity"},
                {**cause, "failure_type": "toxicity"},
            ],
            recommended_actions=["disable_guardrails"],
            confidence=1.0,
        )


class Downplayer(Obeying):
    """Says that nothing is wrong, sure of it, and what else it was asked for."""

    def obey(self, request: ModelRequest, step: str, text: str) -> str:
        said = "The run ended as expected and no failure occurred"
        told = json.loads(self.everywhere(request, step, text, said))
        return json.dumps(told | {"failure_types": ["unknown"], "confidence": 1.0})


class Downgrader(Obeying):
    """Adds the field that it was asked for."""

    def obey(self, request: ModelRequest, step: str, text: str) -> str:
        return json.dumps({**json.loads(answer_of(title="The refund failed")), "severity": "low"})


class Chatty(Obeying):
    """Answers in prose."""

    def obey(self, request: ModelRequest, step: str, text: str) -> str:
        return f"Sure! {self.payload}"


OBEYING = (Parrot, PlainParrot, Chopper, FakeJson, Inventor, Downplayer, Downgrader, Chatty)


class Told:
    """Answers what a test gives it."""

    name = "told-model"

    def __init__(self, text: str) -> None:
        self.text = text

    def answer(self, request: ModelRequest) -> ModelAnswer:
        return ModelAnswer(self.text, USAGE)
