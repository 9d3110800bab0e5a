"""What random_projects.py compares: a small project out of many features at once, for a seed.

`project_of` writes one, `changed` edits it a little as a person would, `mistake` puts a slip into it,
`selections` makes arguments of `ls` out of what its manifest holds. What settings, tags, texts and
scalars there are stands at the head, and in the tables of `Maker.setting`: a new setting is a row there.
"""

import json
import os
import random
import re

# ---------------------------------------------------------------- words and pools

WORDS = (
    "order item price quote trade fund desk risk book flow pnl fee rate curve spot lot cash leg "
    "swap bond index venue tick fill"
).split()
TAGS = ["daily", "nightly", "pii", "core", "a b", "Ünicode", "x.y", "1", "+t", "tag-1"]
TEXTS = [
    "plain words",
    'it\'s "quoted"',
    "Größe – naïve 世界",
    "with: colon # and hash",
    "100% sure",
    "",
    "two\nlines",
    "trailing space ",
    "tab\tinside",
    "{{ doc('intro') }}",
    "see {{ doc('intro') }}, then",
    "{% raw %}{{ raw }}{% endraw %}",
    "a {# comment #} b",
    "1",
    "null",
    "yes",
]
SCALARS = [
    1,
    0,
    -3,
    2.5,
    1e6,
    True,
    False,
    None,
    "text",
    "",
    "1",
    "true",
    "2024-01-31",
    "a'b",
    "ключ",
    "1_000",
    "0o17",
    "~",
    "on",
    "[1, 2]",
    "{a: 1}",
    "{{ 1 + 1 }}",
    "{{ var('v_text') }}",
    "{{ target.name }}",
    "{{ env_var('RANDOM_ENV', 'fallback') }}",
    "{{ var('v_list') }}",
    "{{ var('v_none', 'dflt') }}",
    "a{{ 'b' }}c",
    "{{ var('v_dict') }}",
    "{{ 'True' }}",
    "{{ '007' }}",
]
COLUMN_TYPES = ["integer", "text", "numeric(10,2)", "timestamp", "boolean", "varchar(20)"]


class Raw(str):
    """Text that goes into YAML as it stands."""


RAW_SCALARS = [
    Raw(x)
    for x in (
        "yes",
        "0o17",
        "010",
        "1_000",
        "~",
        "!!str 5",
        "1e3",
        "0x1F",
        "12:30:45",
        "'it''s'",
        '"a\\tb"',
        "1.",
        "+1",
        "Off",
        "Null",
        "'{{ 3 }}'",
        ".5",
        "1.5e+3",
        "NO",
        '"\\u00e9"',
    )
]


class Yaml:
    """Writes values as YAML, in one of many styles."""

    def __init__(self, rnd):
        self.rnd = rnd
        self.anchors = 0

    def scalar(self, value):
        if isinstance(value, Raw):
            return value
        if value is None:
            return self.rnd.choice(["null", "~", "null"])
        if isinstance(value, bool):
            return self.rnd.choice(["true", "True"] if value else ["false", "False"])
        if isinstance(value, (int, float)):
            return repr(value)
        plain = (
            re.fullmatch(r"[A-Za-z_][\w ./()'-]*[\w)]", value)
            and ": " not in value
            and " #" not in value
            and not re.fullmatch(r"(?i)y|n|yes|no|on|off|true|false|null|nan", value)
        )
        if plain and self.rnd.random() < 0.8:
            return value
        if "\n" in value or "\t" in value or not value.isprintable() or self.rnd.random() < 0.5:
            return json.dumps(value, ensure_ascii=self.rnd.random() < 0.1)
        return "'" + value.replace("'", "''") + "'"

    def flow(self, value):
        if isinstance(value, dict):
            return "{" + ", ".join(f"{self.key(k)}: {self.flow(v)}" for k, v in value.items()) + "}"
        if isinstance(value, (list, tuple)):
            return "[" + ", ".join(self.flow(v) for v in value) + "]"
        text = self.scalar(value)
        if isinstance(value, Raw) or not re.search(r"[,\[\]{}]", text) or text[:1] in "\"'":
            return text
        return json.dumps(value, ensure_ascii=False)

    def key(self, key):
        if isinstance(key, Raw):
            return key
        return (
            key
            if isinstance(key, str)
            and re.fullmatch(r"\+?[A-Za-z_][\w.+-]*", key)
            and key.lower() not in ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
            else self.scalar(key)
        )

    def block(self, value, depth=0):
        """Lines of `value`, indented by `depth`."""
        pad = "  " * depth
        if isinstance(value, dict) and value:
            out = []
            for k, v in value.items():
                out += self.entry(f"{pad}{self.key(k)}:", v, depth)
            return out
        if isinstance(value, (list, tuple)) and value:
            out = []
            for v in value:
                if isinstance(v, dict) and v and self.rnd.random() < 0.9 and not self.small(v):
                    lines = self.block(v, depth + 1)
                    out += [pad + "- " + lines[0].lstrip(" "), *lines[1:]]
                else:
                    out.append(pad + "- " + self.flow(v))
            return out
        return [pad + self.flow(value)]

    def small(self, value):
        return len(json.dumps(value, default=str)) < 60 and self.rnd.random() < 0.4

    def entry(self, head, value, depth):
        rnd = self.rnd
        if isinstance(value, (dict, list)) and value and not self.small(value):
            comment = "  # note" if rnd.random() < 0.05 else ""
            same = isinstance(value, list) and rnd.random() < 0.2
            return [head + comment, *self.block(value, depth + (0 if same else 1))]
        if (
            isinstance(value, str)
            and not isinstance(value, Raw)
            and "\n" in value
            and value.strip()
            and rnd.random() < 0.7
        ):
            style = rnd.choice(["|", "|-", ">", ">-", "|+"])
            pad = "  " * (depth + 1)
            return [f"{head} {style}", *(pad + x if x else "" for x in value.split("\n"))]
        return [f"{head} {self.flow(value)}"]

    def text(self, value):
        lines = self.block(value)
        if self.rnd.random() < 0.05:
            lines.insert(0, "---")
        if self.rnd.random() < 0.1:
            lines.insert(self.rnd.randrange(len(lines)), "")
        return "\n".join(lines) + self.rnd.choice(["\n", "\n", "", "\n\n"])


# ---------------------------------------------------------------- the generator


