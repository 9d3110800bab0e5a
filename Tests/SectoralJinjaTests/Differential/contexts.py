"""Random values for the names that grammar.CONTEXT_NAMES lists, as JSON can carry them."""

STRINGS = [
    "Hello World", "", "a", "  padded\ttext  ", "Grüße, Žofie! 🐎 ñ", "<a href=\"x\">T&C's</a>", "one\ntwo\r\nthree", "42", "-3.5", "abcabcabc",
    "MiXeD", "hello-world foo--bar", "ΑΣ ΣΑΣ", "ŉ ǅ ﬀ", "x" * 30, "select a, b from t", "\u00a0nb\u2003sp", "e\u0301 é", "{{ no }}", "100%", "0x1f", "a.b.c",
]
INTS = [0, 1, -1, 2, 3, 7, 42, -7, 100, 255, 1000, 12345678, 2**31, 2**63, -(2**63), 10**25, 2**64 - 1]
FLOATS = [0.0, 1.0, -1.5, 2.5, 0.1, 3.14159, 1e16, 1e-5, 123456789.125, 0.5, 1.5, 1e100, -0.0, 99.995]
WORDS = ["banana", "Apple", "cherry", "apple", "b", "A", "", "ä", "Zed", "10", "9", "a b"]


def record(random):
    return {
        "n": random.choice(["John", "jane", "Zed", "zoe", "Ärger"]), "a": random.choice([30, 25, 30, 7, -1]),
        "c": random.choice(["Rome", "Oslo", "oslo"]), "t": random.sample(WORDS, random.randint(0, 3)),
        "o": {"k": anything(random, 1)} | ({"q": "Q"} if random.random() < 0.5 else {}),
    }


def anything(random, depth=2):
    choice = random.random()
    if depth > 0 and choice < 0.2:
        return [anything(random, depth - 1) for _ in range(random.randint(0, 3))]
    if depth > 0 and choice < 0.35:
        return {random.choice(WORDS): anything(random, depth - 1) for _ in range(random.randint(0, 3))}
    return random.choice([random.choice(STRINGS), random.choice(INTS), random.choice(FLOATS), True, False, None])


def make(random):
    pick = random.choice
    return {
        "s": pick(STRINGS), "e": "", "u": pick(STRINGS), "html": pick(["<b>x</b>", "<a href=\"q\">T&amp;C</a> <!-- c -->z", "a < b && c > 'd'"]),
        "line": pick(["a b c\nd e", "the quick brown fox-jumps over", "l1\n\n  l2\n"]), "digits": pick(["0042", "7", "1e5", " 12 ", "x"]),
        "n": pick([42, 5, 17, 99]), "z": 0, "neg": pick([-7, -1, -100]), "big": pick(INTS), "f": pick(FLOATS), "tiny": pick([1e-7, 0.25, 1.0]),
        "t": True, "no": False, "nil": None,
        "ws": [pick(WORDS) for _ in range(random.randint(0, 5))], "empty": [],
        "xs": [pick([3, 1, 2, 0, -4, 10, 3]) for _ in range(random.randint(0, 5))],
        "fs": [pick([1.5, 2, -0.5, 3, 2.0]) for _ in range(random.randint(1, 4))],
        "mix": [anything(random) for _ in range(random.randint(1, 4))],
        "rows": [record(random) for _ in range(random.randint(1, 4))], "r": record(random),
        "d": {"b": pick([1, 2, 3]), "a": pick([1, 5, 20]), "C": pick([3, 0])}, "m": {"a": pick(STRINGS), "b": pick(WORDS)},
        "nest": {"a": anything(random), "l": [{"x": 1}, {"x": 2}], "k": {"q": [1, 2]}},
        "pp": [[pick(WORDS), anything(random, 1)] for _ in range(random.randint(0, 3))],
    }
