"""A training project from nothing: `templates/project` or another template, rendered by copier."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from scaffold.base.files import staged
from scaffold.base.templates import template_path
from scaffold.base.yaml_text import yaml_document
from scaffold.errors import AnswersFileError, BadTemplateError, NoTerminalError, RefusedAnswerError

VARIANTS = ("regression", "classification", "text", "image")


def render_bootstrap(
    target: Path,
    answers: Mapping[str, object],
    *,
    template: str | None = None,
    ask: bool = True,
) -> list[str]:
    """Write a training project to `target` and return its files, by path relative to it.

    Args:
        target: A folder that is absent or empty; it appears whole or not at all.
        answers: Answers that are known already.
        template: A path or URL that copier takes; the project that this package brings when absent.
        ask: Whether the open questions are asked; their defaults are taken otherwise.

    Raises:
        TargetNotEmptyError: The folder is not empty.
        UsageError: An answer is not allowed, or there is no terminal for a question.
        RenderError: The template is invalid.
    """
    from copier import run_copy
    from copier.errors import CopierAnswersInterrupt, CopierError, InteractiveSessionError
    from jinja2 import TemplateError

    source = template or str(template_path("project"))
    values = {"name": target.absolute().name.lower().replace("_", "-"), **answers}
    with staged(target) as folder:
        try:
            run_copy(source, folder, data=values, defaults=not ask, quiet=True, overwrite=True)
        except InteractiveSessionError as error:
            raise NoTerminalError(str(target)) from error
        except CopierAnswersInterrupt as error:
            raise KeyboardInterrupt from error
        except (CopierError, TemplateError) as error:
            raise BadTemplateError(source, str(error)) from error
        except ValueError as error:
            raise RefusedAnswerError(str(error)) from error
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def read_answers_file(path: Path) -> dict[str, object]:
    """The answers of a YAML or JSON file.

    Raises:
        UsageError: It is no mapping of names to values, or cannot be read.
    """
    import yaml

    try:
        answers = yaml_document(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AnswersFileError(str(path), (error.strerror or str(error)).lower()) from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise AnswersFileError(str(path), str(error)) from error
    if not isinstance(answers, dict):
        raise AnswersFileError(str(path))
    return {str(name): value for name, value in answers.items()}