class Maker:
    """One package: its files, and what in it can be referred to."""

    def __init__(self, rnd, name, root=None):
        self.rnd, self.name = rnd, name
        self.root = root
        self.files = {}
        self.yaml = Yaml(rnd)
        self.models, self.sources, self.seeds, self.snapshots = [], [], [], []
        self.macros, self.docs, self.groups, self.metrics = [], [], [], []
        self.used = set()
        self.packages = []
        self.tests = []
        self.properties = []  # (folder, key, entry)
        self.singular = []
        self.functions = []

    # -- small helps

    def chance(self, p):
        return self.rnd.random() < p

    def pick(self, xs):
        return self.rnd.choice(xs)

    def some(self, xs, most=3, least=0):
        xs = list(xs)
        return self.rnd.sample(xs, min(len(xs), self.rnd.randint(least, most)))

    def fresh(self, prefix="", sep="_"):
        while True:
            n = prefix + sep.join(self.some(WORDS, 2, 1))
            if self.chance(0.05):
                n = n.capitalize()
            if self.chance(0.03):
                n += "_" + "long" * 14
            if n.lower() not in self.used:
                self.used.add(n.lower())
                return n

    def text(self):
        return self.pick(TEXTS)

    def value(self, depth=0):
        r = self.rnd.random()
        if r < 0.12 and depth < 2:
            return [self.value(depth + 1) for _ in range(self.rnd.randint(0, 3))]
        if r < 0.24 and depth < 2:
            return {self.key(): self.value(depth + 1) for _ in range(self.rnd.randint(0, 3))}
        if r < 0.35:
            return self.pick(RAW_SCALARS)
        return self.pick(SCALARS)

    def key(self):
        return self.pick(["owner", "k1", "k2", "deep", "Größe", "a-b", "with space", "x.y", "list"])

    def meta(self):
        return {self.key(): self.value() for _ in range(self.rnd.randint(1, 3))}

    def tags(self):
        return self.pick(
            [
                self.pick(TAGS),
                self.some(TAGS, 3, 1),
                [self.pick(TAGS)] * 2,
                [],
                ["{{ var('v_text') }}"],
                "{{ var('v_text') }}",
            ]
        )

    def tag_list(self):
        while not isinstance(tags := self.tags(), list):
            pass
        return tags

    def hooks(self):
        one = lambda: self.pick(
            [  # noqa: E731
                "select 1",
                "select '{{ this.name }}'",
                {"sql": "select {{ 1 + 1 }}", "transaction": self.chance(0.5)},
                {"sql": "select 3"},
                "{{ log('hook') }}",
                "select '{{ var(\"v_text\") }}'",
                "{% if is_incremental() %}select 4{% endif %}",
            ]
        )
        return self.pick([one(), [one() for _ in range(self.rnd.randint(0, 3))]])

    def grants(self):
        who = lambda: self.pick(
            ["postgres", ["postgres"], ["postgres", "{{ target.user }}"], [], "{{ target.user }}"]
        )  # noqa: E731
        return {
            self.pick(["select", "+select", "insert", "+insert"]): who()
            for _ in range(self.rnd.randint(1, 2))
        }

    # -- settings: name → how its values look

    def setting(self, kind, where):
        """A setting of a resource of `kind`, as (key, value)."""
        common = {"tags": self.tags, "meta": self.meta, "enabled": lambda: self.chance(0.93)}
        node = common | {
            "alias": lambda: self.fresh("al_"),
            "schema": lambda: self.pick(["mart", "Stage", "{{ target.name }}_x", " padded "]),
            "docs": lambda: self.pick(
                [{"show": False}, {"node_color": "red"}, {"show": True, "node_color": "#aabbcc"}]
            ),
            "persist_docs": lambda: self.pick(
                [{"relation": True}, {"columns": True}, {"relation": True, "columns": False}]
            ),
            "grants": self.grants,
            "quoting": lambda: self.pick(
                [{"identifier": False}, {"schema": True, "database": False}, {"identifier": True}]
            ),
            "custom_key": self.value,
            "event_time": lambda: self.pick(["c_ts", "ts"]),
            "full_refresh": lambda: self.pick([True, False, None]),
            "pre-hook": self.hooks,
            "post-hook": self.hooks,
            "pre_hook": self.hooks,
            "post_hook": self.hooks,
            "packages": lambda: self.pick(["x", ["x", "y"]]),
            "column_types": lambda: {"id": "bigint"},
            "unique_key": lambda: self.pick(["id", ["id", "name"], "{{ 'id' }}"]),
        }
        if self.groups:
            node["group"] = lambda: self.pick(self.groups)
        model = node | {
            "materialized": lambda: self.pick(
                [
                    "view",
                    "table",
                    "incremental",
                    "ephemeral",
                    "view",
                    "table",
                    "materialized_view",
                    "{{ var('v_mat') }}",
                ]
            ),
            "incremental_strategy": lambda: self.pick(["append", "delete+insert", "merge"]),
            "on_schema_change": lambda: self.pick(
                ["ignore", "fail", "append_new_columns", "sync_all_columns"]
            ),
            "on_configuration_change": lambda: self.pick(["apply", "continue", "fail"]),
            "indexes": lambda: [{"columns": ["id"], "unique": True}, {"columns": ["name"], "type": "hash"}][
                : self.rnd.randint(1, 2)
            ],
            "sql_header": lambda: "set x = 1;",
            "lookback": lambda: self.pick([1, 3, "2"]),
            "access": lambda: self.pick(["public", "protected", "protected"]),
            "freshness": lambda: {
                "build_after": {"count": 1, "period": "day", "updates_on": self.pick(["any", "all"])}
            },
            "incremental_predicates": lambda: ["id > 1"],
            "merge_exclude_columns": lambda: ["name"],
            "unlogged": lambda: True,
            "static_analysis": lambda: self.pick(["off", "strict"]),
            "concurrent_batches": lambda: self.pick([True, None]),
        }
        seed = node | {
            "quote_columns": lambda: self.pick([True, False, None]),
            "delimiter": lambda: ",",
            "column_types": lambda: {"id": "bigint", "name": self.pick(["text", "varchar(10)"])},
        }
        snapshot = node | {
            "updated_at": lambda: "ts",
            "invalidate_hard_deletes": lambda: True,
            "target_schema": lambda: "snaps",
            "dbt_valid_to_current": lambda: "to_date('9999-12-31', 'YYYY-MM-DD')",
            "snapshot_meta_column_names": lambda: {"dbt_valid_from": "von", "dbt_scd_id": "sid"},
            "check_cols": lambda: self.pick(["all", ["name"]]),
        }
        test = common | {
            "severity": lambda: self.pick(["warn", "error", "WARN", "Error"]),
            "where": lambda: self.pick(["id > 1", "{{ var('v_text') }} is null", "1=1"]),
            "limit": lambda: self.pick([10, None]),
            "error_if": lambda: self.pick([">10", "!= 0", ">= {{ 3 }}"]),
            "warn_if": lambda: self.pick([">1", "=0"]),
            "fail_calc": lambda: self.pick(["count(*)", "max(id)"]),
            "store_failures": lambda: self.pick([True, False]),
            "store_failures_as": lambda: self.pick(["table", "view", "ephemeral"]),
            "schema": lambda: "test_failures",
            "alias": lambda: self.fresh("ta_"),
            "custom_key": self.value,
        }
        source = common | {
            "event_time": lambda: "ts",
            "loaded_at_field": lambda: "loaded",
            "custom_key": self.value,
            "freshness": self.freshness,
        }
        pools = {
            "models": model,
            "seeds": seed,
            "snapshots": snapshot,
            "data_tests": test,
            "tests": test,
            "sources": source,
            "exposures": common,
            "unit_tests": common,
            "analyses": node,
            "functions": node,
            "metrics": {
                "enabled": common["enabled"],
                "meta": self.meta,
                "group": (lambda: self.pick(self.groups)) if self.groups else lambda: None,
            },
            "semantic-models": {"enabled": common["enabled"], "meta": self.meta},
            "saved-queries": {"enabled": common["enabled"], "meta": self.meta, "tags": self.tags},
        }
        pool = pools[kind]
        weights = {"tags": 3, "meta": 3, "materialized": 2}
        names = list(pool)
        name = self.rnd.choices(names, [weights.get(n, 1) for n in names])[0]
        return name, pool[name]()

    def settings(self, kind, where, most=3, least=0):
        out = {}
        for _ in range(self.rnd.randint(least, most)):
            k, v = self.setting(kind, where)
            if k == "alias" and where in ("project",):
                continue
            if where == "yaml" and k.endswith("-hook"):
                k = k.replace("-", "_")
            if where == "sql" and "-" in k:
                k = k.replace("-", "_")
            if (
                ("pre_hook" in out and k == "pre-hook")
                or ("pre-hook" in out and k == "pre_hook")
                or ("post_hook" in out and k == "post-hook")
                or ("post-hook" in out and k == "post_hook")
            ):
                continue
            if k.lstrip("+") in {x.lstrip("+") for x in out}:
                continue
            out[k] = v
        if "store_failures" in out and "store_failures_as" in out and self.chance(0.5):
            del out["store_failures"]
        return out

    def freshness(self):
        t = lambda: {
            "count": self.rnd.randint(1, 30),
            "period": self.pick(["minute", "hour", "day"]),
        }  # noqa: E731
        return self.pick(
            [
                None,
                {"warn_after": t()},
                {"error_after": t()},
                {"warn_after": t(), "error_after": t()},
                {"warn_after": t(), "filter": "id > 0"},
                {"warn_after": None, "error_after": t()},
                {"filter": "x = 1"},
                {},
            ]
        )

    # -- templates

    def literal(self, value):
        """A value as a Jinja expression."""
        if isinstance(value, Raw):
            return repr(str(value))
        if isinstance(value, dict):
            return "{" + ", ".join(f"{self.literal(k)}: {self.literal(v)}" for k, v in value.items()) + "}"
        if isinstance(value, (list, tuple)):
            return "[" + ", ".join(self.literal(v) for v in value) + "]"
        if isinstance(value, str):
            m = re.fullmatch(r"\{\{ (.*) \}\}", value)
            if m and self.chance(0.8):
                return m[1]
            return repr(value)
        if value is True or value is False:
            return self.pick([str(value), str(value).lower()])
        if value is None:
            return self.pick(["none", "None"])
        return repr(value)

    def dynamic(self, text):
        return self.pick(
            [
                lambda: text,
                lambda: text,
                lambda: text,
                lambda: f"({text} if target.name == 'dev' else none)",
                lambda: f"var('not_there', {text})",
                lambda: f"({text})",
                lambda: f"{text} if execute else {text}",
            ]
        )()

    def config_call(self, settings):
        if not settings:
            return ""
        args = []
        extra = {}
        for k, v in settings.items():
            if k.isidentifier() and not k.startswith("+"):
                args.append(f"{k}{self.pick(['=', ' = '])}{self.dynamic(self.literal(v))}")
            else:
                extra[k] = v
        if extra and self.chance(0.5):
            args.append("**" + self.literal(extra))
        sep = self.pick([", ", ",\n    ", " ,"])
        inner = sep.join(args)
        if self.chance(0.08) and settings:
            inner = self.literal(settings)
        inner = self.pick([inner, "\n    " + inner + "\n"])
        open_, close = self.pick(
            [
                ("{{ ", " }}"),
                ("{{- ", " -}}"),
                ("{{", "}}"),
                ("{{  ", "  }}"),
                ("{% do ", " %}"),
                ("{% set _ = ", " %}"),
            ]
        )
        call = f"{open_}config({inner}){close}"
        r = self.rnd.random()
        if r < 0.08:
            call = "{% if target.name == 'dev' %}" + call + "{% else %}{{ config(tags='never') }}{% endif %}"
        elif r < 0.12:
            call = call + self.config_call(self.settings("models", "sql", 2, 1))
        elif r < 0.15:
            call = "{# {{ config(tags='commented') }} #}" + call
        elif r < 0.18:
            call = "-- {{ config(tags='in_sql_comment') }}\n" + call
        return call + self.pick(["\n", "\n\n", " "])

    def ref_call(self, target=None, allowed=None):
        """A call of ref or source, and the columns behind it."""
        choices = []
        for m in self.models:
            if not m.get("private") and (allowed is None or m in allowed):
                choices.append(m)
        choices += self.seeds + self.snapshots
        if self.root is None:
            for p in self.packages:
                choices += [dict(m, package=p.name) for m in p.models + p.seeds if not m.get("private")]
        if self.sources and (not choices or self.chance(0.35)):
            s = self.pick(self.sources)
            q = self.pick(["'", '"'])
            return f"source({q}{s[0]}{q}, {q}{s[1]}{q})"
        if not choices:
            return None
        m = self.pick(choices)
        q = self.pick(["'", '"'])
        pack = (
            f"{q}{m['package']}{q}, "
            if m.get("package") and self.chance(0.7)
            else (f"{q}{self.name}{q}, " if not m.get("package") and self.chance(0.15) else "")
        )
        version = ""
        if m.get("versions"):
            v = self.pick(m["versions"])
            version = self.pick(
                ["", ", v={}", ", version={}", ", v='{}'" if not isinstance(v, str) else ", v={}"]
            ).format(repr(v) if isinstance(v, str) else v)
        return f"ref({pack}{q}{m['name']}{q}{version})"

    def body(self, columns=None):
        """SQL that selects the columns id, name, ts from one or two relations."""
        calls = [c for c in (self.ref_call() for _ in range(self.rnd.randint(0, 2))) if c]
        gap = lambda: self.pick(["{{ ", "{{"])  # noqa: E731
        shown = []
        for c in calls:
            g = gap()
            shown.append(g + c + (" }}" if g == "{{ " else "}}"))
        head = ""
        r = self.rnd.random()
        if r < 0.1:
            head = "{% set cols = ['id', 'name', 'ts'] %}\n"
            sel = "{% for c in cols %}{{ c }}{% if not loop.last %}, {% endif %}{% endfor %}"
        elif r < 0.2:
            sel = "id, {# a\n comment #}name, ts"
        elif r < 0.25:
            sel = "id, '{% raw %}{{ raw }}{% endraw %}' as name, ts"
        elif r < 0.35 and self.macros:
            sel = "{{ " + self.macro_call() + " }} as id, name, ts"
        elif r < 0.4:
            sel = "id,\r\n  name,\tts"
        elif r < 0.45:
            sel = (
                "{%- for c in ['id', 'name', 'ts'] -%}\n  {{ ',' if not loop.first }} {{ c }}\n{%- endfor %}"
            )
        elif r < 0.5:
            sel = "id, '{{ this.schema }}.{{ this.identifier }}' as name, ts"
        elif r < 0.55:
            sel = "id, '{{ var('v_text') }} {{ model.name }} {{ model.alias }}' as name, ts"
        elif r < 0.6:
            sel = "id, '{{ config.get('materialized') }} {{ config.get('custom_key', 'dflt') | replace(\"'\", '') }}' as name, ts"
        elif r < 0.64:
            sel = "id, '{{ target.schema }}-{{ invocation_args_dict is defined }}-{{ execute }}' as name, ts -- ünïcode ✓"
        else:
            sel = "id, name, ts"
        if not shown:
            frm = "(select 1 as id, 'x'::text as name, now()::timestamp as ts) as b"
        elif len(shown) == 1:
            frm = shown[0] + " as b"
        else:
            frm = f"(select id, name, ts from {shown[0]} union all select id, name, ts from {shown[1]}) as b"
        tail = ""
        if self.chance(0.15):
            tail = "\n{% if is_incremental() %}where id > (select max(id) from {{ this }}){% endif %}"
        if self.chance(0.08):
            tail += "\n-- depends_on: " + (shown[0] if shown else "nothing")
        sql = head + f"select {sel}\nfrom {frm}{tail}"
        if self.chance(0.06):
            sql = "with w as (" + sql + "\n)\nselect * from w"
        if self.chance(0.04):
            sql = "{% set keep %}" + sql + "{% endset %}{{ keep }}"
        if self.chance(0.04):
            sql = "{%- call statement('st', fetch_result=false) -%}select 1{%- endcall -%}" + sql
        return sql

    def macro_call(self):
        m = self.pick(self.macros)
        name, pack = m["name"], m.get("package")
        args = ", ".join(self.pick(["1", "'id'", "2"]) for _ in range(m["args"]))
        call = f"{name}({args})"
        return (
            f"{pack}.{call}"
            if pack or self.chance(0.0)
            else (f"{self.name}.{call}" if self.chance(0.2) else call)
        )

    # -- resources

    def folder(self, base):
        return "/".join(
            [base, *self.some(["staging", "marts", "deep", "x y", "v2.0"], 3 if self.chance(0.3) else 1)]
        )

    def column(self, tests=True, types=False):
        c = {"name": self.pick(["id", "name", "ts", "id", "name"])}
        if self.chance(0.05):
            c["name"] = self.pick(["Mixed Case", "größe", "ID"])
            c["quote"] = True
            tests = False
        if self.chance(0.4):
            c["description"] = self.text()
        if self.chance(0.2):
            c["meta"] = self.meta()
        if self.chance(0.2):
            c["tags"] = self.tag_list()
        if self.chance(0.2):
            c["config"] = {
                k: v for k, v in (("meta", self.meta()), ("tags", self.tags())) if self.chance(0.6)
            }
        if self.chance(0.3) or types:
            c["data_type"] = self.pick(COLUMN_TYPES)
        if self.chance(0.1):
            c["quote"] = self.chance(0.5)
        if self.chance(0.15):
            c["constraints"] = [
                {"type": "not_null"},
                {"type": "check", "expression": "id > 0", "name": "chk"},
                {"type": "unique", "warn_unsupported": False},
            ][: self.rnd.randint(1, 3)]
        if tests and self.chance(0.5):
            c[self.pick(["data_tests", "tests", "data_tests"])] = self.test_list(True)
        if self.chance(0.05):
            c["granularity"] = "day"
        if self.chance(0.04):
            c["policy_tags"] = ["x"]
        return c

    def columns(self, **more):
        out, seen = [], set()
        for _ in range(self.rnd.randint(0, 3)):
            c = self.column(**more)
            if c["name"] not in seen or self.chance(0.03):
                seen.add(c["name"])
                out.append(c)
        return out

    def test_list(self, on_column):
        """Entries of generic tests, none twice."""
        out, seen = [], set()
        for _ in range(self.rnd.randint(1, 2)):
            t = self.test(on_column)
            k = json.dumps(t, default=str)
            k = next(
                (
                    w
                    for w in (
                        "not_null",
                        "unique",
                        "accepted_values",
                        "relationships",
                        *(x["name"] for x in self.tests),
                    )
                    if w in k
                ),
                k,
            )
            if k not in seen:
                seen.add(k)
                out.append(t)
        return out

    def test(self, on_column):
        """One generic test's entry."""
        kinds = ["not_null", "unique", "accepted_values", "relationships"] + [t for t in self.tests]
        kind = self.pick(kinds)
        args = {}
        if kind == "accepted_values":
            args["values"] = self.pick([["a", "b"], [1, 2], ["{{ var('v_text') }}"], ["it's", "x" * 70]])
            if self.chance(0.2):
                args["quote"] = False
        elif kind == "relationships":
            to = self.ref_call()
            if not to:
                kind = "not_null"
            else:
                args = {"to": to, "field": "id"}
        elif isinstance(kind, dict):
            args = {
                a: self.pick([1, "abc", [1, "x"], {"k": 1}, "{{ var('v_text') }}", True, None])
                for a in kind["args"]
                if self.chance(0.8)
            }
            kind = (
                kind["package"] + "."
                if kind.get("package")
                else (self.name + "." if self.chance(0.15) else "")
            ) + kind["name"]
        if not on_column and self.chance(0.9):
            if self.chance(0.7):
                args["column_name"] = self.pick(["id", "name", '"id"'])
        body = {}
        if args:
            where = self.pick(["arguments", "old", "arguments"])
            if where == "arguments":
                colname = args.pop("column_name", None) if self.chance(0.5) else None
                body["arguments"] = args
                if colname:
                    body["column_name"] = colname
            else:
                body.update(args)
        if self.chance(0.15):
            body["name"] = self.fresh("named_")
        if self.chance(0.15):
            body["description"] = self.text()
        if self.chance(0.3):
            body["config"] = self.settings("data_tests", "yaml", 3, 1)
        if self.chance(0.15):
            for k, v in self.settings("data_tests", "yaml", 2, 1).items():
                if k not in body.get("config", {}) and k != "custom_key":
                    body[k] = v
        if not body:
            return self.pick([kind, kind, kind, {kind: {}}])
        r = self.rnd.random()
        if r < 0.15 and "name" not in body and len(body) > 1:
            return {"test_name": kind, **body}
        if r < 0.2 and "name" in body:
            return {"name": body.pop("name"), "test_name": kind, **body}
        return {kind: body}

    def resource_entry(self, kind, name, tests=True):
        e = {"name": name}
        if self.chance(0.5):
            e["description"] = self.text()
        if self.chance(0.4):
            e["config"] = self.settings(kind, "yaml", 4, 1)
        if self.chance(0.1) and "meta" not in e.get("config", {}):
            e["meta"] = self.meta()
        if self.chance(0.1) and "docs" not in e.get("config", {}):
            e["docs"] = self.pick([{"show": False}, {"node_color": "blue"}])
        if self.chance(0.4):
            e["columns"] = self.columns(tests=tests)
            if self.chance(0.05):
                e["columns"] = []
        if tests and self.chance(0.3):
            e[self.pick(["data_tests", "tests"])] = self.test_list(False)
        return e

    def describe(self, key, entry, folder):
        self.properties.append((folder, key, entry))

    def make_model(self):
        folder = self.folder("models")
        name = self.fresh(self.pick(["stg_", "fct_", "dim_", ""]))
        versions = (
            self.pick([[1], [1, 2], [1, 2, 3], ["a", "b"], [1, 1.5], [2, 10]]) if self.chance(0.12) else None
        )
        m = {"name": name}
        made = []
        for v in versions or [None]:
            settings = self.settings("models", "sql", 4)
            if versions:
                settings.pop("alias", None)
            sql = self.config_call(settings) if self.chance(0.6) else ""
            body = self.body()
            text = sql + body
            if self.chance(0.05):
                text = "\n\n  " + text + "  \n\n"
            made.append((v, text))
        entry = self.resource_entry("models", name) if versions or self.chance(0.6) else None
        ext = "sql" if self.chance(0.97) else "SQL"
        for v, text in made:
            if v is None:
                self.put(f"{folder}/{name}.{ext}", text)
            elif v == versions[-1] and self.chance(0.3) and not any(isinstance(x, float) for x in versions):
                self.put(f"{folder}/{name}.sql", text)
            else:
                self.put(f"{folder}/{name}_v{v}.sql", text)
        if entry is not None:
            entry.get("config", {}).pop("alias", None) if versions else None
            if self.chance(0.15) and "access" not in entry.get("config", {}):
                entry["access"] = self.pick(["public", "protected"])
            if self.groups and self.chance(0.1) and "group" not in entry.get("config", {}):
                entry["group"] = self.pick(self.groups)
                if self.chance(0.3) and "access" not in entry and "access" not in entry.get("config", {}):
                    entry["access"] = "private"
                    m["private"] = True
            if self.chance(0.06):
                entry["deprecation_date"] = self.pick(
                    [
                        Raw("2020-01-01"),
                        Raw("2099-01-01"),
                        "2030-05-05",
                        Raw("2020-01-01 10:00:00"),
                        Raw("2020-01-01T10:00:00+02:00"),
                    ]
                )
            if self.chance(0.06):
                entry["constraints"] = [{"type": "primary_key", "columns": ["id"]}]
                if self.chance(0.3):
                    to = self.ref_call()
                    if to:
                        entry["constraints"].append(
                            {"type": "foreign_key", "columns": ["id"], "to": to, "to_columns": ["id"]}
                        )
            if self.chance(0.06) and not versions:
                entry.setdefault("config", {})["contract"] = {"enforced": True}
                entry["config"]["materialized"] = "table"
                entry["columns"] = [
                    dict(self.column(types=True, tests=True), name=n, data_type=t)
                    for n, t in (("id", "integer"), ("name", "text"), ("ts", "timestamp"))
                ]
            if versions:
                entry["versions"] = []
                for v in versions:
                    ve = {"v": v}
                    if self.chance(0.3):
                        ve["description"] = self.pick([t for t in TEXTS if "doc(" not in t])
                    if self.chance(0.3):
                        ve["config"] = self.settings("models", "yaml", 3, 1)
                        if self.chance(0.7):
                            ve["config"].pop("alias", None)
                    if self.chance(0.3):
                        ve["columns"] = self.columns()
                        if self.chance(0.7) or not ve["columns"]:
                            ve["columns"].insert(
                                self.rnd.randint(0, len(ve["columns"])),
                                self.pick(
                                    [
                                        {"include": "all"},
                                        {"include": "*"},
                                        {"include": "all", "exclude": ["name"]},
                                        {"include": ["id"]},
                                    ]
                                ),
                            )
                    if self.chance(0.15):
                        ve["data_tests"] = [self.test(False)] if self.chance(0.6) else []
                    if self.chance(0.1):
                        ve["access"] = self.pick(["public", "protected"])
                    if self.chance(0.1):
                        ve["docs"] = {"show": False}
                    if self.chance(0.1):
                        ve["deprecation_date"] = Raw("2099-12-31")
                    if self.chance(0.1):
                        ve["constraints"] = [{"type": "unique", "columns": ["id"]}]
                    if self.chance(0.15) and f"{folder}/{name}_v{v}.sql" in self.files:
                        stem = self.fresh("file_")
                        self.files[f"{folder}/{stem}.sql"] = self.files.pop(f"{folder}/{name}_v{v}.sql")
                        ve["defined_in"] = stem + self.pick(["", "", ".sql"][:2])
                    entry["versions"].append(ve)
                if self.chance(0.4):
                    plain = f"{folder}/{name}.sql" in self.files
                    entry["latest_version"] = versions[-1] if plain else self.pick(versions)
                m["versions"] = versions
            self.describe("models", entry, folder)
        self.models.append(m)

    def put(self, path, text):
        if self.chance(0.03):
            text = text.replace("\r\n", "\n").replace("\n", "\r\n")
        self.files[path] = text

    def make_python_model(self):
        name = self.fresh("py_")
        self.files[f"models/{name}.py"] = (
            "import pandas as pd\n\n\ndef helper(x):\n    return x\n\n\ndef model(dbt, session):\n"
            f"    dbt.config(materialized='table', tags=['py'], custom={self.pick([1, [1, 2]])!r})\n"
            + (
                f"    df = dbt.ref('{self.models[0]['name']}')\n"
                if self.models and not self.models[0].get("private")
                else ""
            )
            + "    x = dbt.config.get('custom')\n    return df\n"
        )

    def make_source(self):
        name = self.fresh("src_")
        e = {"name": name}
        self.source_level(e)
        if self.chance(0.4):
            e["database"] = self.pick(["{{ target.dbname }}", "{{ target.database }}"])
        if self.chance(0.4):
            e["schema"] = self.pick(["raw", "{{ target.schema }}", "Raw Zone", "{{ var('v_text') }}_s"])
        e["tables"] = []
        for _ in range(self.rnd.randint(0 if self.chance(0.1) else 1, 3)):
            t = {"name": self.fresh("t_")}
            self.source_level(t)
            if self.chance(0.3):
                t["identifier"] = self.pick(["Real Name", "real_{{ target.name }}", "tbl"])
            if self.chance(0.4):
                t["columns"] = self.columns()
            if self.chance(0.3):
                t[self.pick(["data_tests", "tests"])] = [self.test(False)]
            if self.chance(0.08):
                t["external"] = {
                    "location": "s3://x",
                    "file_format": "csv",
                    "partitions": [{"name": "d", "data_type": "date", "description": "x", "meta": {"a": 1}}],
                    "extra": self.value(),
                }
            e["tables"].append(t)
            if t.get("config", {}).get("enabled", True) and e.get("config", {}).get("enabled", True):
                self.sources.append((name, t["name"]))
        self.describe("sources", e, self.folder("models"))

    def source_level(self, e):
        if self.chance(0.4):
            e["description"] = self.text()
        if self.chance(0.25):
            e["meta"] = self.meta()
        if self.chance(0.25):
            e["tags"] = self.tag_list()
        if self.chance(0.3):
            e["config"] = self.settings("sources", "yaml", 3, 1)
        if self.chance(0.2) and "freshness" not in e.get("config", {}):
            e["freshness"] = self.freshness()
        if self.chance(0.15) and "loaded_at_field" not in e.get("config", {}):
            e["loaded_at_field"] = self.pick(["loaded_at", "cast(x as timestamp)", None, "{{ 'loaded' }}"])
        elif self.chance(0.06) and "loaded_at_field" not in e.get("config", {}):
            e["loaded_at_query"] = "select max(ts) from {{ this }}"
        if self.chance(0.15):
            e["quoting"] = self.pick(
                [{"identifier": False}, {"schema": False, "database": True}, {"column": True}, {}]
            )
        if self.chance(0.15):
            e["loader"] = self.pick(["airbyte", "", "x"])

    def make_seed(self):
        name = self.fresh("seed_")
        folder = self.folder("seeds")
        cells = ["a", "ü", "", "null", '"q,"']
        rows = "".join(f"{i},{self.pick(cells)},2024-01-0{i}\n" for i in range(1, self.rnd.randint(2, 4)))
        bom = "\ufeff" if self.chance(0.1) else ""
        self.put(f"{folder}/{name}.csv", bom + "id,name,ts\n" + rows)
        self.seeds.append({"name": name})
        if self.chance(0.5):
            e = self.resource_entry("seeds", name)
            if self.chance(0.1):
                e["quote_columns"] = True
            self.describe("seeds", e, folder)

    def make_snapshot(self):
        name = self.fresh("snap_")
        base = {
            "unique_key": self.pick(["id", ["id", "name"]]),
            "strategy": self.pick(["check", "timestamp"]),
        }
        base["check_cols" if base["strategy"] == "check" else "updated_at"] = (
            self.pick(["all", ["name"]]) if base["strategy"] == "check" else "ts"
        )
        more = {
            k: v
            for k, v in self.settings("snapshots", "sql", 3).items()
            if k not in base and k not in ("updated_at", "check_cols")
        }
        target = self.ref_call()
        if self.chance(0.6) or not target:
            folder = self.folder("snapshots")
            cfg = {**base, **more}
            body = "select * from " + (
                "{{ " + target + " }}" if target else "(select 1 as id, 'x' as name, now() as ts) b"
            )
            text = "{% snapshot " + name + " %}\n" + self.config_call(cfg) + body + "\n{% endsnapshot %}\n"
            if self.chance(0.2):
                other = self.fresh("snap_")
                text += (
                    "\n{% snapshot "
                    + other
                    + " -%}\n{{ config(unique_key='id', strategy='check', check_cols=['id']) }}\nselect 1 as id\n{%- endsnapshot %}"
                )
            self.put(f"{folder}/{self.fresh('file_')}.sql", text)
            if self.chance(0.5):
                e = self.resource_entry("snapshots", name)
                self.describe("snapshots", e, folder)
        else:
            e = self.resource_entry("snapshots", name)
            e["relation"] = target
            e["config"] = {
                **{
                    k: v
                    for k, v in self.settings("snapshots", "yaml", 2).items()
                    if k not in ("updated_at", "check_cols")
                },
                **base,
            }
            self.describe("snapshots", e, self.folder("snapshots"))
        self.snapshots.append({"name": name})

    def make_analysis(self):
        name = self.fresh("an_")
        self.put(
            f"{self.folder('analyses')}/{name}.sql",
            self.config_call(self.settings("analyses", "sql", 2)) + self.body(),
        )
        if self.chance(0.4):
            e = self.resource_entry("analyses", name, tests=False)
            self.describe("analyses", e, "analyses")

    def make_singular(self):
        name = self.fresh("assert_")
        target = self.ref_call()
        text = (
            self.config_call(self.settings("data_tests", "sql", 3))
            + f"select 1 as id {'from {{ ' + target + ' }}' if target else ''} where 1 = 0"
        )
        if self.chance(0.3):
            text += "\n{{ config(severity='warn') }}"
        self.put(f"{self.folder('tests')}/{name}.sql", text)
        if self.chance(0.5):
            e = {"name": name, "description": self.text()}
            if self.chance(0.6):
                e["config"] = self.settings("data_tests", "yaml", 2, 1)
            if self.chance(0.2) and "meta" not in e.get("config", {}):
                e["meta"] = self.meta()
            self.describe("data_tests", e, "tests")

    def make_generic(self):
        name = self.fresh("is_")
        args = self.some(["low", "high", "opts"], 2)
        params = ", ".join(
            [
                "model",
                *(["column_name"] if self.chance(0.8) else ["column_name=none"]),
                *(f"{a}={self.pick(['none', '1', repr('x')])}" for a in args),
            ]
        )
        word = "test"
        cfg = self.config_call(self.settings("data_tests", "sql", 2)) if self.chance(0.3) else ""
        text = (
            "{% "
            + word
            + " "
            + name
            + "("
            + params
            + ") %}\n"
            + cfg
            + "select * from {{ model }} where {{ column_name or 1 }} is null"
            + "".join(" -- {{ " + a + " }}" for a in args)
            + "\n{% end"
            + self.pick(["test"]).replace("test", word if word == "test" else "data_test")
            + " %}\n"
        )
        self.put(f"{self.pick(['macros', 'tests/generic'])}/{name}.sql", text)
        self.tests.append({"name": name, "args": args})
        if self.chance(0.3):
            self.describe(
                "macros",
                {
                    "name": "test_" + name,
                    "description": self.text(),
                    **(
                        {"arguments": [{"name": "model", "type": "string", "description": "x"}]}
                        if self.chance(0.5)
                        else {}
                    ),
                },
                "macros",
            )

    def make_macro(self):
        name = self.fresh("mac_")
        n = self.rnd.randint(0, 2)
        params = ", ".join(f"p{i}{self.pick(['', '=1'])}" if i == n - 1 else f"p{i}" for i in range(n))
        body = self.pick(
            [
                "1",
                "{{ return(1) }}",
                "{% set x = 1 %}{{ x }}",
                "{#- c -#} 1 {#- c -#}",
                "{{ 'a' | length }}",
                "{%- if execute -%}1{%- else -%}0{%- endif -%}",
            ]
        )
        if self.macros and self.chance(0.4):
            body = "{{ " + self.macro_call() + " }}"
        if self.chance(0.15):
            body = (
                "{{ return(adapter.dispatch('"
                + name
                + "'"
                + self.pick(["", f", '{self.name}'", f", macro_namespace='{self.name}'"])
                + ")("
                + ", ".join(f"p{i}" for i in range(n))
                + ")) }}"
            )
            impl = "".join(
                "{% macro "
                + p
                + "__"
                + name
                + "("
                + params
                + ") %}"
                + self.pick(["1", "2"])
                + "{% endmacro %}\n"
                for p in self.some(["default", "postgres"], 2, 1)
            )
            if "default__" not in impl and "postgres__" not in impl:
                impl = "{% macro default__" + name + "(" + params + ") %}1{% endmacro %}\n"
        else:
            impl = ""
        dash = self.pick(["", "-"])
        text = (
            "{%"
            + dash
            + " macro "
            + name
            + "("
            + params
            + ") "
            + dash
            + "%}"
            + body
            + "{%"
            + dash
            + " endmacro "
            + dash
            + "%}\n"
            + impl
        )
        path = f"{self.folder('macros')}/{self.pick([name, 'shared'])}.sql"
        self.files[path] = self.files.get(path, "") + text
        if self.chance(0.4):
            e = {"name": name, "description": self.text()}
            if self.chance(0.5):
                e["arguments"] = [
                    {
                        "name": f"p{i}",
                        **(
                            {"type": self.pick(["string", "int", "list[string]"])} if self.chance(0.7) else {}
                        ),
                        **({"description": self.text()} if self.chance(0.5) else {}),
                    }
                    for i in range(n)
                ]
            if self.chance(0.3):
                e["meta"] = self.meta()
            elif self.chance(0.3):
                e["config"] = {"meta": self.meta(), **({"docs": {"show": False}} if self.chance(0.5) else {})}
            if self.chance(0.2) and "docs" not in e.get("config", {}):
                e["docs"] = {"show": False}
            self.describe("macros", e, "macros")
        self.macros.append({"name": name, "args": n})

    def make_naming_macros(self):
        for what, body in (
            (
                "schema",
                "{% macro generate_schema_name(custom_schema_name, node) -%}{{ (custom_schema_name or 'dflt') | trim }}_{{ node.resource_type }}{{ '_' ~ node.fqn[1] | replace('.', '_') | replace(' ', '') if node.fqn | length > 2 }}{%- endmacro %}",
            ),
            (
                "alias",
                "{% macro generate_alias_name(custom_alias_name=none, node=none) %}\n  {{ (custom_alias_name or node.name) ~ ('_v' ~ node.version if node.version) }}\n{% endmacro %}",
            ),
            (
                "database",
                "{% macro generate_database_name(custom_database_name=none, node=none) -%}{{ target.database }}{%- endmacro %}",
            ),
        ):
            if self.chance(0.25):
                self.files[f"macros/naming_{what}.sql"] = body

    def make_docs(self):
        text = "{% docs intro %}The *intro* of " + self.name + ".{% enddocs %}\n"
        for _ in range(self.rnd.randint(0, 2)):
            n = self.fresh("doc_")
            self.docs.append(n)
            text += (
                "\nloose words\n{%- docs "
                + n
                + " -%}\n"
                + self.pick(["## Ümlaut", "{% raw %}{{ x }}{% endraw %}", "a\n\nb  ", "{{ 1 }}"])
                + "\n{% enddocs %}\n"
            )
        self.put(f"{self.folder('models')}/docs.md", text)
        if self.chance(0.2):
            self.files["models/overview.md"] = "{% docs __overview__ %}\nHello\n{% enddocs %}"

    def make_group(self):
        n = self.fresh("grp_")
        self.groups.append(n)
        e = {
            "name": n,
            "owner": self.pick(
                [
                    {"name": "x"},
                    {"email": "a@b.c"},
                    {"name": "x", "email": ["a@b.c", "d@e.f"][0], "slack": "#x"},
                ]
            ),
        }
        if self.chance(0.3):
            e["description"] = self.text()
        if self.chance(0.3):
            e["config"] = {"meta": self.meta()}
        self.describe("groups", e, "models")

    def make_exposure(self):
        e = {
            "name": self.fresh("exp_"),
            "type": self.pick(["dashboard", "notebook", "analysis", "ml", "application"]),
            "owner": self.pick([{"email": "a@b.c"}, {"name": "x", "team": "y"}]),
        }
        deps = [x for x in (self.ref_call() for _ in range(self.rnd.randint(0, 3))) if x]
        deps += [f"metric('{m}')" for m in self.some(self.metrics, 1)]
        if deps:
            e["depends_on"] = deps
        for k, v in (
            ("label", "A label"),
            ("url", "https://x.y/z?a=b"),
            ("maturity", self.pick(["high", "medium", "low"])),
            ("description", self.text()),
            ("tags", self.tag_list()),
            ("meta", self.meta()),
        ):
            if self.chance(0.35):
                e[k] = v
        if self.chance(0.3):
            e["config"] = {k: v for k, v in self.settings("exposures", "yaml", 2, 1).items() if k not in e}
        self.describe("exposures", e, self.folder("models"))

    def make_unit_test(self):
        candidates = [m for m in self.models if not m.get("versions")]
        if not candidates:
            return
        m = self.pick(candidates)
        path = next(
            (p for p in self.files if re.fullmatch(r".*/" + re.escape(m["name"]) + r"\.(sql|SQL)", p)), None
        )
        if not path:
            return
        calls = sorted(set(re.findall(r"\{\{ ?((?:ref|source)\([^}]*\)) ?\}\}", self.files[path])))
        given = []
        for c in calls:
            fmt = self.pick(["dict", "csv", "sql", None])
            g = {"input": c}
            g |= {
                "dict": {
                    "format": "dict",
                    "rows": [{"id": 1, "name": self.pick(["a", None, "it's"])}, {"id": 2}],
                },
                "csv": {"format": "csv", "rows": "id,name,ts\n1,a,2024-01-01\n2,,\n"},
                "sql": {"format": "sql", "rows": "select 1 as id, 'a' as name, now() as ts"},
                None: {"rows": self.pick([[], [{"id": 1}]])},
            }[fmt]
            if fmt == "csv" and self.chance(0.3):
                stem = self.fresh("fx_")
                self.files[f"tests/fixtures/{stem}.csv"] = g.pop("rows")
                g["fixture"] = stem
            given.append(g)
        e = {
            "name": self.fresh("ut_"),
            "model": m["name"],
            "given": given,
            "expect": self.pick(
                [
                    {"rows": [{"id": 1}, {"id": 2}]},
                    {"format": "csv", "rows": "id\n1\n2\n"},
                    {"format": "sql", "rows": "select 1 as id"},
                    {"rows": []},
                ]
            ),
        }
        over = {}
        if "is_incremental" in self.files[path]:
            over["macros"] = {"is_incremental": False}
        if self.chance(0.3):
            over["vars"] = {"v_text": "overridden"}
        if self.chance(0.15):
            over["env_vars"] = {"RANDOM_ENV": "other"}
        if over:
            e["overrides"] = over
        if self.chance(0.3):
            e["description"] = self.text()
        if self.chance(0.4):
            e["config"] = self.settings("unit_tests", "yaml", 2, 1)
        self.describe("unit_tests", e, self.folder("models"))

    def make_function(self):
        name = self.fresh("fn_")
        self.put(
            f"functions/{name}.sql",
            self.config_call(self.settings("functions", "sql", 1))
            + "p0 * 2"
            + (" -- {{ target.name }}" if self.chance(0.5) else ""),
        )
        e = {
            "name": name,
            "description": self.text(),
            "arguments": [
                {"name": "p0", "data_type": "integer", **({"description": "d"} if self.chance(0.5) else {})}
            ],
            "returns": {"data_type": "integer", **({"description": "r"} if self.chance(0.3) else {})},
        }
        if self.chance(0.5):
            e["config"] = {
                **self.settings("functions", "yaml", 2),
                **({"volatility": self.pick(["deterministic", "stable"])} if self.chance(0.5) else {}),
            }
        self.describe("functions", e, "functions")
        self.functions.append(name)

    def make_semantic(self):
        spine = "time_spine_" + self.pick(WORDS)
        self.files[f"models/{spine}.sql"] = "select date_day from (select now()::date as date_day) d"
        ts = {"standard_granularity_column": "date_day"}
        if self.chance(0.4):
            ts["custom_granularities"] = [
                {"name": "fiscal", **({"column_name": "fiscal_col"} if self.chance(0.5) else {})}
            ]
        self.describe(
            "models",
            {
                "name": spine,
                "time_spine": ts,
                "columns": [
                    {"name": "date_day", "granularity": "day"},
                    {"name": "fiscal_col"},
                    {"name": "fiscal"},
                ],
            },
            "models",
        )
        base = self.fresh("base_")
        self.files[f"models/{base}.sql"] = "select 1 as id, 'x' as name, now() as ts, 2.5 as amount"
        sm = {
            "name": self.fresh("sem_").lower(),
            "model": f"ref('{base}')",
            "defaults": {"agg_time_dimension": "ts"},
            "entities": [{"name": "ent_" + base.lower(), "type": "primary", "expr": "id"}],
            "dimensions": [
                {
                    "name": "ts",
                    "type": "time",
                    "type_params": {"time_granularity": self.pick(["day", "month"])},
                },
                {
                    "name": "name",
                    "type": "categorical",
                    **({"label": "L", "description": self.text()} if self.chance(0.5) else {}),
                },
            ],
            "measures": [],
        }
        if self.chance(0.3):
            sm["entities"].append(
                {"name": "other_ent", "type": self.pick(["foreign", "unique"]), "expr": "name"}
            )
        names = []
        for i in range(self.rnd.randint(1, 3)):
            me = {
                "name": f"{base.lower()}_m{i}",
                "agg": self.pick(["sum", "max", "count", "count_distinct", "average"]),
                "expr": self.pick(["amount", "1", "id"]),
            }
            if i == 0:
                me["agg"] = "count"
            if self.chance(0.4):
                me["create_metric"] = True
                self.metrics.append(me["name"])
            if self.chance(0.3):
                me["description"] = self.text()
            if self.chance(0.2):
                me["label"] = f"lab {i}"
            if self.chance(0.2):
                me["agg_time_dimension"] = "ts"
            if self.chance(0.1):
                me["config"] = {"meta": self.meta()}
            sm["measures"].append(me)
            names.append(me["name"])
        for k, v in (("description", self.text()), ("label", "Label")):
            if self.chance(0.3):
                sm[k] = v
        if self.chance(0.3):
            sm["config"] = self.settings("semantic-models", "yaml", 2, 1)
            sm["config"].pop("enabled", None)
        self.describe("semantic_models", sm, "models")
        made = []
        for i in range(self.rnd.randint(1, 4)):
            kind = self.pick(["simple", "simple", "ratio", "derived", "cumulative", "conversion"])
            me = {"name": f"met_{base.lower()}_{i}", "label": f"Metric {i}", "type": kind}
            ref = lambda: self.pick(
                [
                    self.pick(names),
                    {
                        "name": self.pick(names),
                        "filter": "{{ Dimension('ent_" + base.lower() + "__name') }} = 'x'",
                    },  # noqa: E731
                    {"name": self.pick(names), "fill_nulls_with": 0, "join_to_timespine": True},
                ]
            )
            if kind in ("ratio", "derived") and not made:
                kind = me["type"] = "simple"
            if kind == "simple":
                me["type_params"] = {"measure": ref()}
            elif kind == "ratio":
                me["type_params"] = {
                    "numerator": self.pick(made),
                    "denominator": self.pick(
                        [
                            self.pick(made),
                            {
                                "name": self.pick(made),
                                "filter": "{{ TimeDimension('ent_"
                                + base.lower()
                                + "__ts', 'day') }} > '2020-01-01'",
                            },
                        ]
                    ),
                }
            elif kind == "derived":
                a = self.pick(made)
                me["type_params"] = {
                    "expr": f"{a} + prev",
                    "metrics": [a, {"name": self.pick(made), "offset_window": "1 month", "alias": "prev"}],
                }
            elif kind == "cumulative":
                me["type_params"] = {
                    "measure": ref(),
                    "cumulative_type_params": self.pick(
                        [{"window": "7 days"}, {"grain_to_date": "month", "period_agg": "last"}]
                    ),
                }
            else:
                me["type_params"] = {
                    "conversion_type_params": {
                        "base_measure": names[0],
                        "conversion_measure": names[0],
                        "entity": "ent_" + base.lower(),
                        "window": "7 days",
                    }
                }
            if self.chance(0.3):
                me["filter"] = self.pick(
                    [
                        "{{ Dimension('ent_" + base.lower() + "__name') }} = 'x'",
                        [
                            "{{ Dimension('ent_" + base.lower() + "__name') }} = 'x'",
                            "{{ Entity('ent_" + base.lower() + "') }} > 1",
                        ],
                    ]
                )
            if self.chance(0.3):
                me["description"] = self.text()
            if self.chance(0.3):
                me["config"] = self.settings("metrics", "yaml", 2, 1)
                me["config"].pop("enabled", None)
            if self.chance(0.2):
                me["time_granularity"] = "month"
            if self.chance(0.1) and "meta" not in me.get("config", {}):
                me["meta"] = self.meta()
            if self.chance(0.1):
                me["tags"] = self.tag_list()
            self.describe("metrics", me, "models")
            made.append(me["name"])
        self.metrics += made
        if self.chance(0.6):
            sq = {
                "name": "sq_" + base.lower(),
                "query_params": {
                    "metrics": self.some(made, 2, 1),
                    "group_by": [
                        f"Dimension('ent_{base.lower()}__name')",
                        "TimeDimension('metric_time', 'day')",
                    ][: self.rnd.randint(1, 2)],
                },
            }
            if self.chance(0.5):
                sq["query_params"]["where"] = ["{{ Dimension('ent_" + base.lower() + "__name') }} = 'x'"]
            if self.chance(0.3):
                sq["query_params"]["limit"] = 10
            if self.chance(0.3):
                sq["query_params"]["order_by"] = [
                    "Metric('" + sq["query_params"]["metrics"][0] + "').descending(True)"
                ][:1]
            if self.chance(0.6):
                sq["exports"] = [
                    {
                        "name": "exp_a",
                        "config": {
                            "export_as": self.pick(["table", "view"]),
                            **({"alias": "al"} if self.chance(0.5) else {}),
                            **({"schema": "sc"} if self.chance(0.5) else {}),
                        },
                    }
                ]
            if self.chance(0.4):
                sq["config"] = self.pick(
                    [
                        {"cache": {"enabled": True}},
                        {"meta": self.meta()},
                        {"tags": self.tags()},
                        {"export_as": "table", "schema": "x"},
                    ]
                )
            if self.chance(0.3):
                sq["tags"] = self.tag_list()
            if self.chance(0.4):
                sq["description"] = self.text()
            if self.chance(0.3):
                sq["label"] = "Lab"
            self.describe("saved_queries", sq, "models")

    # -- the project file

    def project(self):
        rnd = self.rnd
        p = {"name": self.name, "version": self.pick(["1.0", "1.0.0", Raw("1.0"), "2.10"])}
        if self.root is None:
            p["profile"] = "p"
        if self.chance(0.3):
            p["config-version"] = 2
        if self.chance(0.2):
            p["vars"] = {}
        v = {
            "v_text": self.pick(["vee", "it''s", "1"]),
            "v_list": [1, "b"],
            "v_dict": {"a": 1},
            "v_mat": self.pick(["table", "view"]),
        }
        v["v_text"] = self.pick(["vee", "words of it", "one"])
        if self.chance(0.4) and self.root is None and self.packages:
            v[self.packages[0].name] = {"v_text": "scoped", "v_mat": "view"}
        if self.chance(0.3):
            v[self.name] = {"v_text": "own scope"}
        p["vars"] = v
        for kind in (
            "models",
            "seeds",
            "snapshots",
            self.pick(["data_tests", "tests"]),
            "sources",
            "exposures",
            "unit_tests",
            "functions",
            "semantic-models",
            "metrics",
            "saved-queries",
        ):
            if self.chance(0.35 if kind != "models" else 0.7):
                tree = self.tree(kind)
                if tree:
                    p[kind] = tree
        if self.root is None:
            if self.chance(0.25):
                p["quoting"] = self.pick(
                    [
                        {"identifier": False},
                        {"database": False, "schema": False, "identifier": False},
                        {"schema": True},
                    ]
                )
            if self.chance(0.3):
                p["dispatch"] = [
                    {
                        "macro_namespace": (self.packages[0].name if self.packages else self.name),
                        "search_order": [self.name, *(x.name for x in self.packages), "dbt"],
                    }
                ]
            if self.chance(0.3):
                p["flags"] = {
                    k: v
                    for k, v in (
                        ("send_anonymous_usage_stats", False),
                        ("require_generic_test_arguments_property", self.chance(0.95)),
                        ("state_modified_compare_more_unrendered_values", self.chance(0.5)),
                        ("state_modified_compare_vars", self.chance(0.5)),
                        ("require_ref_searches_node_package_before_root", True),
                        ("validate_macro_args", True),
                        ("require_resource_names_without_spaces", False),
                    )
                    if self.chance(0.4)
                }
        if self.chance(0.3):
            p["on-run-start"] = self.pick(
                ["select 1", ["select 1", "{{ log('x') }}"], "{{ var('v_text') and 'select 2' }}"]
            )
        if self.chance(0.3):
            p["on-run-end"] = ["select {{ 1 + 1 }}", "{% for r in results %}{% endfor %}"][
                : rnd.randint(1, 2)
            ]
        if self.chance(0.15):
            p["query-comment"] = self.pick(["c {{ node.name }}", {"comment": "x", "append": True}, None, ""])
        if self.chance(0.2):
            p["clean-targets"] = ["target"]
        if self.chance(0.1):
            p["require-dbt-version"] = self.pick([">=1.0.0", [">=1.0.0", "<2.0.0"]])
        if self.chance(0.1):
            p["model-paths"] = ["models"]
        if self.chance(0.1):
            p["restrict-access"] = False
        items = list(p.items())
        rnd.shuffle(items)
        return dict(items)

    def tree(self, kind):
        """A config tree: settings at the top, below the package, and below folders and names."""

        def settings(plus):
            out = {}
            for k, v in self.settings(kind, "project", 2, 1).items():
                if k == "enabled" and self.chance(0.6):
                    continue
                if k in ("materialized",) and self.chance(0.3):
                    v = self.pick(["view", "table"])
                always = isinstance(v, dict) or k in (
                    "tags",
                    "meta",
                    "docs",
                    "schema",
                    "database",
                    "alias",
                    "group",
                )
                out[("+" if plus or (always and self.chance(0.9)) else "") + k] = v
            return out

        tree = settings(self.chance(0.8)) if self.chance(0.5) else {}
        inner = settings(self.chance(0.8)) if self.chance(0.6) else {}
        node = inner
        paths = sorted({p for p in self.files if p.startswith(kind + "/")})
        for p in self.some(paths, 2):
            node = inner
            parts = p.split("/")[1:]
            parts[-1] = parts[-1].rsplit(".", 1)[0]
            for part in parts[: rnd_depth(self.rnd, len(parts))]:
                node = node.setdefault(part, {})
                if not isinstance(node, dict):
                    break
            if isinstance(node, dict):
                for k, v in settings(True).items():
                    if k.lstrip("+") not in {x.lstrip("+") for x in node}:
                        node[k] = v
        if kind == "sources" and self.sources and self.chance(0.5):
            s = self.pick(self.sources)
            inner.setdefault(s[0], {}).update(settings(True))
        if inner:
            tree[self.name] = inner
        if self.root is None and self.packages and self.chance(0.4):
            tree[self.pick(self.packages).name] = settings(True)
        return tree

    # -- all together

    def make(self):
        rnd = self.rnd
        self.make_docs()
        for _ in range(rnd.randint(0, 2)):
            self.make_group()
        for _ in range(rnd.randint(0, 4)):
            self.make_macro()
        for _ in range(rnd.randint(0, 2)):
            self.make_generic()
        self.make_naming_macros()
        for _ in range(rnd.randint(0, 2)):
            self.make_source()
        for _ in range(rnd.randint(0, 2)):
            self.make_seed()
        for _ in range(rnd.randint(2, 9)):
            self.make_model()
        for _ in range(rnd.randint(0, 2)):
            self.make_snapshot()
        if self.chance(0.4):
            self.make_model()
        if self.chance(0.1):
            self.make_python_model()
        if self.chance(0.3):
            self.make_analysis()
        for _ in range(rnd.randint(0, 2)):
            self.make_singular()
        for _ in range(rnd.randint(0, 2)):
            self.make_unit_test()
        if self.chance(0.2):
            self.make_function()
        if self.chance(0.3) and self.root is None:
            self.make_semantic()
        for _ in range(rnd.randint(0, 2)):
            self.make_exposure()
        if self.chance(0.15):
            self.files["models/empty.sql"] = self.pick(["", "\n\n", "{# only #}", "-- x"])
        if self.chance(0.1):
            self.files["models/empty.yml"] = self.pick(["", "# nothing\n", "version: 2\n", "{}\n"])
        self.write_properties()
        text = self.yaml.text(self.project())
        # Templates of this file see the variables of the command line alone.
        self.files["dbt_project.yml"] = re.sub(
            r"var\((''|'|\\?\")(v_(?:text|list|dict|mat))\1\)",
            lambda m: f"var({m[1]}{m[2]}{m[1]}, {m[1]}table{m[1]})",
            text,
        )

    def write_properties(self):
        files = {}
        for folder, key, entry in self.properties:
            base = folder.split("/")[0]
            where = self.pick(
                [
                    f"{base}/schema.yml",
                    f"{folder}/props.yml",
                    f"{folder}/_{entry['name'][:20]}.yaml",
                    "models/all.yml",
                ]
            )
            files.setdefault(where, {}).setdefault(key, []).append(entry)
        for where, doc in files.items():
            if "tests" in doc and "data_tests" in doc:
                doc["data_tests"] += doc.pop("tests")
            if self.chance(0.6):
                doc = {"version": 2, **doc}
            text = self.yaml.text(doc)
            r = self.rnd.random()
            if r < 0.04:
                text = text.replace("\n", "\r\n")
            elif r < 0.06:
                text = "\ufeff" + text
            elif r < 0.1:
                text = "anchors:\n  - &one {k1: 1}\n" + text.replace("meta: {k1: 1}", "meta: *one")
            self.files[where] = text


