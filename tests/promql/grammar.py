"""PromQL that type-checks, drawn at random over the samples' metrics."""

from hypothesis import strategies as st

from tests.promql.samples import NAMESPACES, PORTS

LABELS = ["workload", "port", "namespace", "instance"]
# Windows and offsets that are no multiples of the scrape interval: on a border the versions differ, inside they agree.
durations = st.sampled_from(["50s", "1m", "100s", "2m", "5m", "11m"])
numbers = st.sampled_from(["0", "1", "2.5", "-3", "10", "50", "0.1"])
label_lists = st.lists(st.sampled_from(LABELS), max_size=3, unique=True).map(", ".join)

matchers = st.one_of(
    st.sampled_from(NAMESPACES).map('namespace="{}"'.format),
    st.sampled_from(NAMESPACES).map('namespace!="{}"'.format),
    st.sampled_from(PORTS).map('port=~"{}|53"'.format),
    st.sampled_from(["w[0-3]", "w.", ".*", "", "w(1|2)"]).map('workload=~"{}"'.format),
    st.sampled_from(["i1.*", "", "i.+"]).map('instance!~"{}"'.format),
)
selectors = st.builds(
    lambda name, listed: f"{name}{{{', '.join(listed)}}}",
    st.sampled_from(["syn_in", "syn_out", "gauge", "nowhere"]),
    st.lists(matchers, max_size=2),
)
modifiers = st.one_of(
    st.just(""),
    st.just(""),
    durations.map(" offset {}".format),
    durations.map(" offset -{}".format),
    st.sampled_from([" @ start()", " @ end()", " @ 1700000900.5", " @ 1700000900 offset 1m"]),
)
instants = st.builds("{}{}".format, selectors, modifiers)
RANGE = ["rate", "increase", "delta", "irate", "idelta", "changes", "resets", "deriv", "sum_over_time", "avg_over_time"]
RANGE += [f"{name}_over_time" for name in ("min", "max", "count", "last", "present", "stddev", "stdvar")]
MATHS = ["abs", "ceil", "floor", "sqrt", "exp", "ln", "sgn", "round", "hour", "day_of_week", "absent", "timestamp"]
ranges = st.builds("{}[{}]{}".format, selectors, durations, modifiers)
over_ranges = st.builds("{}({})".format, st.sampled_from(RANGE), ranges)


def _larger(inner):
    grouping = st.one_of(st.just(""), label_lists.map(" by ({})".format), label_lists.map(" without ({})".format))
    subqueries = st.builds(
        "({})[{}:{}]".format, inner, st.sampled_from(["2m", "5m"]), st.sampled_from(["20s", "45s", ""])
    )
    plain = st.sampled_from(["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"])
    matching = st.one_of(
        st.just(""),
        label_lists.map(" on ({})".format),
        label_lists.map(" ignoring ({})".format),
        st.tuples(label_lists, st.sampled_from(["", "port"])).map(lambda two: f" on ({two[0]}) group_left ({two[1]})"),
        label_lists.map(" ignoring ({}) group_right ()".format),
    )
    bare = st.one_of(st.just(""), label_lists.map(" on ({})".format))
    arithmetic = st.sampled_from(["+", "-", "*", "/", "%", "^"])
    comparison = st.sampled_from(["==", "!=", ">", "<", ">=", "<=", "> bool", "== bool"])
    return st.one_of(
        st.builds("{}{}({})".format, plain, grouping, inner),
        st.builds("quantile{}({}, {})".format, grouping, st.sampled_from(["0.5", "0", "0.93"]), inner),
        st.builds("{}({})".format, st.sampled_from(MATHS), inner),
        st.builds("{}({})".format, st.sampled_from(RANGE), subqueries),
        st.builds("({}) {} ({})".format, inner, st.one_of(arithmetic, comparison), numbers),
        st.builds("{} {} ({})".format, numbers, st.one_of(arithmetic, comparison), inner),
        st.builds("({}) {}{} ({})".format, inner, st.one_of(arithmetic, comparison), matching, inner),
        st.builds("({}) {}{} ({})".format, inner, st.sampled_from(["and", "or", "unless"]), bare, inner),
        st.builds("clamp({}, {}, {})".format, inner, numbers, numbers),
        st.builds('label_replace({}, "kind", "$1", "workload", "w(.)")'.format, inner),
        st.builds('label_join({}, "both", "-", "workload", "port")'.format, inner),
        st.builds("scalar({}) + ({})".format, inner, inner),
        st.builds("-({})".format, inner),
    )


queries = st.recursive(st.one_of(instants, over_ranges), _larger, max_leaves=4)
