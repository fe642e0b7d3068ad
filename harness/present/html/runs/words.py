"""Describes steps in plain words. Unknown steps are shown as Python source."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.steps import (
    Alerts,
    Contract,
    Copies,
    Deliver,
    Expect,
    FigureStep,
    Heal,
    Inject,
    Prepare,
    Request,
    Restart,
    Roll,
    Starts,
    Supervised,
    Traffic,
    Until,
    Variants,
    Wait,
)
from harness.engine.workload.load_steps import Arrivals, Capacity, ComesBack
from harness.faults.fault import Fault, FaultFired
from harness.vocabulary import (
    ANY_OUTCOME,
    ENDS,
    AlertFires,
    Answers,
    Message,
    Metric,
    MetricIs,
    Moment,
    Outcome,
    ServiceLogged,
    Value,
)
from harness.vocabulary.links import OfALink

WITHIN_S = Until.within_s


def step_words(step: Value) -> str:
    """`deliver(5, expect=REFUSED)`: `Send 5 different deliveries at once; each is to be refused`, with a full stop."""
    match step:
        case Deliver():
            words = _deliver(step)
        case Traffic():
            words = f"{step.clients} clients send one delivery after the other; {_expected(step)}"
        case Inject(faults):
            words = f"Break: {_joined(faults)}"
        case Heal(faults):
            words = f"Heal: {_joined(faults)}"
        case Until():
            words = _until(step)
        case Request():
            words = f"Send the request {step.name!r} of the contract{_about(step)}"
        case Wait(seconds, because=because):
            words = f"Wait {seconds:g} s: {because.rstrip('. ')}"
        case Contract():
            words = "Send every request of the contract once, at once"
        case FigureStep():
            words = f"{'At the end' if isinstance(step, Expect) else 'While this lasts'}, {_limited(step)}"
        case _:
            words = _of_the_load(step) or _of_the_service(step)
    return f"{words}." if words else repr(step)


def _of_the_service(step: Value) -> str:
    """Words for a step that starts or ends processes of the service; empty for any other."""
    words = ""
    match step:
        case Restart():
            words = _restart(step)
        case Alerts(fires):
            words = f"Have a Prometheus watch by production's rules; {_alerts(fires)}"
        case Starts():
            words = "Try each start that the target describes, beside the service"
        case Variants():
            words = "Send every variant of the target's requests; each is answered as approved"
        case Copies(n):
            words = f"Have {n} processes of the service at once; requests take turns"
        case Roll():
            words = "Start a new process of the service, then have the old one end"
        case Prepare():
            words = _prepare(step)
        case Supervised(restarts=restarts):
            words = f"Start the service again whenever it has ended, {restarts} times at most"
    return words


def _alerts(fires: tuple[str, ...]) -> str:
    return f"{', '.join(fires)} must fire, and nothing else" if fires else "no alert may fire"


def _restart(step: Restart) -> str:
    with_ = f" with {', '.join(step.settings)}" if step.settings else ""
    says = f", and says {step.says!r}" if step.says else ""
    hides = f", and never {step.hides!r}" if step.hides else ""
    return f"Restart the service{with_}" + (f"; it is to end by itself{says}{hides}" if step.expect is ENDS else "")


def _prepare(step: Prepare) -> str:
    times = "once" if step.copies == 1 else f"{step.copies} times at once"
    where = "an empty database" if step.empty else "what is stored"
    says = f", and says {step.says!r}" if step.says else ""
    hides = f", and never {step.hides!r}" if step.hides else ""
    times += "" if step.tries == 1 else f", each up to {step.tries} times,"
    return f"Run prepare {times} on {where}; it is to {'fail' if step.fails else 'end with status 0'}{says}{hides}"


def _about(step: Request) -> str:
    about = " about what was never sent" if step.of is None else f" about delivery {step.of} of the scenario"
    within = "" if step.within_ms is None else f", again and again for {step.within_ms:g} ms"
    return about + within + ("" if step.expect is None else f"; it is to be {step.expect}")


def _of_the_load(step: Value) -> str:
    """Words for a step that loads the service; empty for any other."""
    match step:
        case Arrivals():
            rate = f"{step.of_capacity:g} times the capacity" if step.of_capacity else f"{step.rate_per_s:g} a second"
            for_ = f" for {step.for_s:g} s" if step.for_s else ""
            retries = f", and tries again {step.retries} times at most" if step.retries else ""
            return f"Deliveries arrive{for_} ({rate}), answered or not; each waits {step.patience_ms:g} ms{retries}"
        case Capacity(clients=clients, for_s=for_s):
            return f"Measure for {for_s:g} s how much is acknowledged to {clients} clients that never wait"
        case ComesBack(within_s=within_s, to=to):
            return f"Disturb it; {within_s:g} s after the last of that {to:.0%} of the goodput is to be back"
    return ""


def _expected(step: Deliver | Traffic) -> str:
    if step.expect == ANY_OUTCOME:
        return "any answer will do"
    allowed = ["left unknown" if each is Outcome.UNKNOWN else str(each) for each in step.expect]
    text = f"each is to be {' or '.join(allowed)}"
    slower = step.slower_ms_max
    return text if slower is None else f"{text}, at most {slower:g} ms slower than a healthy answer"


def _deliver(step: Deliver) -> str:
    what = "one delivery" if step.n == 1 else f"{step.n} different deliveries at once"
    if step.copies != 1:
        what = f"{step.copies} copies of {'one delivery' if step.n == 1 else f'each of {step.n} deliveries'} at once"
    hang_up = f", and hang up at {step.hang_up_at!r}" if step.hang_up_at else ""
    return f"Send {what}{hang_up}; {_expected(step)}"


def _joined(faults: Sequence[Fault]) -> str:
    return ", then ".join(fault.words() for fault in faults)


def _until(step: Until) -> str:
    within = "" if step.within_s == WITHIN_S else f" (within {step.within_s:g} s)"
    match step.moment:
        case FaultFired(fault, times):
            return f"Wait until this took effect{'' if times == 1 else f' {times} times'}: {fault.words()}{within}"
        case moment:
            return f"Wait until {_moment(moment)}{within}"


def _moment(moment: Moment) -> str:
    match moment:
        case Message():
            words = f"the relay sees {moment.words()}"
        case OfALink():
            words = moment.words()
        case AlertFires(name):
            words = f"the alert {name} fires"
        case MetricIs():
            words = f"the metric {moment.name} is {_within(moment.at_least, moment.at_most)}"
        case ServiceLogged(pattern):
            words = f"the log of the service has a line that matches {pattern!r}"
        case Answers(at_least):
            words = f"{at_least} answers have come"
        case _:
            words = repr(moment)
    return words


def _limited(step: FigureStep) -> str:
    grown = f"{step.figure.name} is to have grown by" if isinstance(step.figure, Metric) else f"{step.figure!r} is"
    return f"{grown} {_within(step.at_least, step.at_most)}"


def _within(at_least: float | None, at_most: float | None) -> str:
    limits = [f"at least {at_least:g}"] if at_least is not None else []
    limits += [f"at most {at_most:g}"] if at_most is not None else []
    return " and ".join(limits)