def rnd_depth(rnd, n):
    return rnd.randint(1, n)


def mistake(rnd, files):
    """One small mistake in one file."""
    path = rnd.choice(sorted(files))
    lines = files[path].split("\n")
    at = rnd.randrange(len(lines))
    kind = rnd.randrange(8)
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(at, lines[at])
    elif kind == 2:
        lines[at] = "  " + lines[at]
    elif kind == 3:
        words = re.findall(r"\w+", lines[at])
        if words:
            w = rnd.choice(words)
            lines[at] = lines[at].replace(w, w + "x", 1)
    elif kind == 4:
        lines[at] = lines[at].replace(": ", ":", 1)
    elif kind == 5:
        lines[at] = re.sub(r"(['\"}\])])", "", lines[at], count=1)
    elif kind == 6:
        m = re.match(r"(\s*(?:- )?[\w+-]+:) (.+)$", lines[at])
        if m:
            lines[at] = (
                m[1] + " " + rnd.choice(["null", "[]", "{}", "5", "text", "[a]", "{a: b}", "true", "''"])
            )
    else:
        other = rnd.choice(lines)
        lines.insert(at, other)
    return path, {**files, path: "\n".join(lines)}


def project_of(seed, broken=False):
    rnd = random.Random(seed)
    packages = []
    root = Maker(rnd, "p")
    for i in range(rnd.choice([0, 0, 0, 1, 1, 2])):
        pack = Maker(rnd, ["pkg_one", "another"][i], root=root)
        pack.make()
        root.used |= pack.used
        packages.append(pack)
    root.packages = packages
    for pack in packages:
        root.macros += [dict(m, package=pack.name) for m in pack.macros]
        root.tests += [dict(t, package=pack.name) for t in pack.tests]
    root.make()
    files = dict(root.files)
    if packages:
        files["packages.yml"] = "packages:\n" + "".join(f"  - local: ./local/{p.name}\n" for p in packages)
        for p in packages:
            for path, text in p.files.items():
                files[f"dbt_packages/{p.name}/{path}"] = text
    cli_vars = rnd.choice([None, None, None, {"v_text": "cli"}, {"v_mat": "table", "v_list": [3]}])
    if broken:
        for _ in range(rnd.randint(1, 2)):
            _, files = mistake(rnd, files)
    return files, cli_vars


