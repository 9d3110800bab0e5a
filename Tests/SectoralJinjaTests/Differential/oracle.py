"""What Jinja2 makes of a request of `jinja --batch`."""

import copy
import signal

import jinja2
import jinja2.sandbox

UNDEFINED = {
    "strict": jinja2.StrictUndefined, "chainable": jinja2.ChainableUndefined, "debug": jinja2.DebugUndefined,
}


class TooLong(BaseException):
    """Jinja2 took more than a template is given."""


def _alarm(*_):
    raise TooLong


def render(request, seconds=5):
    """{"output": ...} or {"error": {...}}; None when it takes too long.

    "compiling" is true of an error, not one of syntax, that came before the template ran.
    """
    is_compiled = True
    options = dict(request.get("options", {}))
    undefined = UNDEFINED.get(options.pop("undefined", ""), jinja2.Undefined)
    environment = jinja2.sandbox.SandboxedEnvironment(
        loader=jinja2.DictLoader(request.get("templates", {})),
        undefined=undefined,
        extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"],
        cache_size=0,
        **options,
    )
    previous = signal.signal(signal.SIGALRM, _alarm)
    signal.alarm(seconds)
    try:
        context = copy.deepcopy(request.get("context", {}))
        is_compiled = False
        template = environment.from_string(request["template"])
        is_compiled = True
        return {"output": template.render(context)}
    except TooLong:
        return None
    except Exception as error:  # noqa: BLE001
        answer = {"error": {"kind": type(error).__name__, "message": str(error)}}
        if not is_compiled and not isinstance(error, jinja2.TemplateSyntaxError):
            answer["compiling"] = True
        return answer
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
