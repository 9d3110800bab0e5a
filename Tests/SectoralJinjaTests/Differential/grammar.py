"""The expressions that random templates are made of, by the type of what they yield.

A line is a production. `<type>` is a hole that another production of that type fills; it is put in
parentheses where the text around it binds tighter. `<<type>>` is a hole without parentheses, for
productions whose operators yield the same type whatever the precedence makes of them.

Types: str int float num bool none any, lists of them (strs ints nums anys), recs (a list of records
with n: str, a: int, c: str, t: strs, o: dict), rec, pairs (two items each), dints dstrs danys
(dictionaries from strings), tup, undef (something missing), small (a small integer), char.
"""

PRODUCTIONS = {
    "str": r"""
        <str>|upper
        <str>|lower
        <str>|title
        <str>|capitalize
        <str>|trim
        <str>|trim(<chars>)
        <str>|replace(<char>, <str>)
        <str>|replace(<char>, <str>, <small>)
        <str>|replace(old=<char>, new=<char>)
        <str>|center(<width>)
        <str>|center(width=<width>)
        <str>|truncate(<width>)
        <str>|truncate(<width>, true)
        <str>|truncate(<width>, <bool>, <char>, <small>)
        <str>|truncate(<width>, true, '', 0)
        <str>|truncate(length=<width>, leeway=<small>, end='~')
        <str>|indent
        <str>|indent(<small>)
        <str>|indent(<small>, true)
        <str>|indent(<small>, first=<bool>, blank=<bool>)
        <str>|indent('> ', true, true)
        <str>|wordwrap(<width>)
        <str>|wordwrap(<width>, false)
        <str>|wordwrap(<width>, break_long_words=<bool>, wrapstring='|', break_on_hyphens=<bool>)
        <str>|reverse
        <str>|string
        <any>|string
        <str>|striptags
        <str>|urlencode
        <dstrs>|urlencode
        <pairs>|urlencode
        <str>|escape
        <str>|e
        <str>|forceescape
        <str>|safe
        <str>|urlize
        <str>|urlize(<width>)
        <str>|urlize(nofollow=<bool>, target='_blank', rel='a b')
        'see http://a.io/x?y=1, (www.b.org) and mail@c.de.'|urlize
        <dstrs>|xmlattr
        <danys>|xmlattr(<bool>)
        <any>|tojson
        <any>|tojson(<small>)
        <danys>|tojson(indent=2)
        <any>|pprint
        <num>|filesizeformat
        <num>|filesizeformat(<bool>)
        '%s-%s'|format(<any>, <str>)
        '%05d|%-5s|%+.2f'|format(<int>, <str>, <num>)
        '%(k)s and %(n)r'|format(k=<str>, n=<any>)
        <strs>|join
        <strs>|join(<str>)
        <anys>|join(', ')
        <recs>|join('/', attribute='n')
        <recs>|join(attribute='a', d=<char>)
        <strs>|first
        <strs>|last
        <strs>|max
        <strs>|min
        <strs>|map(<strmap>)|join(<char>)
        <undef>|default(<str>)
        <undef>|d(<str>, true)
        <str>|default(<str>, true)
        <str>|default(<str>, boolean=<bool>)
        <rec>|attr('zz')|default('none')
        <str>.upper()
        <str>.lower()
        <str>.title()
        <str>.capitalize()
        <str>.swapcase()
        <str>.casefold()
        <str>.strip()
        <str>.strip(<chars>)
        <str>.lstrip()
        <str>.lstrip(<chars>)
        <str>.rstrip()
        <str>.rstrip(<chars>)
        <str>.replace(<char>, <str>)
        <str>.replace(<str>, <char>, <small>)
        <str>.center(<width>)
        <str>.center(<width>, <char>)
        <str>.ljust(<width>, <char>)
        <str>.rjust(<width>)
        <str>.rjust(<width>, <char>)
        <str>.zfill(<width>)
        <str>.expandtabs()
        <str>.expandtabs(<small>)
        <str>.expandtabs(tabsize=<small>)
        <str>.removeprefix(<str>)
        <str>.removesuffix(<char>)
        <char>.join(<strs>)
        <str>.join(<strs>)
        <char>.join(<str>)
        <str>.format(<any>)
        <str>.translate({97: 'ä', 98: none, 108: 76})
        <str>.translate(''.maketrans('abc', 'xyz', 'l'))
        '{} {}'.format(<any>, <str>)
        '{0}{1}{0!r}'.format(<any>, <any>)
        '{a[n]}-{b}'.format(a=<rec>, b=<any>)
        '{x.real} {x!s:>6}'.format(x=<int>)
        '{:<strspec>}'.format(<str>)
        '{:<intspec>}'.format(<int>)
        '{:<floatspec>}'.format(<float>)
        '{:<floatspec>}|{:<strspec>}'.format(<int>, <str>)
        '{:{}{}}'.format(<str>, '>', <width>)
        '{n}: {a:03d}'.format_map({'n': <any>, 'a': <small>})
        '{n}'.format(**<rec>)
        '{{{}}}'.format(<any>)
        '%s' % <str>
        '%s %% %s' % (<any>, <any>)
        '%<intconv>' % <int>
        '%<floatconv>' % <num>
        '%<strconv>' % <str>
        '%(n)s is %(a)d' % <rec>
        '%*d|%.*f' % (<width>, <int>, <small>, <float>)
        '%r %c' % (<any>, <char>)
        <str>[<idx>]
        <str>[<slice>]
        <str>[<slice>:<step>]
        <str>.split()|join(<char>)
        <str>.partition(<char>)[<zeroone>]
        <str>.rpartition(<char>)|join('|')
        <str> + <str>
        <str> ~ <str>
        <str> ~ <any>
        <any> ~ <str> ~ <any>
        <<str>> ~ <<str>>
        <str> * <small>
        <small> * <str>
        <str> if <bool> else <str>
        <<str>> if <<bool>> else <<str>>
        <str> or <str>
        <str> and <str>
        <rec>.n
        <rec>['n']
        <rec>.get('c')
        <rec>.get('zz', <str>)
        <rec>|attr('n')|default(<str>)
        <dstrs>[<key>]
        <dstrs>.<key_name>
        <dstrs>.get(<key>, <str>)
        <dstrs>|dictsort|join(<char>)
        <pairs>|first|first|string
        <strs>|groupby(0)|map('first')|join
        <recs>|groupby('a')|map(attribute='grouper')|join(',')
        <float>.hex()
        <num>|string
        loop.cycle(<str>, <str>)
        """,
    "int": r"""
        <<int>> + <<int>>
        <<int>> - <<int>>
        <<int>> * <<int>>
        <int> // <nonzero>
        <int> % <nonzero>
        <int> ** <small>
        <small> ** <small> ** <zeroone>
        -<int>
        -<int> ** 2
        +<int>
        <int>|abs
        <num>|int
        <str>|int
        <str>|int(<int>)
        <str>|int(default=<int>, base=16)
        '0x1F'|int(0, 16)
        '0b101'|int(base=2)
        <str>|length
        <strs>|count
        <anys>|length
        <danys>|length
        <str>|wordcount
        <ints>|sum
        <ints>|sum(start=<int>)
        <recs>|sum(attribute='a')
        <recs>|sum('a', <int>)
        <ints>|first
        <ints>|last
        <ints>|min
        <ints>|max
        <recs>|map(attribute='a')|max
        <strs>|map('length')|sum
        <ints>|select(<inttest>)|list|length
        <ints>|reject('none')|sum
        <float>|round|int
        <float>|int
        <int>|round
        <undef>|default(<int>)
        <int>|default(<int>, true)
        <str>.find(<char>)
        <str>.rfind(<char>, <small>)
        <str>.find(<str>, <small>, <width>)
        <str>.count(<char>)
        <str>.count(<str>, <small>)
        ('abc' ~ <str>).index('b')
        (<str> ~ 'z').rindex('z')
        <ints>.count(<int>)
        (<ints> + [7]).index(7)
        (<strs> + ['q']).index('q', <small>)
        <int>.bit_length()
        <int>.bit_count()
        <int>.real
        <int>.numerator
        <int>.conjugate()
        <int>.as_integer_ratio()[0]
        <rec>.a
        <rec>['a']
        <dints>[<key>]
        <dints>.get(<key>, <int>)
        <dints>.get('zz', <int>)
        <dints>.values()|sum
        <dints>|dictsort(by='value')|map('last')|first
        (<ints> + [1])[0]
        (<ints> + [1]).pop()
        ([<int>, <int>] + <ints>).pop(<zeroone>)
        (<int>, <int>)[<zeroone>]
        <int> if <bool> else <int>
        <int> or <int>
        <int> and <int>
        <bool> + <int>
        <bool>|int
        range(<small>)|sum
        range(<small>, <width>, 2)|length
        (<strs>|list)|length
        loop.index
        loop.revindex0
        loop.length
        loop.depth
        """,
    "float": r"""
        <<float>> + <<num>>
        <<float>> * <<float>>
        <float> - <num>
        <int> / <nonzero>
        <float> / <nonzero>
        <float> // <nonzero>
        <float> % <nonzero>
        <float> ** <small>
        -<float>
        <float>|abs
        <float>|round
        <float>|round(<small>)
        <float>|round(<small>, 'floor')
        <float>|round(precision=1, method='ceil')
        <num>|round(-1)
        <num>|float
        <str>|float
        <str>|float(<float>)
        <str>|float(default=<num>)
        <nums>|sum
        <nums>|max
        <nums>|first
        <undef>|default(<float>)
        <float>.real
        <float>.conjugate()
        <float> if <bool> else <float>
        <float>.as_integer_ratio()|first / 1
        """,
    "num": r"""
        <int>
        <int>
        <float>
        <bool>
        """,
    "bool": r"""
        <int> <cmp> <int>
        <num> <cmp> <num>
        <str> <cmp> <str>
        <ints> <cmp> <ints>
        <tup> == <tup>
        <any> == <any>
        <any> != <any>
        <int> < <int> <= <int>
        <num> <cmp> <num> <cmp> <num>
        not <bool>
        not <any>
        <<bool>> and <<bool>>
        <<bool>> or <<bool>>
        <<bool>> and not <<bool>> or <<bool>>
        <str> in <str>
        <char> not in <str>
        <int> in <ints>
        <str> in <strs>
        <any> in <anys>
        <key> in <danys>
        <str> not in <rec>
        <int> in range(<width>)
        <any> is <anytest>
        <any> is not <anytest>
        <undef> is <undeftest>
        <undef> is not <undeftest>
        <str> is <strtest>
        <int> is <inttest_call>
        <num> is <numtest>
        <danys> is mapping
        <anys> is sequence
        <none> is sameas none
        <any> is in <anys>
        <str> is in(<strs>)
        <str>.startswith(<char>)
        <str>.startswith(('a', <char>))
        <str>.startswith(<str>, <small>)
        <str>.endswith(<str>)
        <str>.endswith((<char>, 'd'), 0, <width>)
        <str>.<strpredicate>()
        <float>.is_integer()
        <danys>.keys() == <danys>.keys()
        <danys>.keys().isdisjoint(<strs>)
        <bool> if <bool> else <bool>
        <any>|default(false) is true
        loop.first
        loop.last
        loop.changed(<any>)
        """,
    "none": """
        none
        None
        <danys>.get('zz')
        """,
    "any": """
        <str>
        <str>
        <int>
        <float>
        <bool>
        <none>
        <strs>
        <ints>
        <tup>
        <danys>
        <rec>
        [<any>][0]
        <anys>|first
        <rec>.o
        <rec>.o.k
        <any> if <bool> else <any>
        <any> or <any>
        <any> and <any>
        <undef>|default(<any>)
        """,
    "strs": r"""
        [<str>, <str>]
        [<str>, <str>, <str>]
        []
        <str>.split()
        <str>.split(<char>)
        <str>.split(<char>, <small>)
        <str>.split(sep=<char>, maxsplit=<small>)
        <str>.rsplit(<char>, 1)
        <str>.rsplit(maxsplit=1)
        <str>.splitlines()
        <str>.splitlines(<bool>)
        <str>|list
        <strs>|sort
        <strs>|sort(<bool>)
        <strs>|sort(reverse=<bool>, case_sensitive=<bool>)
        <strs>|unique|list
        <strs>|unique(<bool>)|list
        <strs>|reverse|list
        <strs>|list
        <strs>|map(<strmap>)|list
        <strs>|map('replace', <char>, <char>)|list
        <strs>|map('default', 'x', true)|list
        <strs>|select(<strtest_name>)|list
        <strs>|reject('equalto', <str>)|list
        <strs>|select|list
        <strs>|select('in', <strs>)|list
        <anys>|map('string')|list
        <anys>|select('string')|list
        <recs>|map(attribute='n')|list
        <recs>|map(attribute='zz', default='dd')|list
        <recs>|map(attribute='o.q', default='dd')|list
        <recs>|selectattr('a', 'gt', <int>)|map(attribute='c')|list
        <danys>|list
        <danys>.keys()|list
        <dstrs>.values()|list
        <rec>.t
        <strs>[<slice>]
        <strs>[<slice>:<step>]
        <strs> + <strs>
        <strs> * <zeroone>
        <strs>.copy()
        <strs> if <bool> else <strs>
        <strs>|batch(2)|map('join')|list
        <strs>|slice(2)|map('join', '-')|list
        <str>.partition(<char>)|list
        <strs>|groupby(0)|map(attribute=0)|list
        """,
    "ints": r"""
        [<int>, <int>]
        [<int>, <int>, <int>]
        range(<small>)|list
        range(<small>, <width>)|list
        range(<width>, <small>, -2)|list
        <ints>|sort
        <ints>|sort(reverse=true)
        <ints>|unique|list
        <ints>|reverse|list
        <ints>|map('abs')|list
        <strs>|map('length')|list
        <strs>|map('int')|list
        <strs>|map('int', default=7)|list
        <recs>|map(attribute='a')|list
        <recs>|map('attr', 'n')|map('default', 3)|list
        <ints>|select(<inttest>)|list
        <ints>|reject('divisibleby', <nonzero>)|list
        <ints>|select('gt', <int>)|list
        <ints>|reject('in', <ints>)|list
        <dints>.values()|list
        <ints>[<slice>]
        <ints>[<slice>:<step>]
        <ints> + <ints>
        <ints> * <zeroone>
        <ints> if <bool> else <ints>
        <ints>|list
        <ints>|batch(2, 0)|map('sum')|list
        <ints>|slice(<nonzeropos>)|map('first')|map('default', 0)|list
        <nums>|map('round')|map('int')|list
        """,
    "nums": r"""
        [<num>, <num>]
        [<float>, <int>]
        <ints>|map('float')|list
        <nums>|sort
        <nums>|unique|list
        <ints> + <nums>
        <nums>|map('round', <small>)|list
        """,
    "anys": r"""
        [<any>, <any>]
        [<any>]
        (<any>, <any>)|list
        <pairs>
        <strs>
        <ints>
        <recs>
        <ints>|batch(<nonzeropos>)|list
        <strs>|batch(<nonzeropos>, <any>)|list
        <ints>|slice(<nonzeropos>)|list
        <anys>|slice(3, fill_with=<any>)|list
        <anys>|reverse|list
        <anys>|reject('none')|list
        <anys>|select('defined')|list
        <anys>[<slice>]
        <anys> + <anys>
        <danys>.values()|list
        <recs>|groupby('a')|list
        <recs>|groupby('c', case_sensitive=<bool>)|list
        <recs>|groupby('zz', default='x')|list
        <tup>|list
        """,
    "recs": """
        [<rec>]
        [<rec>, <rec>]
        <recs>|sort(attribute='a')
        <recs>|sort(attribute='n', case_sensitive=true)
        <recs>|sort(attribute='a,n', reverse=<bool>)
        <recs>|selectattr('a')|list
        <recs>|selectattr('n', 'defined')|list
        <recs>|selectattr('zz', 'undefined')|list
        <recs>|selectattr('o.k', 'defined')|list
        <recs>|rejectattr('c', 'eq', <str>)|list
        <recs>|selectattr('a', 'in', <ints>)|list
        <recs>|selectattr('n', 'in', <strs>)|list
        <recs>|rejectattr('zz')|list
        <recs>|unique(attribute='c')|list
        <recs>|reverse|list
        <recs>[<slice>]
        <recs> + <recs>
        """,
    "rec": """
        {'n': <str>, 'a': <int>, 'c': <str>, 't': <strs>, 'o': <danys>}
        dict(n=<str>, a=<int>, c='x', t=[], o={})
        dict(<rec>, a=<int>)
        dict(<rec>, **{'n': <str>})
        <rec>.copy()
        ([<rec>] + <recs>)|max(attribute='a')
        ([<rec>] + <recs>)|min(attribute='n')
        ([<rec>] + <recs>)|last
        <rec> if <bool> else <rec>
        """,
    "pairs": """
        <danys>.items()|list
        <danys>|items|list
        <danys>|dictsort
        <danys>|dictsort(true)
        <dints>|dictsort(by='value', reverse=<bool>)
        <dstrs>|dictsort(<bool>, 'value')
        [(<str>, <any>), (<any>, <int>)]
        <pairs>[<slice>]
        <pairs>|sort(attribute='0')|list
        """,
    "dints": """
        {'a': <int>, 'b': <int>}
        dict(a=<int>, C=<int>)
        dict(<dints>, a=<int>)
        dict([('a', <int>), ['c', 2]])
        {}.fromkeys(['a', 'b'], <int>)
        <dints>.copy()
        """,
    "dstrs": """
        {'a': <str>, 'b': <str>}
        {'x': <str>, <str>: 'v', 'a': 'last'}
        dict(<dstrs>, k=<str>)
        dict.fromkeys(<strs>, <str>)
        """,
    "danys": """
        {'a': <any>, 'k': <any>}
        {<str>: <any>}
        {}
        <dints>
        <dstrs>
        <rec>
        dict(<pairs>|map('list')|rejectattr(0, 'mapping')|rejectattr(0, 'sequence'))
        dict(a=<any>)
        {1: <any>, 'a': <str>, none: 2, 2.0: 'f', (1, 2): 't'}
        """,
    "tup": """
        (<any>, <any>)
        (<any>,)
        ()
        (<int>, <int>, <str>)
        <tup> + <tup>
        <tup>[<slice>]
        <tup> * <zeroone>
        <str>.partition(<char>)
        <str>.rpartition(<char>)
        <float>.as_integer_ratio()
        """,
    "undef": """
        missing
        nope
        <rec>.zz
        <rec>['zz']
        <danys>['q q']
        <strs>[<width>]
        <strs>['x']
        <str>.nope
        <int>.nope
        []|first
        ''|last
        []|max
        <any> if false
        loop.previtem
        loop.nextitem
        <undef>|default(missing)
        <rec>|attr('zz')
        """,
    "chars": """
        <char>
        <str>
        'aeH d'
        """,
}

