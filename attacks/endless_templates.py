"""Chat templates that loop, recurse, nest, double or compare without end: each is refused, in seconds and without much memory."""

import resource

from run import holds, main, refused, seconds

import toklet

LIMIT = 20  # seconds for each; most take milliseconds
CONVERSATION = [{"role": "user", "content": "x"}]
GROWN = "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(8) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}"
AGAIN = "{% for i in range(9999) %}{% for j in range(9999) %}%%{% endfor %}{% endfor %}"
TWICE = "{% macro f(x, n) %}{% if n %}{{ f(%%, n - 1) }}{% else %}{{ x }}{% endif %}{% endmacro %}{{ f([1], 60) }}"
TEMPLATES = {
    "loops in loops": AGAIN,
    "a macro that calls itself": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "a list doubled in a macro's argument": TWICE.replace("%%", "x + x"),
    "a list of itself twice in a macro's argument": TWICE.replace("%%", "[x, x]"),
    "a table of itself twice": TWICE.replace("%%", "{'a': x, 'b': x}"),
    "a list repeated in a macro's argument": TWICE.replace("%%", "x * 9"),
    "a text doubled in a macro's argument": TWICE.replace("%%", "x ~ x"),
    "a list doubled by its callers": "{% macro f(x, n) %}{% if n %}{{ caller(x + x, n - 1) }}{% endif %}{% endmacro %}"
    "{% macro g(x, n) %}{% call(y, k) f(x, n) %}{{ g(y, k) }}{% endcall %}{% endmacro %}{{ g([1], 60) }}",
    "a list doubled in a recursive loop": "{% for x in [[1]] recursive %}{% if loop.depth < 60 %}{{ loop([x + x]) }}{% else %}{{ x }}{% endif %}{% endfor %}",
    "sixty loops": "{% set x = [1] %}" + "{% for x in [x + x] %}" * 60 + "{{ x | length }}" + "{% endfor %}" * 60,
    "sixty with": "{% set x = [1] %}" + "{% with x = x + x %}" * 60 + "{{ x | length }}" + "{% endwith %}" * 60,
    "sixty set": "{% set x = [1] %}" + "{% set x = x + x %}" * 60 + "{{ x | length }}",
    "slices of slices": "{% set ns = namespace(x=[1]) %}" + AGAIN.replace("%%", "{% set ns.x = ns.x[0:] %}") + "{{ ns.x }}",
    "slices in lists": "{% set ns = namespace(x=[[1]]) %}" + AGAIN.replace("%%", "{% set ns.x = [ns.x[0][0:]] %}") + "{{ ns.x }}",
    "repeated repetitions": "{% set ns = namespace(x=[1]) %}" + AGAIN.replace("%%", "{% set ns.x = ns.x * 1 %}") + "{{ ns.x }}",
    "namespaces of namespaces": "{% set ns = namespace(x=[1]) %}" + AGAIN.replace("%%", "{% set ns.x = namespace(x=ns) %}"),
    "comparisons": GROWN + AGAIN.replace("%%", "{% if ns.x == ns.y %}{% endif %}"),
    "searches": GROWN + AGAIN.replace("%%", "{% if ns.x in [ns.y] %}{% endif %}"),
    "orders": GROWN + AGAIN.replace("%%", "{% if [ns.x, ns.y] | sort %}{% endif %}"),
    "keys": GROWN + AGAIN.replace("%%", "{% if {ns.x: 1}[ns.y] %}{% endif %}"),
    "printed again and again": GROWN + AGAIN.replace("%%", "{% set z %}{{ ns.x }}{% endset %}"),
    "a long text searched again and again": "{% set s = 'x' * 99999 %}" + AGAIN.replace("%%", "{% if s.count('y') %}{% endif %}"),
    "a gigabyte": "{{ 'x' * 1000000000 }}",
    "a wide number": "{{ '{:1000000000}'.format(1) }}",
    "brackets": "{{ " + "(" * 1_000_000 + "1" + ")" * 1_000_000 + " }}",
}


def attack() -> str:
    """Render each."""
    slowest, before = 0.0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, source in TEMPLATES.items():
        call = lambda source=source: toklet.ChatTemplate(source).format(CONVERSATION)  # noqa: E731
        took = seconds(lambda call=call, name=name: refused(name, call, toklet.PromptError))
        holds(took < LIMIT, f"{name}: {took:.0f} s")
        slowest = max(slowest, took)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    holds(grown < 512, f"{grown} MB")
    return f"{len(TEMPLATES)} templates without an end: all refused, the slowest in {slowest:.1f} s, with at most {grown} MB"


main(attack)
