"""What is no value: refused when it is made, in Python as in JSON, with place, key, value and mend."""

from __future__ import annotations

import math
from typing import Any, get_args

import pytest

from harness import Errno, Fault, link, redis, syscall
from harness.engine.steps import Step
from harness.errors import UsageError
from harness.vocabulary import Json, Moment, Value, from_json
from tests.vocabulary.support import evaluated


@pytest.mark.parametrize(
    ("source", "told", "mend"),
    [
        ("deliver(0)", "deliver: n = 0: does nothing", "1 or more"),
        ("deliver(copies=-1)", "deliver: copies = -1: does nothing", "1 or more"),
        ("deliver(10**12)", "deliver: n = 1000000000000: is more than", "10000 or less"),
        ("deliver(200, copies=200)", "deliver: n * copies = 40000: is more than", "10000 or less"),
        ("deliver(True)", "deliver: n = True: expected a whole number", "whole number"),
        ('deliver("5")', "deliver: n = '5': expected a whole number", "whole number"),
        ("deliver(2.0)", "deliver: n = 2.0: expected a whole number", "whole number"),
        ("deliver(expect=Outcome(0))", "deliver: expect = '': names no outcome", "ACKNOWLEDGED"),
        ('deliver(expect="refused")', "deliver: expect = 'refused': expected Outcome", "Outcome"),
        ("deliver(slower_ms_max=-1)", "deliver: slower_ms_max = -1: no answer is that fast", "0 or more"),
        ("deliver(slower_ms_max=float('nan'))", "deliver: slower_ms_max = nan: expected a finite number", "finite"),
        ('deliver(hang_up_at="now")', "deliver: hang_up_at = 'now': expected Moment or None", "Moment"),
        ("traffic(clients=0)", "traffic: clients = 0: does nothing", "1 or more"),
        ("traffic(clients=10**6)", "traffic: clients = 1000000: is more than", "1000 or less"),
        ("traffic(clients=1, expect=Outcome(0))", "traffic: expect = ''", "ACKNOWLEDGED"),
        ("traffic(clients=1, slower_ms_max=-0.5)", "traffic: slower_ms_max = -0.5", "0 or more"),
        ("capacity(clients=0)", "capacity: clients = 0: does nothing", "1 or more"),
        ("capacity(clients=1, for_s=0)", "capacity: for_s = 0: no time", "more than 0, and 600 at most"),
        ("arrivals(patience_ms=1)", "arrivals: rate_per_s, of_capacity = []: nothing says how many", "of_capacity=0.6"),
        ("arrivals(rate_per_s=1, of_capacity=1, patience_ms=1)", "['rate_per_s', 'of_capacity']", "one of the two"),
        ("arrivals(rate_per_s=0, patience_ms=1)", "arrivals: rate_per_s = 0: nothing arrives", "10000 at most"),
        ("arrivals(of_capacity=101, patience_ms=1)", "of_capacity = 101: is more than", "100 at most"),
        ("arrivals(rate_per_s=1, patience_ms=0)", "patience_ms = 0: such a client waits for nothing", "more than 0"),
        ("arrivals(rate_per_s=1, patience_ms=1, retries=-1)", "arrivals: retries = -1: out of range", "0 to 100"),
        ("arrivals(rate_per_s=1, patience_ms=1, for_s=601)", "arrivals: for_s = 601: no time, or more", "600 at most"),
        ("comes_back(within_s=0)", "comes_back: within_s = 0: no time", "more than 0, and 600 at most"),
        ("comes_back(within_s=1, to=1.1)", "comes_back: to = 1.1: is no share", "1 at most"),
        ("inject()", "inject: faults = (): there is nothing to do", "link.down(redis)"),
        ("inject('link.down')", "inject: faults = ('link.down',): expected values that are each Fault", "Fault"),
        ("inject([link.down(redis)])", "inject: faults = ([link.down(redis)],)", "Fault"),
        ("inject(redis)", "inject: faults = (redis,)", "Fault"),
        ("heal()", "heal: faults = ()", "link.down(redis)"),
        ("until(postgres.idle(), within_s=0)", "until: within_s = 0: is over before it begins", "more than 0"),
        ("until(postgres.idle(), within_s=1e300)", "until: within_s = 1e+300: could never be missed", "86400 at most"),
        ("deliver(slower_ms_max=1e300)", "deliver: slower_ms_max = 1e+300: no answer could be slower", "at most"),
        ("until(postgres.idle(), within_s=-1)", "until: within_s = -1", "more than 0"),
        ("until(postgres.idle(), within_s=float('nan'))", "until: within_s = nan", "finite number"),
        ("until(postgres.idle(), within_s=float('inf'))", "until: within_s = inf", "finite number"),
        ("wait(0, because='x')", "wait: seconds = 0: no time", "more than 0, and 600 at most"),
        ("wait(601, because='x')", "wait: seconds = 601: no time, or more than a scenario has", "600 at most"),
        ("wait(float('nan'), because='x')", "wait: seconds = nan", "finite number"),
        ("wait(1, because=' ')", "wait: because = ' ': is no reason", "use until(...)"),
        ("restart('SHOP_POOL')", "restart: settings = 'SHOP_POOL': is not an environment variable", "NAME=value"),
        ("restart('2=x')", "restart: settings = '2=x': is not an environment variable", "NAME=value"),
        ("restart(says='x')", "restart: says = 'x': only the output of a start", "expect=ENDS"),
        ("restart(expect=ENDS, says='(')", "restart: says = '(': not a regular expression", "mend"),
        ("prepare(copies=0)", "prepare: copies = 0: does nothing", "1 or more"),
        ("prepare(says='(')", "prepare: says = '(': not a regular expression", "mend"),
        ("limits(service.metric('a'))", "limits = None: without a limit any number would hold", "at_most or at_least"),
        ("limits(service.bytes_per_request, at_most=1)", "limits: figure", "lab.expect"),
        ("copies(1)", "copies: n = 1: there is one", "2 to 5"),
        ("supervised(restarts=0)", "supervised: restarts = 0: does nothing", "1 or more"),
        ("until(link.down(redis))", "until: moment = link.down(redis): expected Moment", "Moment"),
        ("expect(service.metric('a'))", "limits = None: without a limit any number would hold", "at_most or at_least"),
        ("expect(service.metric('a'), at_most=float('nan'))", "expect: at_most = nan", "finite number"),
        ('expect(service.metric("a"), at_most=10**400)', "expect: at_most = 1000", "finite number"),
        ('service.metric("two words")', "service.metric: name = 'two words': not a metric's name", "/metrics"),
        ("service.metric_is('a')", "service.metric_is: at_most = None: without a limit any value", "at_least="),
        ("service.metric_is('two words', at_most=1)", "service.metric: name = 'two words'", "/metrics"),
        ("postgres.idle(0)", "link.idle: at_least = 0: is reached before anything", "1 or more"),
        ('postgres.waiting("INSERT", at_least=0)', "postgres.waiting: at_least = 0", "1 or more"),
        ("postgres.connects_peak(within_ms=0)", "link.connects_peak: within_ms = 0: nothing lies", "1 or more"),
        ("service.answers(0)", "service.answers: at_least = 0", "1 or more"),
        ("service.answers(1, Outcome(0))", "service.answers: outcome = ''", "ACKNOWLEDGED"),
        ('service.logged("(")', "service.logged: pattern = '(': not a regular expression", "mend"),
        ('postgres.logged("[a")', "link.logged: pattern = '[a': not a regular expression", "mend"),
        ("link.down(redis).fired(0)", "fired: times = 0", "1 or more"),
        ('link.down("redis")', "link.down: link = 'redis': expected Link", "Link"),
        ("link.latency(redis, latency_ms=-1)", "link.latency: latency_ms = -1: not within", "write 1"),
        ("link.latency(redis, latency_ms=10**12)", "latency_ms = 1000000000000: not within", "86400000"),
        ("link.latency(redis, latency_ms=True)", "link.latency: latency_ms = True: expected", "whole number"),
        ("link.latency(redis, latency_ms=1, jitter_ms=2)", "jitter_ms = 2: more than", "at most 1"),
        ('link.latency(redis, latency_ms=1, stream="up")', "stream = 'up': expected one of", "downstream"),
        ("link.bandwidth(redis, rate_kb_s=-1)", "rate_kb_s = -1: not within", "write 0"),
        ("link.slicer(redis, average_bytes=0)", "link.slicer: average_bytes = 0: not within", "write 1"),
        ("link.slicer(redis, average_bytes=4, variation_bytes=4)", "variation_bytes = 4: not less", "at most 3"),
        ("link.limit_data(redis, limit_bytes=-1)", "limit_bytes = -1: not within", "write 0"),
        ("link.slow_close(redis, delay_ms=0)", "delay_ms = 0: not within", "write 1"),
        ('link.dead(redis, way="up")', "link.dead: way = 'up': expected one of", "sent"),
        ("link.dead(redis, one=True)", "one = True: no message of redis says which", "leave one out"),
        ('link.half_open(redis, at=postgres.sent("x"), one=True)', "no message of redis", "message of redis"),
        ("link.lose(redis, percent=0)", "percent = 0: not within 1 to 90", "link.dead"),
        ("link.forget_idle(redis, idle_s=0)", "idle_s = 0: not a time", "write seconds"),
        ("link.mtu_hole(redis, mtu_bytes=199)", "mtu_bytes = 199: not within 200 to 60000", "write 1400"),
        ("names.slow(redis, ms=0)", "ms = 0: not within 1 to 60000", "another number"),
        ("link.timeout(redis, timeout_ms=-1)", "timeout_ms = -1: not within", "write 0"),
        ('postgres.sent(message="Binde")', "closest valid: 'Bind'", "write 'Bind'"),
        ('postgres.sent(message="DataRow")', "postgres.sent: message = 'DataRow': is answered, not sent", ".answered("),
        ('postgres.answered(message="Datarow")', "no message of postgres that is answered", "write 'DataRow'"),
        ('redis.answered(message="String")', "no message of redis that is answered; closest valid", "BulkString"),
        ('redis.sent(message="set x")', "redis.sent: message = 'set x': not a command's first", "write 'SET'"),
        ('postgres.sent("x", nth=0)', "postgres.sent: nth = 0: counts from 1", "1 or more"),
        ('postgres.sent("x", connection=0)', "postgres.sent: connection = 0: counts from 1", "1 or more"),
        ('postgres.sent("x", phase="comit")', "phase = 'comit': expected one of", "write 'commit'"),
        ('postgres.answered(phase="startup")', "the server executes no statement", "message='ReadyForQuery'"),
        ('wire.cut("COMMIT")', "wire.cut: at = 'COMMIT': expected Message", "Message"),
        ("wire.cut(postgres.idle())", "wire.cut: at = postgres.idle(1): expected Message", "Message"),
        ('wire.cut(postgres.sent("a"), after_bytes=-1)', "after_bytes = -1: no message has such", "0 or more"),
        ('wire.cut(postgres.sent("a"), after_bytes=1, after=True)', "given together with after=True", "leave one"),
        ('wire.delay(postgres.sent("a"), delay_ms=0)', "wire.delay: delay_ms = 0: not a time to wait", "write 1 to"),
        ('wire.fail(postgres.sent("a"), code="4001")', "wire.fail: code = '4001': not an SQLSTATE", "40001"),
        ('wire.fail(postgres.sent("a"), code="00000")', "wire.fail: code = '00000': not an SQLSTATE", "40001"),
        ('wire.fail(postgres.sent("a"), code="40001", text="a\\nb")', "wire.fail: text = 'a", "control characters"),
        ('wire.fail(postgres.sent(message="Sync"), code="40001")', "wire.fail: message = 'Sync': the", "fatal=True"),
        ('wire.delay(postgres.sent("a"), delay_ms=10**9)', "wire.delay: delay_ms = 1000000000: not", "86400000"),
        ('wire.fail(redis.sent("SET"), code="oom")', "wire.fail: code = 'oom': not an error", "LOADING"),
        ('wire.fail(redis.sent("SET"), code="OOM", fatal=True)', "Redis has no such errors", "cut"),
        ('wire.fail(postgres.answered("a"), code="40001")', "wire.fail: at = postgres.answ", "postgres.sent('a')"),
        ('wire.late(postgres.sent("a"))', "wire.late: at = postgres.sent('a'): strikes only", "postgres.answered('a')"),
        ('wire.corrupt(postgres.sent("a"), at_byte=-1)', "at_byte = -1: no message has such a byte", "0 or more"),
        ('wire.order(postgres.sent("a"))', "fewer than two messages have no order", "two or more"),
        ('wire.order(postgres.sent("a"), redis)', "expected values that are each Message", "Message"),
        ('process.kill(at="COMMIT")', "process.kill: at = 'COMMIT': expected Moment or None", "Moment"),
        ("server.lock(redis, 'deliveries')", "server.lock: link = redis: expected Postgres", "Postgres"),
        ('server.lock(postgres, "a; DROP TABLE a")', "server.lock: table = 'a; DROP TABLE a'", "plain name"),
        ('server.hold_commits(postgres, "")', "server.hold_commits: table = ''", "plain name"),
        ('syscall.connect(redis, errno="EINVAL", times=0)', "times = 0: would never answer", "1 or more"),
        ('syscall.connect(redis, errno="EINVALID")', "closest valid: 'EINVAL'", "write 'EINVAL'"),
        ('Postgres("Two words")', "postgres: name = 'Two words': not a link's name", "a-z"),
        ('Postgres("")', "postgres: name = '': not a link's name", "a-z"),
        ('Link("x")', "link: name = 'x': a link needs a protocol", "Postgres('x') or Redis('x')"),
    ],
)  # fmt: skip
def test_refused_when_it_is_made(source: str, told: str, mend: str) -> None:
    with pytest.raises(UsageError) as caught:
        evaluated(source)
    assert told in caught.value.message
    assert mend in caught.value.hint