CHANGES = [
    ("description", "changed words"),
    ("materialized", "incremental"),
    ("materialized", "table"),
    ("enabled", "false"),
    ("severity", "warn"),
    ("data_type", "bigint"),
    ("where", "id > 7"),
    ("alias", "changed_alias"),
    ("schema", "changed_schema"),
    ("on_schema_change", "append_new_columns"),
    ("tags", "[changed]"),
    ("meta", "{changed: 1}"),
    ("loaded_at_field", "changed"),
    ("node_color", "blue"),
    ("access", "public"),
    ("expr", "'2'"),
    ("label", "changed"),
    ("deprecation_date", "2099-06-06"),
    ("type", "ml"),
    ("identifier", "changed"),
    ("unique_key", "name"),
]


def changed(rnd, files):
    """The project after some ordinary edits."""
    files = dict(files)
    for _ in range(rnd.randint(1, 5)):
        path = rnd.choice(sorted(files))
        text = files[path]
        if path.endswith((".sql", ".SQL")):
            if re.search(r"\{%-? *endmacro", text):
                files[path] = re.sub(r"(\{%-? *endmacro)", r" changed\1", text, count=1)
            elif "{% endsnapshot" in text or "{% endtest" in text:
                files[path] = text.replace("select ", "select  ", 1)
            else:
                files[path] = text + "\n-- changed"
        elif path.endswith(".csv"):
            files[path] = text + "9,new,2024-01-09\n"
        elif path.endswith(".md"):
            files[path] = text.replace("*intro*", "*changed intro*")
        elif path.endswith((".yml", ".yaml")) and path != "packages.yml":
            options = [
                (m, v)
                for k, v in CHANGES
                for m in re.finditer(rf"(?m)^( *(?:- )?\+?{k}:) ([^\n&*|>{{\[]+)$", text)
            ]
            options += [(m, "changed_var") for m in re.finditer(r"(?m)^( *v_text:) (.+)$", text)]
            if options:
                m, v = rnd.choice(options)
                files[path] = text[: m.start()] + m[1] + " " + v + text[m.end() :]
    if rnd.random() < 0.3:
        files["models/brand_new.sql"] = "select 1 as id"
    if rnd.random() < 0.2:
        doomed = rnd.choice(sorted(p for p in files if p.startswith(("models/", "tests/", "seeds/"))))
        del files[doomed]
    return files