# What stands for itself, without further holes.
TERMINALS = {
    "str": [
        "''", "'a'", "'abc'", "'Hello'", "'a,b,c'", "'é'", "'x y  z'", "'12'", "'3.7'", "'<b>&</b>'", "\"it's\"",
        "'a\\nb'", "'\\ttab'", "'Žluťoučký kůň'", "'🐎'", "'ß'", "'İi'", "' lead'", "'trail '", "'-42'", "'1e3'",
        "'a-b c--d'", "'MiXeD cAsE'", "'%'", "'100%'", "'{}'", "'a' 'b'", "'\\x41\\u00e9'", "'l1\\nl2\\r\\nl3'", "'it''s'",
        "'select * from t where a = 1'", "'T&C <i>x</i> &amp; \\'q\\' \"d\"'", "'٣٤'", "'²'", "'ǆ'", "'ﬁ'", "'the end.'",
    ],
    "char": ["'a'", "'l'", "' '", "','", "'-'", "'é'", "'<'", "'x'", "'o'", "'*'"],
    "int": ["0", "1", "2", "3", "7", "10", "42", "1_000", "0x1f", "0b11", "0o17", "123456789012345678901", "9223372036854775807"],
    "small": ["0", "1", "2", "3", "4", "-1", "-2", "true"],
    "nonzero": ["1", "2", "3", "7", "-2", "-3", "10", "true"],
    "nonzeropos": ["1", "2", "3", "4"],
    "zeroone": ["0", "1", "-1", "false", "true"],
    "width": ["3", "4", "6", "8", "10", "15", "5", "7", "9", "12", "20"],
    "float": ["0.0", "1.0", "2.5", "0.1", "-1.5", "1e3", "1e-7", "3.14159", "1e16", "123456.789", "2.675", "1.5e300", "1_0.5", "2e0"],
    "bool": ["true", "false", "True", "False"],
    "none": ["none"],
    "idx": ["0", "1", "-1", "2", "0", "0"],
    "slice": [":", "1:", ":2", ":-1", "-2:", "1:3", "5:", "none:2", "-100:100", "0:0", "2:1"],
    "step": ["2", "-1", "1", "none", "3", "-2"],
    "cmp": ["==", "!=", "<", "<=", ">", ">="],
    "key": ["'a'", "'b'", "'a'"],
    "key_name": ["a", "b", "a", "get('a')", "a"],
    "strmap": ["'upper'", "'lower'", "'trim'", "'title'", "'string'", "'e'", "'capitalize'", "'reverse'", "'first'", "'last'", "'length'", "'truncate', 3"],
    "strtest": ["string", "lower", "upper", "number", "iterable", "sequence", "defined", "callable", "eq('a')", "ne 'a'", "filter", "test", "escaped", "lt 'm'", "ge('b')"],
    "strtest_name": ["'string'", "'lower'", "'upper'", "'ne', 'a'", "'eq', 'a'", "'gt', 'b'", "'true'", "'undefined'", "'number'"],
    "inttest": ["'odd'", "'even'", "'gt', 2", "'divisibleby', 3", "'eq', 1", "'number'", "'ge', 0", "'lessthan', 5", "'!=', 1"],
    "inttest_call": ["odd", "even", "divisibleby 3", "divisibleby(2)", "eq 1", "gt 0", "ge(2)", "integer", "float", "number", "boolean", "lt 3", "le 3", "ne 0", "equalto 1", "greaterthan(1)", "lessthan 1"],
    "numtest": ["number", "integer", "float", "boolean", "gt 1", "le 2.5", "true", "false", "none"],
    "anytest": ["defined", "undefined", "none", "number", "string", "sequence", "mapping", "iterable", "callable", "boolean", "true", "false", "integer", "float", "escaped", "sameas none", "eq 1", "ne none", "sameas(true)", "== 2"],
    "undeftest": ["defined", "undefined", "none", "string", "number", "mapping", "boolean", "callable"],
    "strpredicate": ["isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier", "islower", "isnumeric", "isprintable", "isspace", "istitle", "isupper"],
    "strspec": ["", ">8", "<8", "^9", "*^9", "s", ".2", "6.1s", "é>4", "=<5", "03", "!r"[:0] + "x<3"],
    "intspec": ["", "d", "5", "05", "+", " ", "x", "X", "#x", "b", "#b", "o", "#o", ",", "_", "08,", ">8", "^+8d", "n", "e", ".2f", "%", "c"[:0] + "-^7", "=+8", "010b", "#_x", "g", "*=9"],
    "floatspec": ["", ".2f", ".0f", "8.3f", "+.1f", "e", ".3e", "g", ".3g", "%", ".1%", ",.2f", "010.2f", "_.1f", "G", "n", "<10", "^+9.1f", "F", " .3", "#.0f", "z.1f"[:0] + ".10", "E"],
    "intconv": ["d", "5d", "-5d|", "05d", "+d", " d", "x", "#x", "X", "o", "#o", "i", "s", "r", "e", ".1f", "g", "3.2d", "u", "a"],
    "floatconv": ["f", ".2f", "8.1f", "-8.1f|", "+.3e", "g", "G", "%%%d"[0:0] + "d", "s", "r", "010.3f", "#.0f", "E", ".0e", "i"],
    "strconv": ["s", "10s", "-10s|", ".2s", "r", "a", "5.1s"],
}

# Names of the render context, by type; the driver gives them values.
CONTEXT_NAMES = {
    "str": ["s", "e", "u", "html", "line", "digits"], "int": ["n", "z", "neg", "big"], "float": ["f", "tiny"], "bool": ["t", "no"],
    "none": ["nil"], "strs": ["ws", "empty"], "ints": ["xs"], "nums": ["fs"], "anys": ["mix"], "recs": ["rows"], "rec": ["r"],
    "dints": ["d"], "dstrs": ["m"], "danys": ["nest"], "pairs": ["pp"],
}

# Names that stand for values of several types.
SUPERTYPES = {
    "any": ["str", "int", "float", "bool", "none", "strs", "ints", "anys", "danys", "rec", "tup", "nums"],
    "anys": ["strs", "ints", "nums", "recs", "pairs", "anys"],
    "num": ["int", "float", "bool"],
    "danys": ["dints", "dstrs", "rec", "danys"],
    "nums": ["ints", "nums"],
}