@pytest.mark.parametrize("errno", get_args(Errno))
def test_every_errno_of_the_list_is_taken(errno: Errno) -> None:
    assert syscall.connect(redis, errno=errno).errno == errno


@pytest.mark.parametrize(
    "fault",
    [
        link.slicer(redis, average_bytes=10, variation_bytes=2, delay_us=5),
        link.timeout(redis, timeout_ms=5),
        link.bandwidth(redis, rate_kb_s=5),
    ],
)
def test_a_toxic_gets_the_numbers_of_its_fault(fault: Fault) -> None:
    numbers = {value for name, value in vars(fault).items() if name not in ("link", "stream")}
    toxics: Any = fault
    assert {frozenset(toxic.attributes.values()) for toxic in toxics.toxics()} == {frozenset(numbers)}


DOWN: Json = {"kind": "link.down", "link": "redis"}


@pytest.mark.parametrize(
    ("data", "expected", "told", "mend"),
    [
        (5, Step, "here: value = 5: expected an object with a kind of step", '{"kind": "'),
        (None, Step, "here: value = None: expected an object", '{"kind": "'),
        ("link.dwn", Fault, "closest valid: 'link.down'", '{"kind": "link.down", ...}'),
        ({}, Fault, "here: kind = None: not a kind of fault", "use one of"),
        ({"kind": 5}, Fault, "here: kind = 5: not a kind of fault", "use one of"),
        ({"kind": "link.dwn"}, Fault, "closest valid: 'link.down'", "write 'link.down'"),
        ({"kind": "deliver"}, Fault, "here: kind = 'deliver': not a kind of fault", "use one of"),
        ({"kind": "deliver", "m": 5}, Step, "here: m = 5: deliver has no such key", "use one of: copies"),
        ({"kind": "deliver", "copys": 5}, Step, "closest valid: 'copies'", "write 'copies'"),
        ({"kind": "until"}, Step, "here: moment = None: until needs this key", "add 'moment'"),
        ({"kind": "deliver", "n": "5"}, Step, "here.n: value = '5': expected a whole number, not str", "whole number"),
        ({"kind": "deliver", "n": True}, Step, "here.n: value = True: expected a whole number, not bool", "whole"),
        ({"kind": "deliver", "n": 1.5}, Step, "here.n: value = 1.5: expected a whole number, not float", "whole"),
        ({"kind": "deliver", "n": None}, Step, "here.n: value = None: expected a whole number", "whole"),
        ({"kind": "deliver", "n": 0}, Step, "here: deliver: n = 0: does nothing", "1 or more"),
        ({"kind": "deliver", "slower_ms_max": True}, Step, "here.slower_ms_max: value = True", "finite number"),
        ({"kind": "deliver", "slower_ms_max": 10**400}, Step, "here.slower_ms_max: value = 1000", "finite number"),
        ({"kind": "deliver", "slower_ms_max": math.nan}, Step, "here: deliver: slower_ms_max = nan", "finite number"),
        ({"kind": "deliver", "expect": ["acknoledged"]}, Step, "closest valid: 'acknowledged'", "write 'acknowledged'"),
        ({"kind": "deliver", "expect": "refused"}, Step, "here.expect: value = 'refused': expected a list", "[ ]"),
        ({"kind": "deliver", "expect": [1]}, Step, "here.expect: value = 1: not an outcome", "acknowledged"),
        ({"kind": "deliver", "expect": []}, Step, "here: deliver: expect = '': names no outcome", "ACKNOWLEDGED"),
        ({"kind": "inject", "faults": DOWN}, Step, "here.faults: value = {", "[ ]"),
        ({"kind": "inject", "faults": []}, Step, "here: inject: faults = ()", "link.down(redis)"),
        ({"kind": "inject", "faults": [DOWN, "x"]}, Step, "here.faults[1]: value = 'x'", '{"kind": "'),
        ({"kind": "link.down", "link": "rediss"}, Fault, "here.link: link = 'rediss': not a link", "write 'redis'"),
        ({"kind": "link.down", "link": "rediss:a"}, Fault, "closest valid: 'redis:a'", "write 'redis:a'"),
        ({"kind": "link.down", "link": "redis:"}, Fault, "here.link: redis: name = '': not a link's name", "a-z"),
        ({"kind": "link.down", "link": 5}, Fault, "here.link: value = 5", '{"kind": "'),
        ({"kind": "server.lock", "link": "redis", "table": "a"}, Fault, "here.link: link = 'redis'", "postgres"),
        ({"kind": "server.lock", "link": "postgres", "table": "a b"}, Fault, "here: server.lock: table", "plain name"),
        ({"kind": "syscall.connect", "link": "redis", "errno": "EINVA"}, Fault, "closest valid: 'EINVAL'", "EINVAL"),
        ({"kind": "link.idle", "link": "redis", "at_least": 0}, Moment, "here: link.idle: at_least = 0", "1 or more"),
        ({"kind": "service.logged", "pattern": "("}, Moment, "here: service.logged: pattern = '('", "expression"),
        ({"kind": "link.sent", "link": "postgres", "message": "Binde"}, Moment, "here: postgres.sent: mess", "'Bind'"),
        ({"kind": "link.sent", "link": "postgres", "phase": "comit"}, Moment, "here.phase: value = 'com", "'commit'"),
        ({"kind": "wire.cut", "at": {"kind": "link.idle", "link": "redis"}}, Fault, "here.at: kind = 'link.idle'", ""),
        ({"kind": "wire.order", "messages": []}, Fault, "here: wire.order: messages = ()", "two or more"),
        ({"kind": "link.latency", "link": "redis", "latency_ms": -1}, Fault, "latency: latency_ms = -1", "write 1"),
    ],
)  # fmt: skip
def test_bad_json(data: Json, expected: type[Value], told: str, mend: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_json(data, expected, place="here")
    assert told in caught.value.message
    assert caught.value.message.startswith("here")
    assert mend in caught.value.hint