def selections(rnd, manifest, count):
    """Arguments of `ls`, out of what the manifest holds."""
    nodes = [
        n
        for s in (
            "nodes",
            "sources",
            "exposures",
            "metrics",
            "saved_queries",
            "semantic_models",
            "unit_tests",
            "functions",
        )
        for n in (manifest.get(s) or {}).values()
    ]
    if not nodes:
        return []

    def shaped(text):
        r = rnd.random()
        if r < 0.12:
            return "*" + text[rnd.randrange(len(text) + 1) :]
        if r < 0.2:
            return text[: rnd.randrange(len(text) + 1)] + "*"
        if r < 0.24 and text:
            return text.replace(rnd.choice(text), "?", 1)
        if r < 0.26 and text:
            return text.replace(rnd.choice(text), "[a-z]", 1)
        return text

    def config_value(n):
        c = n.get("config") or {}
        key = rnd.choice(sorted(c) or ["materialized"])
        v = c.get(key)
        path = key
        while isinstance(v, dict) and v:
            k = rnd.choice(sorted(v))
            path += "." + k
            v = v[k]
        if isinstance(v, list):
            v = rnd.choice(v) if v else "x"
        return f"config.{path}:{v if not isinstance(v, bool) else rnd.choice([str(v), str(v).lower()])}"

    def criterion(state):
        n = rnd.choice(nodes)
        kind = n["resource_type"]
        tags = n.get("tags") or ["daily"]
        methods = [
            lambda: shaped(n["name"]),
            lambda: "fqn:" + shaped(".".join(n["fqn"])),
            lambda: ".".join(n["fqn"][rnd.randrange(len(n["fqn"])) :]),
            lambda: ".".join(n["fqn"][: rnd.randint(1, len(n["fqn"]))]),
            lambda: "tag:" + shaped(str(rnd.choice(tags))),
            lambda: "path:" + n["original_file_path"],
            lambda: "path:" + shaped(os.path.dirname(n["original_file_path"])),
            lambda: "file:" + shaped(os.path.basename(n["original_file_path"])),
            lambda: "package:" + rnd.choice([n["package_name"], "this", "p*"]),
            lambda: "resource_type:" + kind,
            lambda: "test_type:" + rnd.choice(["generic", "singular", "unit", "data"]),
            lambda: "test_name:" + rnd.choice(["unique", "not_null", "acc*", "is_*"]),
            lambda: config_value(n),
            lambda: config_value(n),
            lambda: "group:" + str(n.get("group") or "grp_*"),
            lambda: "access:" + rnd.choice(["public", "protected", "private"]),
            lambda: "version:" + rnd.choice(["latest", "old", "prerelease", "none"]),
            lambda: "source:" + shaped(n.get("source_name", "src_") + rnd.choice(["", "." + n["name"]])),
            lambda: "exposure:" + shaped(n["name"]),
            lambda: "metric:" + shaped(n["name"]),
            lambda: "semantic_model:*",
            lambda: "saved_query:*",
            lambda: "unit_test:" + shaped(n["name"]),
            lambda: n["original_file_path"],
            lambda: os.path.basename(n["original_file_path"]),
        ]
        if state:
            methods += [
                lambda: "state:"
                + rnd.choice(
                    [
                        "new",
                        "old",
                        "modified",
                        "unmodified",
                        "modified.body",
                        "modified.configs",
                        "modified.relation",
                        "modified.macros",
                        "modified.contract",
                        "modified.persisted_descriptions",
                        "modified",
                    ]
                )
            ] * 12
        text = rnd.choice(methods)().replace(" ", "?")
        r = rnd.random()
        before, after = rnd.choice(
            [("", "")] * 4
            + [("+", ""), ("", "+"), ("+", "+"), ("1+", ""), ("", "+1"), ("2+", "+3"), ("@", "")]
        )
        return before + text + after

    out = []
    for i in range(count):
        state = i % 2 == 0
        args = ["--select"]
        for _ in range(rnd.choice([1, 1, 1, 2, 3])):
            args.append(",".join(criterion(state) for _ in range(rnd.choice([1, 1, 1, 2]))))
        if rnd.random() < 0.25:
            args += ["--exclude", criterion(state)]
        if rnd.random() < 0.25:
            args += ["--indirect-selection", rnd.choice(["eager", "cautious", "buildable", "empty"])]
        if rnd.random() < 0.2:
            args += [
                "--resource-type",
                rnd.choice(
                    [
                        "model",
                        "test",
                        "source",
                        "all",
                        "unit_test",
                        "seed",
                        "exposure",
                        "default",
                        "snapshot",
                        "function",
                    ]
                ),
            ]
        args += rnd.choice(
            [
                [],
                ["--output", "name"],
                ["--output", "path"],
                ["--output", "json", "--output-keys", "unique_id", "alias", "tags", "config.materialized"],
                ["--output", "json"],
                ["--output", "selector"],
            ]
        )
        out.append(args)
    return out


def write_files(files, folder):
    for path, text in files.items():
        target = os.path.join(folder, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w", encoding="utf-8", newline="") as f:
            f.write(text)
